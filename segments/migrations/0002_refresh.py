from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("project", "0001_initial"),
        ("segments", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="SegmentDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("filled", models.IntegerField(default=0)),
                ("entered", models.IntegerField(default=0)),
                ("left", models.IntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="segment",
            name="filled_at",
            field=models.DateTimeField(
                blank=True, help_text="When an auto-update segment's first members were all written down.", null=True
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="pass_after",
            field=models.BigIntegerField(
                blank=True, help_text="The pass begins when every transaction before this one has ended.", null=True
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="pass_to",
            field=models.BigIntegerField(
                default=0,
                help_text="While all customers are gone through: the row id up to which it is done.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="segment",
            index=models.Index(
                condition=models.Q(("pass_to__isnull", False), ("type", "auto-update")),
                fields=["project", "id"],
                name="segment_passing",
            ),
        ),
        migrations.AddField(
            model_name="segmentday",
            name="segment",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="days", to="segments.segment"
            ),
        ),
        migrations.AddConstraint(
            model_name="segmentday",
            constraint=models.UniqueConstraint(fields=("segment", "day"), name="segment_day_once"),
        ),
    ]
