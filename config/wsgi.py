"""The server's entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config import leash

parent = os.getppid()
os.environ.setdefault("TESSERA_PROCESS", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# What the application is made of stays: it need not be looked through for garbage each time. Requests leave few
# circles, so looking at every seven hundredth object was a twentieth of the processor's time.
gc.freeze()
gc.set_threshold(20_000, 20, 20)
if os.environ.get("TESSERA_LEASH"):
    # A server's workers do not outlive a server that was killed. Last, because a signal during the import would be
    # swallowed by the handlers inherited from the server.
    leash.hold(parent)
