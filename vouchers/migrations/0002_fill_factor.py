from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Room on every page for a new version of a row, so that a code redeemed again and again stays HOT."""

    dependencies: ClassVar = [("vouchers", "0001_initial")]

    operations: ClassVar = [
        migrations.RunSQL(
            "ALTER TABLE vouchers_voucher SET (fillfactor = 80)", "ALTER TABLE vouchers_voucher RESET (fillfactor)"
        )
    ]
