from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("customers", "0004_note_changes"),
        ("project", "0001_initial"),
        ("tracking", "0002_note_events"),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="event",
            name="name",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The custom event's own name; of what no customer did, the public id of what it is about.",
                max_length=300,
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("customer__isnull", True), models.Q(("name", ""), _negated=True)),
                fields=["project", "name", "created_at", "id"],
                name="event_subject",
            ),
        ),
    ]
