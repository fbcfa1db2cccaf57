"""What segments tell the apps below, and the segments that name segments; imported once, when all apps are ready."""

from __future__ import annotations

from config.jobs import loops
from config.jobs.loops import Loop
from customers import erasing, lookups
from customers.fields import FIELDS
from customers.services import profiles
from segments import fields, services, tasks, uses
from tracking import fields as behaviour

FIELDS.register(*behaviour.PATTERNS, *fields.ROWS)
lookups.register_members(services.members_of)
lookups.register_collector(services.collect)
uses.FINDERS.append(services.segments_naming)
erasing.erasers.append(services.erase)
loops.register(Loop("segments.refresh", tasks.step))
profiles.on_deleted.append(services.leave)
