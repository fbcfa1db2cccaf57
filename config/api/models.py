"""What the API itself keeps: hits of rate limits."""

from __future__ import annotations

from django.db import models


class RateWindow(models.Model):
    """Hits of one bucket in one window of time. The table is UNLOGGED: a crash empties it, which forgives everybody."""

    pk = models.CompositePrimaryKey("bucket", "starts")
    bucket = models.CharField(max_length=32, db_collation="C", help_text="A digest: no address is kept.")
    starts = models.BigIntegerField(help_text="First second of the window, Unix time.")
    hits = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.bucket} {self.starts}: {self.hits}"
