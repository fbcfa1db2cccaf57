"""What webhooks give the worker and new projects; imported once, when all apps are ready."""

from __future__ import annotations

from config.jobs import loops
from config.jobs.loops import Loop
from config.project import services as projects
from config.webhooks import outbox, tasks

loops.register(Loop("webhooks.send", tasks.step, pause=0.1))
projects.on_created.append(outbox.begin)
