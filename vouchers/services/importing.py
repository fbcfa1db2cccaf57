"""Many given codes at once, from JSON or a file: new ones are stored together, known ones changed where that is wanted.

Source: vouchers.md §10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from config.kernel.errors import DomainError, DuplicateFound, NotFound
from config.project.models import Project
from vouchers.engine import codes
from vouchers.errors import InvalidVoucher
from vouchers.models import Category, RuleAssignment, ValidationRule, Voucher, VoucherTransaction
from vouchers.services import balances, holders, issuing, vouchers

OF_CAMPAIGN: Final = frozenset({"active", "category"})
"""What a file may change of a code that belongs to a campaign."""
UPDATED: Final = (
    *("start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours"),
    *("additional_info", "active", "metadata", "category", "category_tag", "discount", "quantity"),
    *("gift_amount", "gift_effect", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """One code as it comes in. data: the wire's properties, of checked shape, and only those that were given.

    redeemed_quantity, redeemed_amount: what was used of it elsewhere. rule_id: a rule to assign.
    """

    code: str
    data: Mapping[str, Any]
    redeemed_quantity: int = 0
    redeemed_amount: int = 0
    rule_id: str = ""


@dataclass(slots=True)
class Imported:
    """What became of drafts, by their position."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: dict[int, DomainError] | None = None
    made: Sequence[Voucher] = ()
    met: Sequence[Voucher] = ()
    """Vouchers that existed, changed or not."""


def load(*, project: Project, drafts: Sequence[Draft], at: datetime, updates: bool) -> Imported:
    """Store the drafts in the caller's transaction; one that is refused does not keep the others.

    updates: change codes that exist, later drafts of a code win; else they are refused with DuplicateFound.
    """
    batch = _Batch(project, drafts, at, updates)
    for position, draft in enumerate(drafts):
        try:
            batch.take(position, draft)
        except DomainError as error:
            batch.refused[position] = error
    batch.write()
    made = [voucher for voucher, _ in batch.fresh.values()]
    return Imported(len(made), batch.updated, batch.unchanged, batch.refused, made, list(batch.met.values()))


