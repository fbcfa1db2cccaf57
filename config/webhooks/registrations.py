"""What webhooks give the worker; imported once, when all apps are ready."""

from __future__ import annotations

from config.jobs import loops
from config.jobs.loops import Loop
from config.webhooks import tasks

loops.register(Loop("webhooks.send", tasks.step, pause=0.1))
