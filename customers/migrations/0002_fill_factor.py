from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Room on every page for a new version of a row, so that moving counters stays HOT."""

    dependencies: ClassVar = [("customers", "0001_initial")]

    operations: ClassVar = [
        migrations.RunSQL(
            "ALTER TABLE customers_customer SET (fillfactor = 85)", "ALTER TABLE customers_customer RESET (fillfactor)"
        )
    ]
