"""What customers tell the foundations; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from customers import exports

kinds.register(exports.KIND)
