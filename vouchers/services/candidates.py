"""From the names in a request to the engine's terms: vouchers with their campaigns and rules, and the situation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import connection
from django.db.models import prefetch_related_objects

from config.project import schemas, statements
from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from tracking.services.identities import Identity
from vouchers.engine import codes, definitions, discounts, stacking
from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.stacking import Candidate
from vouchers.engine.terms import Facts, GiftTerms, Validity, VoucherTerms
from vouchers.errors import DuplicatedRedeemables, RedeemablesLimitExceeded
from vouchers.models import Campaign, Voucher
from vouchers.payloads import Redeemable, RedeemRequest
from vouchers.services import memberships


@dataclass(frozen=True, slots=True)
class Found:
    """One redeemable of the request, and the voucher it names, if any."""

    redeemable: Redeemable
    voucher: Voucher | None
    rule_sets: tuple[RuleSet, ...] = ()

    def candidate(self) -> Candidate:
        """What the engine decides about."""
        terms = None if self.voucher is None else terms_of(self.voucher, self.rule_sets)
        return Candidate(self.redeemable.id, terms, self.redeemable.credits, self.redeemable.object)


def check(project: Project, request: RedeemRequest) -> None:
    """What can be refused before anything is looked up.

    Raises RedeemablesLimitExceeded where the project allows fewer redeemables, MetadataValidationFailed.
    """
    limit = stacking.read_stacking_rules(project.stacking_rules).redeemables_limit
    if len(request.redeemables) > limit:
        raise RedeemablesLimitExceeded(f"Property .redeemables should NOT have more than {limit} items")
    if request.metadata is not None:
        schemas.require(project, "redemption", request.metadata, whole=True)
    if request.order is not None and request.order.metadata is not None:
        schemas.require(project, "order", request.order.metadata, whole=request.order.id is None)


def find(
    project: Project, redeemables: Sequence[Redeemable], *, lock: bool = False, customer_id: int | None = None
) -> list[Found]:
    """The vouchers that the redeemables name by code or id, with their rules, in request order: one statement.

    lock: keep the rows to the end of the transaction, taken in the order of their keys after that of the customer; what
    is read then is what earlier holders of the lock left. Raises DuplicatedRedeemables: two names of one voucher.
    """
    named = [redeemable.id for redeemable in redeemables if redeemable.object == "voucher"]
    keys = {name: codes.comparable(name, case_sensitive=project.case_sensitive_codes) for name in named}
    rows = [] if not keys else locked(project, keys, customer_id) if lock else matching(project, keys)
    by_code = {row.code_key: row for row in rows}
    by_id = {row.public_id: row for row in rows}
    found = []
    for redeemable in redeemables:
        voucher = by_code.get(keys.get(redeemable.id, "")) or by_id.get(redeemable.id)
        known = voucher if redeemable.object == "voucher" else None
        found.append(Found(redeemable, known, () if known is None else _rule_sets(known)))
    pks = [entry.voucher.pk for entry in found if entry.voucher is not None]
    if len(set(pks)) < len(pks):
        raise DuplicatedRedeemables("Duplicated redeemables detected in one redemption")
    return found


def matching(project: Project, keys: Mapping[str, str]) -> list[Voucher]:
    """The vouchers of these names (as sent → as compared), with what is shown and decided of them."""
    return _fetch(_statement(with_ids=_ids(keys) != []), _parameters(project, keys))


def locked(project: Project, keys: Mapping[str, str], customer_id: int | None) -> list[Voucher]:
    """As `matching`, each row locked against other redemptions until the transaction ends, the customer's before."""
    sql = _statement(with_ids=_ids(keys) != [], lock=True, after_customer=customer_id is not None)
    return _fetch(sql, _parameters(project, keys) | {"customer": customer_id})