class _Batch:
    def __init__(self, project: Project, drafts: Sequence[Draft], at: datetime, updates: bool) -> None:
        self.project, self.at, self.updates = project, at, updates
        self.refused: dict[int, DomainError] = {}
        self.fresh: dict[str, tuple[Voucher, Draft]] = {}
        self.changed: dict[str, Voucher] = {}
        self.met: dict[str, Voucher] = {}
        self.positions: dict[str, int] = {}
        self.updated = self.unchanged = 0
        keys = {self._key(draft.code) for draft in drafts}
        rows = Voucher.objects.of(project).filter(code_key__in=keys).for_wire().order_by("pk")
        if updates:
            holders.lock_of(Voucher.objects.of(project).filter(code_key__in=keys))
            rows = rows.select_for_update(no_key=True, of=("self",))
        self.known = {row.code_key: row for row in rows}
        self.categories = _categories(project, drafts)
        self.rules = _rules(project, drafts)

    def _key(self, code: str) -> str:
        return codes.comparable(code, case_sensitive=self.project.case_sensitive_codes)

    def take(self, position: int, draft: Draft) -> None:
        """Decide what becomes of one draft. Raises DomainError."""
        issuing.check_code(draft.code)
        if draft.rule_id and draft.rule_id not in self.rules:
            raise NotFound.of("validation_rules", draft.rule_id)
        key = self._key(draft.code)
        known = self.known.get(key) or (self.fresh[key][0] if key in self.fresh else None)
        if known is None:
            self.fresh[key] = (self._made(draft, key), draft)
            self.positions[key] = position
        elif not self.updates or known.deleted_at is not None:
            raise DuplicateFound.of("voucher", draft.code)
        else:
            self._change(known, draft, key)
            if key in self.known:
                self.met[key] = known

    def _made(self, draft: Draft, key: str) -> Voucher:
        voucher = issuing.draft(project=self.project, data=draft.data, at=self.at, categories=self.categories)
        voucher.code, voucher.code_key = draft.code, key
        voucher.redeemed_quantity, voucher.redeemed_amount = draft.redeemed_quantity, draft.redeemed_amount
        if voucher.quantity is not None and voucher.redeemed_quantity > voucher.quantity:
            raise InvalidVoucher("Redeemed Quantity is more than Redemption Limit")
        if voucher.redeemed_amount > voucher.gift_amount:
            raise InvalidVoucher("Redeemed Amount is more than the gift card holds")
        return voucher

    def _change(self, voucher: Voucher, draft: Draft, key: str) -> None:
        before = [getattr(voucher, name) for name in UPDATED]
        data = draft.data
        if voucher.campaign_id is not None:
            data = {name: value for name, value in data.items() if name in OF_CAMPAIGN}
        elif data.get("type") not in (None, voucher.type):
            raise InvalidVoucher(f"Voucher Type of {draft.code} is {voucher.type} and cannot be changed")
        vouchers.fill(self.project, voucher, data, self.categories)
        if "redemption" in data:
            quantity = data["redemption"].get("quantity")
            if quantity is not None and quantity < voucher.redeemed_quantity:
                raise InvalidVoucher("Redemption Limit is less than what was redeemed already")
            voucher.quantity = quantity
        self._change_gift(voucher, data.get("gift") or {})
        if before == [getattr(voucher, name) for name in UPDATED]:
            self.unchanged += 1
            return
        self.updated += 1
        if key in self.known:
            voucher.updated_at = self.at
            self.changed[key] = voucher

    def _change_gift(self, voucher: Voucher, gift: Mapping[str, Any]) -> None:
        """The amount of a gift card changes only while nothing was spent or moved, as by PUT."""
        amount = gift.get("amount")
        if amount is None or voucher.type != Voucher.Type.GIFT or amount == voucher.gift_amount:
            return
        if voucher.redeemed_quantity or voucher.redeemed_amount or voucher.gift_subtracted_amount:
            return
        if voucher._state.adding:
            voucher.gift_amount = amount
            return
        balances.adjust(project=self.project, voucher=voucher, amount=amount - voucher.gift_balance, at=self.at)
        voucher.refresh_from_db(fields=["gift_amount", "gift_subtracted_amount"])

    def write(self) -> None:
        """Store what was decided; a code that somebody else took meanwhile is refused."""
        rows = [voucher for voucher, _ in self.fresh.values()]
        try:
            with transaction.atomic():
                Voucher.objects.bulk_create(rows, batch_size=1000)
        except IntegrityError:
            for key in self._taken():
                _, draft = self.fresh.pop(key)
                self.refused[self.positions[key]] = DuplicateFound.of("voucher", draft.code)
            rows = [voucher for voucher, _ in self.fresh.values()]
            for row in rows:
                row.pk = None
            Voucher.objects.bulk_create(rows, batch_size=1000)
        lines = [line for voucher, _ in self.fresh.values() for line in balances.opening(voucher, at=self.at)]
        VoucherTransaction.objects.bulk_create(lines, batch_size=1000)
        RuleAssignment.objects.bulk_create(self._assignments(), batch_size=1000)
        columns = [name for name in UPDATED if name not in ("gift_amount",)]
        Voucher.objects.bulk_update(self.changed.values(), columns, batch_size=200)

    def _taken(self) -> list[str]:
        rows = Voucher.objects.of(self.project).filter(code_key__in=self.fresh)
        return list(rows.values_list("code_key", flat=True))

    def _assignments(self) -> list[RuleAssignment]:
        return [
            RuleAssignment(
                project=self.project,
                rule=self.rules[draft.rule_id],
                voucher=voucher,
                related_object_type="voucher",
                related_object_id=voucher.public_id,
                created_at=self.at,
            )
            for voucher, draft in self.fresh.values()
            if draft.rule_id
        ]


def _categories(project: Project, drafts: Iterable[Draft]) -> dict[str, Category]:
    names = {draft.data["category"] for draft in drafts if draft.data.get("category")}
    rows = Category.objects.of(project).filter(name__in=names).order_by("-pk") if names else ()
    return {row.name: row for row in rows}


def _rules(project: Project, drafts: Iterable[Draft]) -> dict[str, ValidationRule]:
    wanted = {draft.rule_id for draft in drafts if draft.rule_id and "\0" not in draft.rule_id}
    rows = ValidationRule.objects.of(project).filter(public_id__in=wanted) if wanted else ()
    return {row.public_id: row for row in rows}
