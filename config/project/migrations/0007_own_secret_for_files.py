from __future__ import annotations

from typing import ClassVar

from django.db import migrations

FILL = "UPDATE project_project SET file_secret = webhook_token WHERE file_secret = ''"
EMPTY = "UPDATE project_project SET file_secret = '' WHERE file_secret = webhook_token"


class Migration(migrations.Migration):
    """Links that were given out were keyed by the webhooks' secret: they work on."""

    dependencies: ClassVar = [("project", "0006_webhook_secret_rotation")]

    operations: ClassVar = [migrations.RunSQL(FILL, EMPTY)]