@cache
def _statement(*, with_ids: bool, lock: bool = False, after_customer: bool = False) -> str:
    """Written by hand: to build it anew would cost more than to run it. No joins: few vouchers have a campaign."""
    columns = statements.columns(Voucher, "v")
    named = "(v.code_key = ANY(%(codes)s) OR v.public_id = ANY(%(ids)s))" if with_ids else "v.code_key = ANY(%(codes)s)"
    held = "SELECT id FROM customers_customer WHERE id = %(customer)s FOR NO KEY UPDATE"
    return f"""
        {f"WITH held AS MATERIALIZED ({held})" if after_customer else ""}
        SELECT {columns}, (
            SELECT jsonb_agg(jsonb_build_array(r.public_id, r.name, r.rules, r.error) ORDER BY a.id)::text
            FROM vouchers_ruleassignment a JOIN vouchers_validationrule r ON r.id = a.rule_id
            WHERE a.voucher_id = v.id OR a.campaign_id = v.campaign_id
        ) AS rules_json
        FROM vouchers_voucher v
        WHERE v.project_id = %(project)s AND v.deleted_at IS NULL AND {named}
            {"AND (SELECT count(*) FROM held) >= 0" if after_customer else ""}
        ORDER BY v.id {"FOR NO KEY UPDATE OF v" if lock else ""}"""  # noqa: S608  (names of our own columns)


def _parameters(project: Project, keys: Mapping[str, str]) -> dict[str, Any]:
    return {"project": project.pk, "codes": list(keys.values()), "ids": _ids(keys)}


def _ids(keys: Mapping[str, str]) -> list[str]:
    return [name for name in keys if name.startswith("v_")]


def _fetch(sql: str, parameters: Mapping[str, Any]) -> list[Voucher]:
    """The rows, and what the few that belong to something belong to."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    rows = []
    for *values, rules in found:
        row = statements.load(Voucher, values)
        row.rules_json = rules  # type: ignore[attr-defined]  # travels with the row as an annotation would
        rows.append(row)
    if any(row.campaign_id or row.category_id or row.holder_id or row.referrer_id for row in rows):
        prefetch_related_objects(rows, "campaign__category", "category", "holder", "referrer")
    return rows


def terms_of(voucher: Voucher, rule_sets: tuple[RuleSet, ...] = ()) -> VoucherTerms:
    """The engine's view of a voucher: its own settings, where it has none its campaign's."""
    campaign = voucher.campaign
    return VoucherTerms(
        code=voucher.code,
        public_id=voucher.public_id,
        type=voucher.type,
        active=voucher.active,
        campaign_active=campaign is None or campaign.active,
        validity=_validity(voucher, campaign),
        quantity=voucher.quantity,
        redeemed_quantity=voucher.redeemed_quantity,
        discount=discounts.read_discount(voucher.discount) if voucher.discount else None,
        gift=GiftTerms(voucher.gift_balance, voucher.gift_effect) if voucher.type == Voucher.Type.GIFT else None,
        rule_sets=rule_sets,
    )


def is_named(identity: Identity, request: RedeemRequest) -> bool:
    """Whether the request says who it is about, stored or not: an anonymous visitor's token alone does not."""
    return identity.named or (request.customer is not None and request.customer.has_profile)


def facts_of(
    *,
    project: Project,
    request: RedeemRequest,
    order: OrderState | None,
    found: Iterable[Found],
    customer: Customer | None,
    named: bool,
    data: CustomerData | None,
    at: datetime,
) -> Facts:
    """The situation. Membership is asked only of the segments that the rules name. data: sent and not stored."""
    wanted = {
        segment_id
        for entry in found
        for rule_set in entry.rule_sets
        for segment_id in definitions.segment_ids(rule_set.tree)
    }
    return Facts(
        at=at,
        zone=ZoneInfo(project.timezone),
        order=order,
        customer_named=named,
        segments=memberships.of(project=project, segment_ids=wanted, customer=customer, data=data, at=at)
        if wanted and named
        else frozenset(),
        metadata=request.metadata or {},
    )


def _rule_sets(voucher: Voucher) -> tuple[RuleSet, ...]:
    stored: str | None = getattr(voucher, "rules_json", None)
    if stored is None:
        return ()
    return tuple(
        definitions.read_rule_set(public_id=public_id, rules=rules, error=error, name=name)
        for public_id, name, rules, error in orjson.loads(stored)
    )


def _validity(voucher: Voucher, campaign: Campaign | None) -> Validity:
    def own(name: str) -> Any:
        value = getattr(voucher, name)
        return getattr(campaign, name) if value is None and campaign is not None else value

    days = own("validity_day_of_week")
    return Validity(
        start_date=own("start_date"),
        expiration_date=own("expiration_date"),
        timeframe=own("validity_timeframe"),
        day_of_week=None if days is None else tuple(days),
        hours=own("validity_hours"),
    )
