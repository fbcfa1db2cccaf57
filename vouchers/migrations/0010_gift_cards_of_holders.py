"""What a customer's gift cards hold, kept by the table itself: every door that changes a card moves it.

A row at a time and with a condition, so that a voucher that is no held gift card pays for the comparison only.
"""

from typing import Final

from django.db import migrations

_HELD: Final = "{row}.type = 'GIFT_VOUCHER' AND {row}.holder_id IS NOT NULL AND {row}.deleted_at IS NULL"
_BEFORE, _AFTER = _HELD.format(row="OLD"), _HELD.format(row="NEW")
_COLUMNS: Final = "{row}.holder_id, {row}.type, {row}.gift_amount, {row}.gift_subtracted_amount, {row}.redeemed_amount"
_CHANGED: Final = " IS DISTINCT FROM ".join(f"({_COLUMNS.format(row=row)}, {row}.deleted_at)" for row in ("OLD", "NEW"))

CREATE: Final = f"""
CREATE FUNCTION vouchers_count_gift_cards() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone bigint := 0;
    come bigint := 0;
    was bigint;
    is_now bigint;
    moved_at timestamptz;
BEGIN
    IF TG_OP <> 'INSERT' AND {_BEFORE} THEN
        was := OLD.holder_id;
        gone := OLD.gift_amount - OLD.gift_subtracted_amount - OLD.redeemed_amount;
        moved_at := OLD.updated_at;
    END IF;
    IF TG_OP <> 'DELETE' AND {_AFTER} THEN
        is_now := NEW.holder_id;
        come := NEW.gift_amount - NEW.gift_subtracted_amount - NEW.redeemed_amount;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        moved_at := NEW.updated_at;
    END IF;
    IF was IS NOT DISTINCT FROM is_now THEN
        UPDATE customers_customer SET gift_amount_to_go = gift_amount_to_go + come - gone,
            counted_at = greatest(counted_at, moved_at) WHERE id = is_now;
        RETURN NULL;
    END IF;
    UPDATE customers_customer SET gift_amount_to_go = gift_amount_to_go - gone,
        gift_cards_held = gift_cards_held - 1, counted_at = greatest(counted_at, moved_at) WHERE id = was;
    UPDATE customers_customer SET gift_amount_to_go = gift_amount_to_go + come,
        gift_cards_held = gift_cards_held + 1, counted_at = greatest(counted_at, moved_at) WHERE id = is_now;
    RETURN NULL;
END $$;
CREATE TRIGGER count_gift_card_added AFTER INSERT ON vouchers_voucher
    FOR EACH ROW WHEN ({_AFTER}) EXECUTE FUNCTION vouchers_count_gift_cards();
CREATE TRIGGER count_gift_card_changed AFTER UPDATE ON vouchers_voucher
    FOR EACH ROW WHEN (({_BEFORE} OR {_AFTER}) AND {_CHANGED}) EXECUTE FUNCTION vouchers_count_gift_cards();
CREATE TRIGGER count_gift_card_removed AFTER DELETE ON vouchers_voucher
    FOR EACH ROW WHEN ({_BEFORE}) EXECUTE FUNCTION vouchers_count_gift_cards();
"""

REMOVE: Final = """
DROP TRIGGER count_gift_card_added ON vouchers_voucher;
DROP TRIGGER count_gift_card_changed ON vouchers_voucher;
DROP TRIGGER count_gift_card_removed ON vouchers_voucher;
DROP FUNCTION vouchers_count_gift_cards();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0009_standalone_vouchers"),
        ("customers", "0008_note_many_changes"),
    ]

    operations = [migrations.RunSQL(CREATE, REMOVE)]
