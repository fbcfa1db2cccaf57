from __future__ import annotations

from typing import ClassVar, Final

from django.db import migrations

CREATE: Final = """
CREATE FUNCTION tracking_note_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM customers_watch) THEN
        INSERT INTO customers_changedcustomer (project_id, customer_id, keys, created_at)
        SELECT c.project_id, c.id, ARRAY['events.' || n.name], clock_timestamp()
        FROM moved n
        JOIN customers_customer c ON c.id = n.customer_id
        JOIN customers_watch w ON w.project_id = c.project_id AND 'events.' || n.name = ANY (w.keys);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER note_added AFTER INSERT ON tracking_eventcounter
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION tracking_note_counted();
CREATE TRIGGER note_changed AFTER UPDATE ON tracking_eventcounter
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION tracking_note_counted();
CREATE TRIGGER note_removed AFTER DELETE ON tracking_eventcounter
    REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION tracking_note_counted();
"""
DROP: Final = """
DROP TRIGGER note_removed ON tracking_eventcounter;
DROP TRIGGER note_changed ON tracking_eventcounter;
DROP TRIGGER note_added ON tracking_eventcounter;
DROP FUNCTION tracking_note_counted();
"""


class Migration(migrations.Migration):
    """Note who did a custom event, where somebody watches it."""

    dependencies: ClassVar = [("tracking", "0001_initial"), ("customers", "0004_note_changes")]

    operations: ClassVar = [migrations.RunSQL(CREATE, DROP)]
