"""The shape of what goes out and in beside vouchers themselves: balances, ledgers, files and jobs."""

from __future__ import annotations

from rest_framework import serializers

from vouchers.api.schemas import MAYBE, NULL, Count, RedemptionShape, Shape


class BalanceDetailShape(Shape):
    id = serializers.CharField()
    type = serializers.ChoiceField(choices=["voucher"])


class BalanceShape(Shape):
    """The balance after credits were added or taken."""

    amount = serializers.IntegerField()
    total = serializers.IntegerField()
    balance = serializers.IntegerField()
    type = serializers.ChoiceField(choices=["gift_voucher"])
    operation_type = serializers.ChoiceField(choices=["MANUAL", "AUTOMATIC"])
    object = serializers.ChoiceField(choices=["balance"])
    related_object = BalanceDetailShape()


class VoucherTransactionShape(Shape):
    """One line of a ledger."""

    id = serializers.CharField()
    source_id = serializers.CharField(**NULL)
    voucher_id = serializers.CharField()
    campaign_id = serializers.CharField(**NULL)
    source = serializers.CharField(**NULL)  # type: ignore[assignment]
    reason = serializers.CharField(**NULL)
    type = serializers.CharField()
    details = serializers.DictField()
    related_transaction_id = serializers.CharField(**NULL)
    created_at = serializers.DateTimeField()


class VoucherTransactionsShape(Shape):
    """A page of a ledger."""

    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = VoucherTransactionShape(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    more_starting_after = serializers.CharField(**MAYBE)


class StartedJobShape(Shape):
    """Ask `GET /v1/async-actions/{id}` for what became of it."""

    async_action_id = serializers.CharField()


class EmptyShape(Shape):
    """`{}`"""


class VoucherRedemptionListShape(Shape):
    """A page of the attempts on a code."""

    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["redemptions"])
    redemptions = RedemptionShape(many=True)
    total = Count()


class VoucherFileBody(Shape):
    """A CSV file with a header line. `webhooks_enable`: tell webhooks of every row."""

    file = serializers.FileField()
    webhooks_enable = serializers.BooleanField(**MAYBE)
