"""Pure: a CSV file of codes for a campaign → what each line says, in the wire's properties.

Amounts are in major units; headers are matched without regard to case, spaces and underscores; an unknown header is a
metadata key. Source: vouchers, section 10.2.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from config.kernel.amounts import GREATEST
from config.kernel.errors import InvalidPayload
from config.kernel.instants import parse_instant, to_wire

COUNT_MOST: Final = 2**31 - 1
LONGEST_CELL: Final = 100_000


def read(content: bytes) -> list[dict[str, Any]]:
    """One object a line, with its number under `row`, and `problem` where a cell cannot be read.

    Raises InvalidPayload: no text in UTF-8, no header, no column of codes.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidPayload("Property .file should be a CSV file in UTF-8") from None
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""))
    try:
        headers = [header.strip() for header in next(reader, [])]
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InvalidPayload(f"Property .file should be a CSV file: {error}") from None
    if "code" not in {_plain(header) for header in headers}:
        raise InvalidPayload("Property .file should have a column 'Code'")
    return [_item(headers, row, number) for number, row in enumerate(rows, start=1)]


def _item(headers: list[str], row: list[str], number: int) -> dict[str, Any]:
    item: dict[str, Any] = {"row": number}
    metadata: dict[str, Any] = {}
    for header, cell in zip(headers, row, strict=False):
        value, column = cell.strip(), COLUMNS.get(_plain(header))
        if not value:
            continue
        if column is None:
            metadata[header] = value
            continue
        try:
            item |= column(value)
        except ValueError as error:
            item.setdefault("problem", f"{header} {error}")
    if metadata:
        item["metadata"] = metadata
    return item


def _plain(header: str) -> str:
    return re.sub(r"[\s_]+", "", header).lower()


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or len(value) > 10 or int(value) > COUNT_MOST:
        raise ValueError("should be a whole number")
    return int(value)


def _money(value: str) -> int:
    try:
        amount = Decimal(value) * 100
    except InvalidOperation:
        raise ValueError("should be an amount") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= GREATEST:
        raise ValueError("should be an amount with at most two decimals, 0 or more")
    return int(amount)


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("should be TRUE or FALSE")
    return value.lower() == "true"


def _instant(value: str) -> str:
    try:
        return to_wire(parse_instant(value))
    except ValueError:
        raise ValueError("cannot be recognized as a ISO-8601 compliant date") from None


COLUMNS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "code": lambda value: {"code": value},
    "category": lambda value: {"category": value},
    "active": lambda value: {"active": _flag(value)},
    "giftamount": lambda value: {"gift": {"amount": _money(value)}},
    "redeemedamount": lambda value: {"redeemed_amount": _money(value)},
    "loyaltypoints": lambda value: {"loyalty_card": {"points": _whole(value)}},
    "redeemedquantity": lambda value: {"redeemed_quantity": _whole(value)},
    "redemptionlimit": lambda value: {"redemption": {"quantity": _whole(value)}},
    "startdate": lambda value: {"start_date": _instant(value)},
    "expirationdate": lambda value: {"expiration_date": _instant(value)},
    "additionalinfo": lambda value: {"additional_info": value},
}
