from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Final

from django.db import migrations

BEFORE: Final = import_module("customers.migrations.0004_note_changes")
_FORMER: Final = BEFORE.CREATE[BEFORE.CREATE.index("CREATE FUNCTION customers_note_changed") :].split("CREATE TRIGGER")[
    0
]
_NOTE: Final = _FORMER[_FORMER.index("INSERT INTO") : _FORMER.index("    END IF;")].strip().removesuffix(";")
_AS: Final = """ LANGUAGE plpgsql
    SET enable_hashjoin = on SET enable_mergejoin = on SET enable_seqscan = on AS $$"""

REPLACE: Final = f"""
CREATE OR REPLACE FUNCTION customers_note_changed() RETURNS trigger{_AS}
BEGIN
    IF NOT EXISTS (SELECT 1 FROM customers_watch) THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM (SELECT 1 FROM new_rows LIMIT 2) AS few) < 2 THEN
        {_NOTE};
    ELSE
        EXECUTE $note${_NOTE}$note$;
    END IF;
    RETURN NULL;
END $$;
"""
RESTORE: Final = _FORMER.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    " LANGUAGE plpgsql AS $$", _AS
)


class Migration(migrations.Migration):
    """Plan the note of many rows for that many: a plan kept from single rows compares each with each. 2,000 rows took
    220 microseconds each in a session that had changed single ones before.
    """

    dependencies: ClassVar = [("customers", "0007_imported_customers")]

    operations: ClassVar = [migrations.RunSQL(REPLACE, RESTORE)]
