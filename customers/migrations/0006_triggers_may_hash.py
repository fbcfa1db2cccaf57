from __future__ import annotations

from typing import ClassVar, Final

from django.db import migrations

SETTINGS: Final = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")
ON: Final = "; ".join(f"ALTER FUNCTION customers_note_changed() SET {name} = on" for name in SETTINGS)
RESET: Final = "ALTER FUNCTION customers_note_changed() RESET ALL"


class Migration(migrations.Migration):
    """An import forbids its own statement all joins but nested loops; the trigger, which compares all old rows with all
    new ones, must not inherit that: 30,000 changed rows took 16 seconds instead of one.
    """

    dependencies: ClassVar = [("customers", "0005_erasure")]

    operations: ClassVar = [migrations.RunSQL(ON, RESET)]
