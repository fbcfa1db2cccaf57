"""Items of `POST /v1/vouchers/import` as drafts. They are checked when they come in, and read again by the job."""

from __future__ import annotations

from typing import Any

from config.api.fields import parse
from vouchers.api.serializers import VoucherImportItem
from vouchers.services.importing import Draft


def draft_of(item: Any) -> Draft:
    """The draft of one item. Raises InvalidPayload naming the property."""
    data = parse(VoucherImportItem, item)
    return Draft(data["code"], {name: value for name, value in data.items() if value is not None and name != "code"})
