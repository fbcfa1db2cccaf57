"""Many codes of one campaign at once: made in Python, loaded with COPY, each exactly once.

A batch goes straight into the table. Where one of its codes is taken already, it goes round by a temporary table and
only what is free comes in; patterns with few codes always go round, and the smallest are dealt out like cards.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import IntegrityError, connection, transaction
from django.db.models import JSONField

from config.kernel import ids
from config.kernel.instants import to_wire
from config.project.models import Project
from vouchers.engine import codes
from vouchers.engine.codes import CodeConfig
from vouchers.models import Campaign, Voucher, VoucherTransaction
from vouchers.services import balances, issuing

ROWS_PER_MILLISECOND: Final = 50
"""Codes of one batch get times this many to a millisecond, so that they page in order."""
ENUMERATED: Final = 200_000
"""Patterns of at most so many codes are dealt in random order instead of guessed."""
ROOMY: Final = 10_000
"""With so many possible codes for each one wanted, a batch will hardly ever meet a taken one."""
_OWN: Final = ("public_id", "code", "code_key", "asset_id", "created_at")
"""What differs from code to code; the rest of the row is the same for all of a batch."""
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Deck:
    """Candidates for codes; every one differs from all that were handed out before it."""

    def __init__(self, config: CodeConfig, *, case_sensitive: bool) -> None:
        self._config, self._case_sensitive = config, case_sensitive
        self.possible = config.possible(case_sensitive=case_sensitive)
        self._dealt = self._deal() if self.possible <= ENUMERATED else None

    @property
    def is_dealt(self) -> bool:
        """Whether every code of the pattern comes exactly once, and then none."""
        return self._dealt is not None

    def is_roomy(self, wanted: int) -> bool:
        """Whether a batch may be expected to meet no code that is taken."""
        return self.possible >= ROOMY * wanted

    def draw(self, count: int) -> list[str]:
        """Up to `count` codes; none where the pattern has no more."""
        if self._dealt is not None:
            return [code for _, code in zip(range(count), self._dealt, strict=False)]
        drawn = codes.generate_many(self._config, count) if count > 0 else []
        by_key = {codes.comparable(code, case_sensitive=self._case_sensitive): code for code in drawn}
        return list(by_key.values())

    def _deal(self) -> Iterator[str]:
        numbers = list(range(self.possible))
        random.SystemRandom().shuffle(numbers)
        for number in numbers:
            yield codes.numbered(self._config, number, case_sensitive=self._case_sensitive)


def draft(*, project: Project, campaign: Campaign, overrides: Mapping[str, Any], at: datetime) -> Voucher:
    """The unsaved voucher that all codes of a batch are like. overrides: as the wire's, of checked shape."""
    return issuing.draft(project=project, campaign=campaign, data=overrides, at=at)


def load(*, voucher: Voucher, drawn: Sequence[str], most: int, at: datetime, careful: bool) -> tuple[int, bool]:
    """Bring at most `most` of the codes into the table, in the caller's transaction.

    voucher: what they are like. careful: expect taken codes. Returns how many came in, and whether to be careful on.
    """
    if not careful:
        drawn = drawn[:most]
    public_ids = ids.new_many("v_", len(drawn))
    names, lines = _lines(voucher, public_ids, drawn, at)
    made = 0
    if not careful:
        try:
            with transaction.atomic():
                made = _copy("vouchers_voucher", names, lines)
        except IntegrityError:
            careful = True
    if careful:
        made = _copy_free(names, lines, most)
    if voucher.type == Voucher.Type.GIFT and voucher.gift_amount:
        _open_ledgers(public_ids, voucher.project, at)
    return made, careful


def _lines(voucher: Voucher, public_ids: Sequence[str], drawn: Sequence[str], at: datetime) -> tuple[str, str]:
    """Columns, and COPY's text of the rows. A column that is null for all is left out."""
    shared = {
        str(field.column): _cell(field, getattr(voucher, field.attname))
        for field in Voucher._meta.concrete_fields
        if not field.primary_key and field.attname not in _OWN and getattr(voucher, field.attname) is not None
    }
    tail = "\t".join(shared.values())
    keys: Sequence[str] = drawn
    if not voucher.project.case_sensitive_codes:
        keys = [codes.comparable(code, case_sensitive=False) for code in drawn]
    if "\\" in drawn[0]:
        drawn, keys = [code.translate(_ESCAPED) for code in drawn], [key.translate(_ESCAPED) for key in keys]
    assets = secrets.token_hex(16 * len(drawn))
    times = [to_wire(at + timedelta(milliseconds=n)) for n in range(len(drawn) // ROWS_PER_MILLISECOND + 1)]
    lines = [
        f"{public_id}\t{code}\t{key}\t{_uuid(assets, 32 * index)}\t{times[index // ROWS_PER_MILLISECOND]}\t{tail}\n"
        for index, (public_id, code, key) in enumerate(zip(public_ids, drawn, keys, strict=True))
    ]
    return ", ".join(f'"{name}"' for name in (*_OWN, *shared)), "".join(lines)


def _uuid(digits: str, start: int) -> str:
    """A random UUID (version 4) from 32 random hexadecimal digits."""
    return f"{digits[start : start + 12]}4{digits[start + 13 : start + 16]}a{digits[start + 17 : start + 32]}"


def _cell(field: Any, value: Any) -> str:
    if isinstance(field, JSONField):
        value = orjson.dumps(value).decode()
    elif isinstance(value, bool):
        value = "t" if value else "f"
    elif isinstance(value, datetime):
        value = value.isoformat()
    return str(value).translate(_ESCAPED)


def _copy(table: str, names: str, lines: str) -> int:
    with connection.cursor() as cursor:
        with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            copy.write(lines)
        return int(cursor.rowcount)


def _copy_free(names: str, lines: str, most: int) -> int:
    """Only codes that nobody has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS minted (LIKE vouchers_voucher) ON COMMIT DELETE ROWS;"
            " ALTER TABLE minted ALTER COLUMN id DROP NOT NULL; TRUNCATE minted"
        )
    _copy("minted", names, lines)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO vouchers_voucher ({names}) SELECT {names} FROM minted WHERE NOT EXISTS (
                SELECT 1 FROM vouchers_voucher taken
                WHERE taken.project_id = minted.project_id AND taken.code_key = minted.code_key
            ) LIMIT %s ON CONFLICT (project_id, code_key) DO NOTHING""",  # noqa: S608  our own columns
            [most],
        )
        return int(cursor.rowcount)


def _open_ledgers(public_ids: Sequence[str], project: Project, at: datetime) -> None:
    """The first credits of fresh gift cards."""
    fresh = Voucher.objects.of(project).filter(public_id__in=public_ids).order_by("pk")
    kind = VoucherTransaction.Type.ADDITION
    VoucherTransaction.objects.bulk_create(
        [balances.entry(row, type=kind, amount=row.gift_amount, at=at, automatic=True) for row in fresh],
        batch_size=2000,
    )
