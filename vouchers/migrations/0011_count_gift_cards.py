"""The counters of customers who held gift cards before."""

from typing import Final

from django.db import migrations

COUNT: Final = """
UPDATE customers_customer c SET gift_amount_to_go = held.balance, gift_cards_held = held.cards
FROM (
    SELECT holder_id, count(*) AS cards, sum(gift_amount - gift_subtracted_amount - redeemed_amount) AS balance
    FROM vouchers_voucher WHERE type = 'GIFT_VOUCHER' AND holder_id IS NOT NULL AND deleted_at IS NULL
    GROUP BY holder_id
) held
WHERE c.id = held.holder_id AND (c.gift_amount_to_go, c.gift_cards_held) IS DISTINCT FROM (held.balance, held.cards);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0010_gift_cards_of_holders")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
