"""The server's entry point."""

import os

from django.core.wsgi import get_wsgi_application

from config import leash

parent = os.getppid()
os.environ.setdefault("TESSERA_PROCESS", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
if os.environ.get("TESSERA_LEASH"):
    # A server's workers do not outlive a server that was killed. Last, because a signal during the import would be
    # swallowed by the handlers inherited from the server.
    leash.hold(parent)
