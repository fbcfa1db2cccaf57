"""Who someone is: one row a customer, with the counters that the higher apps move."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Lower

from config.imports.models import ImportFile
from config.project.fields import PublicIdField
from config.project.models import Project, Scoped
from customers.querysets import CustomerQuerySet


def _address_column(key: str) -> models.GeneratedField:
    """A column PostgreSQL keeps equal to one key of `address`, so that filters meet a real, indexable column."""
    return models.GeneratedField(expression=KT(f"address__{key}"), output_field=models.TextField(), db_persist=True)


class Customer(Scoped):
    """A profile, and beside it counters that move with every redemption, order and gift.

    Counters are never indexed and never move `updated_at`: with the fill factor of the table their updates stay HOT.
    """

    public_id = PublicIdField("cust_")
    source_id = models.TextField(
        null=True, blank=True, db_collation="C", help_text="The shop's own key; never changes."
    )
    name = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    email = models.TextField(null=True, blank=True)
    email_key = models.TextField(null=True, blank=True, editable=False, help_text="The e-mail as it is compared.")
    phone = models.TextField(null=True, blank=True)
    birthdate = models.DateField(null=True, blank=True)
    birthday = models.DateField(null=True, blank=True, help_text="The deprecated twin of birthdate, stored apart.")
    address = models.JSONField(null=True, blank=True, help_text="The keys that were ever sent, each a text or null.")
    city = _address_column("city")
    state = _address_column("state")
    country = _address_column("country")
    postal_code = _address_column("postal_code")
    line_1 = _address_column("line_1")
    line_2 = _address_column("line_2")
    metadata = models.JSONField(null=True, blank=True, help_text="Null until a first key was given.")
    system_metadata = models.JSONField(default=dict, blank=True)
    nulled_fields = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, help_text="Profile fields the wire set to null."
    )
    version = models.IntegerField(default=1, help_text="Moves with the profile; edit forms lock on it.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True, help_text="Moves with the profile, not with counters.")
    deleted_at = models.DateTimeField(null=True, blank=True)

    orders_total_amount = models.BigIntegerField(default=0)
    orders_total_count = models.IntegerField(default=0)
    orders_last_amount = models.BigIntegerField(default=0)
    orders_last_at = models.DateTimeField(null=True, blank=True)
    redemptions_succeeded = models.IntegerField(default=0)
    redemptions_failed = models.IntegerField(default=0)
    rollbacks_succeeded = models.IntegerField(default=0)
    rollbacks_failed = models.IntegerField(default=0)
    gift_redeemed_amount = models.BigIntegerField(default=0)
    gift_redemptions = models.IntegerField(default=0, help_text="Gift cards redeemed: whether the amount has a value.")
    gift_amount_to_go = models.BigIntegerField(default=0)
    gift_cards_held = models.IntegerField(default=0)
    loyalty_points = models.BigIntegerField(default=0)
    loyalty_redeemed_points = models.BigIntegerField(default=0)
    loyalty_points_to_go = models.BigIntegerField(default=0)
    loyalty_cards_held = models.IntegerField(default=0)
    referred_customers = models.IntegerField(default=0)
    counted_at = models.DateTimeField(null=True, blank=True, help_text="When a counter last moved; never indexed.")

    objects = CustomerQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="customer_public_id"),
            models.UniqueConstraint(
                fields=["project", "source_id"], condition=Q(deleted_at__isnull=True), name="customer_source_id"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="customer_created"),
            models.Index("project", F("updated_at"), F("id"), name="customer_updated"),
            models.Index(fields=["project", "email_key"], name="customer_email"),
            models.Index("project", Lower("name"), "id", name="customer_name"),
            models.Index(fields=["project", "city"], name="customer_city"),
            models.Index(fields=["project", "state"], name="customer_state"),
            models.Index(fields=["project", "country"], name="customer_country"),
            GinIndex(fields=["metadata"], opclasses=["jsonb_path_ops"], name="customer_metadata"),
        ]

    def __str__(self) -> str:
        return self.name or self.source_id or self.public_id


class Erasure(Scoped):
    """The certificate that a person was erased. It holds nothing personal: identifiers only as keyed hashes."""

    public_id = PublicIdField("del_")
    customer_id = models.CharField(max_length=64, db_collation="C", help_text="The former cust_ id.")
    identifiers = ArrayField(models.CharField(max_length=64), default=list, help_text="Keyed hashes.")
    data = models.JSONField(default=dict, help_text="How many rows of each kind were removed.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "public_id"], name="erasure_public_id")]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="erasure_created")]

    def __str__(self) -> str:
        return f"{self.customer_id} erased"


class ImportedCustomer(models.Model):
    """That an import added a customer, or changed one; rows that changed nothing leave none. Written with the batch.

    No constraints: a million at a time come in, and `traces` takes them out with the customer.
    """

    pk = models.CompositePrimaryKey("import_file_id", "customer_id")
    import_file = models.ForeignKey(
        ImportFile, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="imported"
    )
    created = models.BooleanField(help_text="Whether it was added, else changed.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer"], name="imported_customer")]

    def __str__(self) -> str:
        return f"customer {self.customer_id} in import {self.import_file_id}"


class Watch(models.Model):
    """What the changes of a project's customers are noted for; a project without a row costs its writers nothing.

    keys: columns of Customer, `metadata.<key>`, `events.<name>`; see `customers.watching`.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="+")
    keys = ArrayField(models.TextField(), default=list, blank=True)

    def __str__(self) -> str:
        return f"watch of project {self.project_id}"


class ChangedCustomer(models.Model):
    """The queue of customers who changed in something watched, written by triggers in the transaction of the change.

    No constraints: rows live for less than a second and their customer may go meanwhile. keys: what changed of the
    watched, or `*` for a customer who came, went or came back.
    """

    EVERYTHING: ClassVar = "*"

    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    keys = ArrayField(models.TextField())
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "id"], name="changed_customer_project")]

    def __str__(self) -> str:
        return f"customer {self.customer_id} changed in {', '.join(self.keys)}"
