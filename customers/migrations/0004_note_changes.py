from __future__ import annotations

from typing import ClassVar, Final

from django.db import migrations

COLUMNS: Final = (
    *("source_id", "name", "description", "email_key", "phone", "birthdate", "birthday"),
    *("city", "state", "country", "postal_code", "line_1", "line_2", "system_metadata", "created_at", "updated_at"),
    *("orders_total_amount", "orders_total_count", "orders_last_amount", "orders_last_at"),
    *("redemptions_succeeded", "redemptions_failed", "rollbacks_succeeded", "rollbacks_failed"),
    *("gift_redeemed_amount", "gift_redemptions", "gift_amount_to_go", "gift_cards_held"),
    *("loyalty_points", "loyalty_redeemed_points", "loyalty_points_to_go", "loyalty_cards_held"),
    "referred_customers",
)
_CHANGED: Final = ", ".join(f"CASE WHEN n.{name} IS DISTINCT FROM o.{name} THEN '{name}' END" for name in COLUMNS)

CREATE: Final = f"""
CREATE FUNCTION customers_note_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM customers_watch) THEN
        INSERT INTO customers_changedcustomer (project_id, customer_id, keys, created_at)
        SELECT n.project_id, n.id, '{{*}}', clock_timestamp()
        FROM new_rows n JOIN customers_watch w ON w.project_id = n.project_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION customers_note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM customers_watch) THEN
        INSERT INTO customers_changedcustomer (project_id, customer_id, keys, created_at)
        SELECT n.project_id, n.id, found.keys, clock_timestamp()
        FROM new_rows n
        JOIN customers_watch w ON w.project_id = n.project_id
        JOIN old_rows o ON o.id = n.id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN n.deleted_at IS DISTINCT FROM o.deleted_at THEN '{{*}}'::text[] ELSE array(
                SELECT changed FROM unnest(ARRAY[{_CHANGED}]) AS changed WHERE changed = ANY (w.keys)
                UNION ALL
                SELECT key FROM unnest(w.keys) AS key
                WHERE n.metadata IS DISTINCT FROM o.metadata AND key LIKE 'metadata.%'
                    AND n.metadata -> substr(key, 10) IS DISTINCT FROM o.metadata -> substr(key, 10)
            ) END AS keys
        ) found
        WHERE found.keys <> '{{}}';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER note_added AFTER INSERT ON customers_customer
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION customers_note_added();
CREATE TRIGGER note_changed AFTER UPDATE ON customers_customer
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_note_changed();

ALTER TABLE customers_changedcustomer SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1
);
"""
DROP: Final = """
DROP TRIGGER note_changed ON customers_customer;
DROP TRIGGER note_added ON customers_customer;
DROP FUNCTION customers_note_changed();
DROP FUNCTION customers_note_added();
"""


class Migration(migrations.Migration):
    """Note who changed in what, once a statement, where somebody watches it; `customers.watching` says why so."""

    dependencies: ClassVar = [("customers", "0003_changed_customers")]

    operations: ClassVar = [migrations.RunSQL(CREATE, DROP)]
