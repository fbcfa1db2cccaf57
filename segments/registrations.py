"""What segments tell the apps below; imported once, when all apps are ready."""

from __future__ import annotations

from customers.fields import FIELDS
from tracking import fields as behaviour

FIELDS.register(*behaviour.PATTERNS)
