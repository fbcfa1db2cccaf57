"""The shapes of customers for the published schema; parsing and rendering are plain functions (payloads, rendering)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from customers.models import Customer
from customers.rendering import render_customer


class AddressObject(serializers.Serializer[Any]):
    """Only the keys that were ever sent."""

    city = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    state = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    line_1 = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    line_2 = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    country = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    postal_code = serializers.CharField(required=False, allow_null=True, allow_blank=True)


class CustomerBody(serializers.Serializer[Any]):
    """What may be written. A missing field stays, null clears it, address and metadata are merged key by key."""

    source_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    email = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    phone = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    birthdate = serializers.DateField(required=False, allow_null=True)
    birthday = serializers.DateField(required=False, allow_null=True, help_text="Deprecated twin of birthdate.")
    address = AddressObject(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)


class CustomerCreateBody(CustomerBody):
    """With an `id`, that customer is updated."""

    id = serializers.CharField(required=False, allow_null=True, allow_blank=True)


class BulkItem(CustomerBody):
    """One customer of a bulk call."""

    source_id = serializers.CharField(max_length=500)


class MetadataBody(serializers.Serializer[Any]):
    """The same metadata for each."""

    source_ids = serializers.ListField(child=serializers.CharField(max_length=500), min_length=1)
    metadata = serializers.DictField()


class GiftSummary(serializers.Serializer[Any]):
    """Minor units."""

    redeemed_amount = serializers.IntegerField()
    amount_to_go = serializers.IntegerField()


class LoyaltyCardSummary(serializers.Serializer[Any]):
    """Points."""

    redeemed_points = serializers.IntegerField()
    points_to_go = serializers.IntegerField()


class RedemptionsSummary(serializers.Serializer[Any]):
    """Attempts by outcome."""

    total_redeemed = serializers.IntegerField()
    total_failed = serializers.IntegerField()
    total_succeeded = serializers.IntegerField()
    total_rolled_back = serializers.IntegerField()
    total_rollback_failed = serializers.IntegerField()
    total_rollback_succeeded = serializers.IntegerField()
    gift = GiftSummary()
    loyalty_card = LoyaltyCardSummary()


class OrdersSummary(serializers.Serializer[Any]):
    """Paid and fulfilled orders, in minor units."""

    total_amount = serializers.IntegerField()
    total_count = serializers.IntegerField()
    average_amount = serializers.IntegerField()
    last_order_amount = serializers.IntegerField()
    last_order_date = serializers.DateTimeField(required=False)


class Summary(serializers.Serializer[Any]):
    """Counters that move with redemptions and orders."""

    redemptions = RedemptionsSummary()
    orders = OrdersSummary()


class Loyalty(serializers.Serializer[Any]):
    """Points over all cards."""

    points = serializers.IntegerField()
    referred_customers = serializers.IntegerField()
    campaigns = serializers.DictField()


class Referrals(serializers.Serializer[Any]):
    """How this customer was referred."""

    total = serializers.IntegerField()
    campaigns = serializers.ListField(child=serializers.DictField())


class CustomerObject(serializers.Serializer[Customer]):
    """The full object; a field that was never set is absent."""

    id = serializers.CharField()
    source_id = serializers.CharField(required=False)
    name = serializers.CharField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_null=True)
    email = serializers.CharField(required=False, allow_null=True)
    phone = serializers.CharField(required=False, allow_null=True)
    birthdate = serializers.DateField(required=False, allow_null=True)
    birthday = serializers.DateField(required=False, allow_null=True)
    address = AddressObject(allow_null=True)
    summary = Summary()
    loyalty = Loyalty()
    referrals = Referrals()
    metadata = serializers.DictField(required=False)
    system_metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(required=False)
    object = serializers.ChoiceField(["customer"])

    def to_representation(self, instance: Customer) -> dict[str, Any]:
        return render_customer(instance)


class ImportBody(serializers.Serializer[Any]):
    """A CSV file with a header line."""

    file = serializers.FileField()


class AsyncActionStarted(serializers.Serializer[Any]):
    """Ask `GET /v1/async-actions/{id}` for what became of it."""

    async_action_id = serializers.CharField()


class ErasureObject(serializers.Serializer[Any]):
    """The certificate of a permanent deletion."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    related_object_id = serializers.CharField(help_text="The former `cust_…` id.")
    related_object = serializers.ChoiceField(["customer"])
    status = serializers.ChoiceField(["DONE"])
    data_json = serializers.DictField(child=serializers.IntegerField(), help_text="Rows removed, by kind.")
    object = serializers.ChoiceField(["pernament_deletion"])
