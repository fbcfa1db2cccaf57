"""What the API itself keeps: hits of rate limits, and answers to requests that may be repeated."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.models import Scoped


class RateWindow(models.Model):
    """Hits of one bucket in one window of time. The table is UNLOGGED: a crash empties it, which forgives everybody."""

    pk = models.CompositePrimaryKey("bucket", "starts")
    bucket = models.CharField(max_length=32, db_collation="C", help_text="A digest: no address is kept.")
    starts = models.BigIntegerField(help_text="First second of the window, Unix time.")
    hits = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.bucket} {self.starts}: {self.hits}"


class IdempotencyKey(Scoped):
    """A request that carried an `Idempotency-Key`, and its answer, written in the transaction of its effect."""

    key = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.CharField(max_length=64, db_collation="C", help_text="A digest of the request.")
    status = models.SmallIntegerField(null=True, help_text="Null only inside the transaction that makes the effect.")
    answer = models.TextField(blank=True, default="", help_text="The body, byte for byte.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "key"], name="idempotency_key_once")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_key_created")]

    def __str__(self) -> str:
        return self.key
