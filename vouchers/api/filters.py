"""Query parameters of the lists of vouchers, redemptions, rules and assignments."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet

from config.api.authentication import access_of
from config.api.filters import InstantFilter, TextsFilter, window
from config.kernel.errors import InvalidQueryParams
from config.project.models import Project
from customers.services import profiles
from vouchers.engine import codes
from vouchers.models import Redemption, RuleAssignment, ValidationRule, Voucher


class WireFilterSet(django_filters.FilterSet):
    """Knows the project of the request. windows: columns with `[before]` and `[after]`."""

    windows: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        filters = dict(super().get_filters())
        for column in cls.windows:
            filters |= window(column)
        return filters

    @property
    def project(self) -> Project:
        return access_of(self.request).project

    def of_customer(self, rows: QuerySet[Any], column: str, identifier: str) -> QuerySet[Any]:
        """Rows whose customer is meant by an id, a source id or a tracking id."""
        customer = profiles.find_or_none(project=self.project, identifier=identifier)
        return rows.none() if customer is None else rows.filter(**{column: customer})


class VoucherFilterSet(WireFilterSet):
    """`GET /v1/vouchers`"""

    code = django_filters.CharFilter(method="with_code")
    category = django_filters.CharFilter(method="in_category")
    campaign = django_filters.CharFilter(field_name="campaign__name")
    campaign_id = django_filters.CharFilter(field_name="campaign__public_id")
    customer = django_filters.CharFilter(method="held_by")
    ids = TextsFilter(method="among")

    windows = ("created_at", "updated_at")

    class Meta:
        model = Voucher
        fields: ClassVar[list[str]] = []

    def with_code(self, vouchers: QuerySet[Voucher], name: str, value: str) -> QuerySet[Voucher]:
        return vouchers.filter(code_key=codes.comparable(value, case_sensitive=self.project.case_sensitive_codes))

    def in_category(self, vouchers: QuerySet[Voucher], name: str, value: str) -> QuerySet[Voucher]:
        return vouchers.filter(Q(category__name=value) | Q(category=None, category_tag=value))

    def held_by(self, vouchers: QuerySet[Voucher], name: str, value: str) -> QuerySet[Voucher]:
        return self.of_customer(vouchers, "holder", value)

    def among(self, vouchers: QuerySet[Voucher], name: str, value: list[str]) -> QuerySet[Voucher]:
        return vouchers.filter(public_id__in=value) if value else vouchers


class RedemptionFilterSet(WireFilterSet):
    """`GET /v1/redemptions`"""

    result = TextsFilter(method="with_result")
    campaign = django_filters.CharFilter(field_name="campaign__name")
    campaign_name = django_filters.CharFilter(field_name="campaign__name")
    customer = django_filters.CharFilter(method="made_by")
    voucher_code = django_filters.CharFilter(method="of_code")
    related_object_id = django_filters.CharFilter(field_name="related_object_id")
    related_object_parent_id = django_filters.CharFilter(field_name="campaign__public_id")

    windows = ("created_at",)

    class Meta:
        model = Redemption
        fields: ClassVar[list[str]] = []

    def with_result(self, redemptions: QuerySet[Redemption], name: str, value: list[str]) -> QuerySet[Redemption]:
        wanted = [text.upper() for text in value]
        if unknown := set(wanted) - set(Redemption.Result.values):
            raise InvalidQueryParams(f"Property .result should be SUCCESS or FAILURE, not {min(unknown)[:40]}")
        return redemptions.filter(result__in=wanted) if wanted else redemptions

    def made_by(self, redemptions: QuerySet[Redemption], name: str, value: str) -> QuerySet[Redemption]:
        return self.of_customer(redemptions, "customer", value)

    def of_code(self, redemptions: QuerySet[Redemption], name: str, value: str) -> QuerySet[Redemption]:
        key = codes.comparable(value, case_sensitive=self.project.case_sensitive_codes)
        return redemptions.filter(Q(voucher__code_key=key) | Q(voucher=None, code=value))


class RuleFilterSet(WireFilterSet):
    """`GET /v1/validation-rules`: the window of creation."""

    start_date = InstantFilter(field_name="created_at", lookup_expr="gte")
    end_date = InstantFilter(field_name="created_at", lookup_expr="lte")

    class Meta:
        model = ValidationRule
        fields: ClassVar[list[str]] = []


class AssignmentFilterSet(WireFilterSet):
    """`GET /v1/validation-rules-assignments`"""

    related_object_id = django_filters.CharFilter(field_name="related_object_id")
    rule = django_filters.CharFilter(field_name="rule__public_id")

    class Meta:
        model = RuleAssignment
        fields: ClassVar[list[str]] = []
