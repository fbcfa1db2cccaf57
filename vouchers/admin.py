"""Vouchers for operators: read-mostly. What changes a voucher goes through the same services as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from vouchers.models import Campaign, Category, Redemption, RuleAssignment, ValidationRule, Voucher, VoucherTransaction

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin


class ReadOnly(AnyModelAdmin):
    """Looks, never touches; lists do not count the whole table and load no choices."""

    show_full_result_count = False
    list_per_page = 50
    list_filter: ClassVar = ["project"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Campaign)
class CampaignAdmin(ReadOnly):
    list_display = ("name", "public_id", "project", "campaign_type", "active", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=public_id")


@admin.register(Category)
class CategoryAdmin(ReadOnly):
    list_display = ("name", "public_id", "project", "hierarchy")
    list_select_related = ("project",)
    search_fields = ("name", "=public_id")


@admin.register(Voucher)
class VoucherAdmin(ReadOnly):
    list_display = ("code", "public_id", "project", "type", "active", "redeemed_quantity", "quantity", "created_at")
    list_select_related = ("project",)
    list_filter: ClassVar = ["project", "type", "active"]
    search_fields = ("=code_key", "=public_id")


@admin.register(ValidationRule)
class ValidationRuleAdmin(ReadOnly):
    list_display = ("name", "public_id", "project", "context_type", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=public_id")


@admin.register(RuleAssignment)
class RuleAssignmentAdmin(ReadOnly):
    list_display = ("public_id", "project", "rule", "related_object_type", "related_object_id")
    list_select_related = ("project", "rule")
    search_fields = ("=public_id", "=related_object_id")


@admin.register(Redemption)
class RedemptionAdmin(ReadOnly):
    list_display = ("public_id", "project", "code", "customer", "result", "status", "failure_code", "created_at")
    list_select_related = ("project", "customer")
    list_filter: ClassVar = ["project", "result", "kind"]
    search_fields = ("=public_id", "=code")


@admin.register(VoucherTransaction)
class VoucherTransactionAdmin(ReadOnly):
    list_display = ("public_id", "project", "voucher", "type", "amount", "balance", "created_at")
    list_select_related = ("project", "voucher")
    search_fields = ("=public_id",)
