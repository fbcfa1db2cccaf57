"""Products, SKUs and collections of them: what order lines and rules name."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.project.fields import PublicIdField
from config.project.models import Scoped


class Product(Scoped):
    """Something the shop sells. Prices are minor units."""

    public_id = PublicIdField("prod_")
    source_id = models.TextField(null=True, blank=True, db_collation="C")
    name = models.TextField(null=True, blank=True)
    price = models.BigIntegerField(null=True, blank=True)
    attributes = models.JSONField(default=list, blank=True, help_text="Names of the SKUs' attributes.")
    metadata = models.JSONField(default=dict, blank=True)
    image_url = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="product_public_id"),
            models.UniqueConstraint(
                fields=["project", "source_id"], condition=Q(deleted_at__isnull=True), name="product_source_id"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="product_created")]

    def __str__(self) -> str:
        return self.name or self.public_id


class Sku(Scoped):
    """One variant of a product. Without a price of its own the product's counts."""

    public_id = PublicIdField("sku_")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="skus")
    source_id = models.TextField(null=True, blank=True, db_collation="C")
    sku = models.TextField(null=True, blank=True, help_text="The variant's name.")
    price = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    image_url = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "SKU"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="sku_public_id"),
            models.UniqueConstraint(
                fields=["project", "source_id"], condition=Q(deleted_at__isnull=True), name="sku_source_id"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="sku_created")]

    def __str__(self) -> str:
        return self.sku or self.public_id


class ProductCollection(Scoped):
    """A named set of products and SKUs: listed (STATIC) or described by a filter (AUTO_UPDATE)."""

    class Type(models.TextChoices):
        STATIC = "STATIC"
        AUTO_UPDATE = "AUTO_UPDATE"

    public_id = PublicIdField("pc_")
    name = models.TextField()
    type = models.CharField(max_length=12, choices=Type.choices, default=Type.STATIC)
    products = models.JSONField(default=list, blank=True, help_text="As on the wire: {id, product_id?, object}.")
    filter = models.JSONField(null=True, blank=True, help_text="As sent; of AUTO_UPDATE collections only.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="product_collection_public_id")
        ]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="product_collection_created")]

    def __str__(self) -> str:
        return self.name
