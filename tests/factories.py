"""Rows for tests: factory-boy's factories, and thin calls of them that tests use.

Everything hangs on one default project per test (`SHOP`); pass `project=` for a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory
from rest_framework.test import APIClient

from config.project import encryption, services
from config.project.models import Member, Project, User
from config.webhooks import outbox
from config.webhooks.models import Webhook
from customers.models import Customer
from segments.models import Segment
from tracking.models import Product, Sku
from vouchers.models import Campaign, RuleAssignment, ValidationRule, Voucher

NOW = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
ORIGIN = "https://shop.example"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Shop:
    """A project with API clients for its keys."""

    project: Project
    secrets: dict[str, str]

    def server(self) -> APIClient:
        """A caller with the server keys."""
        return self._client({"X-App-Id": self.secrets["app_id"], "X-App-Token": self.secrets["app_token"]})

    def browser(self, origin: str = ORIGIN) -> APIClient:
        """A caller with the client keys from an origin."""
        keys = {
            "X-Client-Application-Id": self.secrets["client_app_id"],
            "X-Client-Token": self.secrets["client_token"],
        }
        return self._client(keys | ({"Origin": origin} if origin else {}))

    def management(self) -> APIClient:
        """A caller with the management keys."""
        keys = {
            "X-Management-Id": self.secrets["management_id"],
            "X-Management-Token": self.secrets["management_token"],
        }
        return self._client(keys)

    @staticmethod
    def _client(headers: dict[str, str]) -> APIClient:
        client = APIClient()
        client.credentials(**{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()})
        client.default_format = "json"
        return client


def make_shop(name: str = "Shop", *, origins: tuple[str, ...] = (ORIGIN,), client_side: tuple[str, ...] = ()) -> Shop:
    """A project with keys, through the same service as `create_project`."""
    made = services.create_project(name=name, at=NOW, origins=origins, client_side=client_side)
    return Shop(made.project, made.as_json())


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project
        django_get_or_create = ("name",)
        skip_postgeneration_save = True

    name = "Shop"
    created_at = NOW
    tracking_secret = factory.LazyFunction(lambda: encryption.encrypt("tracking"))
    webhook_token = factory.LazyFunction(lambda: encryption.encrypt("webhooks"))

    @factory.post_generation
    def without_webhooks(self: Project, create: bool, extracted: Any, **kwargs: Any) -> None:
        """As `create_project` does: nobody looks for webhooks of a project that has none, which counts as a query."""
        if not Webhook.objects.of(self).exists():
            outbox.begin(self, self.created_at)


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    project = factory.SubFactory(ProjectFactory)
    source_id = factory.Sequence(lambda n: f"crm-{n}")
    name = factory.Sequence(lambda n: f"Customer {n}")
    email_key = factory.LazyAttribute(lambda row: row.email.lower() if getattr(row, "email", None) else None)
    created_at = NOW


class ProductFactory(DjangoModelFactory[Product]):
    class Meta:
        model = Product

    project = factory.SubFactory(ProjectFactory)
    source_id = factory.Sequence(lambda n: f"product-{n}")
    name = factory.Sequence(lambda n: f"Product {n}")
    created_at = NOW


class SkuFactory(DjangoModelFactory[Sku]):
    class Meta:
        model = Sku

    project = factory.SelfAttribute("product.project")
    product = factory.SubFactory(ProductFactory)
    source_id = factory.Sequence(lambda n: f"sku-{n}")
    created_at = NOW


class SegmentFactory(DjangoModelFactory[Segment]):
    class Meta:
        model = Segment

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"Segment {n}")
    type = Segment.Type.PASSIVE
    definition = '{"junction":"and","address.city":{"conditions":{"$is":["Berlin"]}}}'
    created_at = NOW


class CampaignFactory(DjangoModelFactory[Campaign]):
    class Meta:
        model = Campaign

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"Campaign {n}")
    campaign_type = Campaign.CampaignType.DISCOUNT_COUPONS
    created_at = NOW


class VoucherFactory(DjangoModelFactory[Voucher]):
    class Meta:
        model = Voucher

    project = factory.SubFactory(ProjectFactory)
    code = factory.Sequence(lambda n: f"CODE-{n}")
    code_key = factory.SelfAttribute("code")
    type = Voucher.Type.DISCOUNT
    discount = factory.LazyAttribute(
        lambda row: {"type": "PERCENT", "percent_off": 10} if row.type == Voucher.Type.DISCOUNT else None
    )
    created_at = NOW


class ValidationRuleFactory(DjangoModelFactory[ValidationRule]):
    class Meta:
        model = ValidationRule

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"Rule {n}")
    rules = factory.LazyFunction(dict)
    created_at = NOW


class RuleAssignmentFactory(DjangoModelFactory[RuleAssignment]):
    class Meta:
        model = RuleAssignment

    project = factory.SelfAttribute("rule.project")
    rule = factory.SubFactory(ValidationRuleFactory)
    related_object_type = "voucher"
    related_object_id = factory.LazyAttribute(lambda row: row.voucher.public_id)
    created_at = NOW


def make_project(name: str = "Shop", **fields: Any) -> Project:
    """The test's project of that name, made on first use."""
    return ProjectFactory.create(name=name, **fields)


def make_customer(**fields: Any) -> Customer:
    """A customer, read back so that generated columns are there."""
    customer = CustomerFactory.create(**fields)
    customer.refresh_from_db()
    return customer


def make_voucher(**fields: Any) -> Voucher:
    """A 10 % code by default; `gift_amount=` makes a gift card."""
    if "gift_amount" in fields:
        fields.setdefault("type", Voucher.Type.GIFT)
    return VoucherFactory.create(**fields)


def make_segment(**fields: Any) -> Segment:
    """A passive segment of customers in Berlin by default."""
    return SegmentFactory.create(**fields)


def make_rule(voucher: Voucher | None = None, **fields: Any) -> ValidationRule:
    """A rule of the voucher's project, assigned to the voucher where one is given."""
    if voucher is not None:
        fields.setdefault("project", voucher.project)
    rule = ValidationRuleFactory.create(**fields)
    if voucher is not None:
        RuleAssignmentFactory.create(rule=rule, voucher=voucher)
    return rule


def make_member(project: Project, role: str = Member.Role.ADMIN, email: str = "ann@shop.example") -> User:
    """A person of the project who can sign in with PASSWORD."""
    user = User.objects.create_user(email, PASSWORD)
    Member.objects.create(project=project, user=user, role=role, created_at=NOW)
    return user
