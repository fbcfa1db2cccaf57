"""What customers tell the foundations; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from customers import erasing, exports
from customers.services import traces

kinds.register(exports.KIND)
erasing.erasers.append(traces.erase)
