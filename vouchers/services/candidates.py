"""From the names in a request to the engine's terms: vouchers with their campaigns and rules, and the situation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db.models import prefetch_related_objects

from config.project import prepared, schemas, statements
from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from tracking.services.identities import Identity
from vouchers.engine import codes, discounts, needs, stacking, validity
from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.stacking import Candidate
from vouchers.engine.terms import CustomerFacts, Facts, GiftTerms, VoucherTerms
from vouchers.errors import DuplicatedRedeemables, RedeemablesLimitExceeded
from vouchers.models import Campaign, PromotionStack, PromotionTier, Publication, Voucher
from vouchers.payloads import Redeemable, RedeemRequest
from vouchers.services import candidate_tiers, carts, counts, memberships
from vouchers.services.channels import Channel
from vouchers.services.counts import Subjects


@dataclass(frozen=True)
class Found:
    """One redeemable of the request, and the voucher or tier it names, if any.

    A promotion stack is as many of these as it has tiers.
    """

    redeemable: Redeemable
    voucher: Voucher | None = None
    tier: PromotionTier | None = None
    rule_sets: tuple[RuleSet, ...] = ()
    stack: PromotionStack | None = None

    @cached_property
    def terms(self) -> VoucherTerms | None:
        """The engine's view, read once: after sessions were weighed. None where nobody knows the name."""
        if self.tier is not None:
            return candidate_tiers.terms_of(self.tier, self.rule_sets, self.stack)
        return None if self.voucher is None else terms_of(self.voucher, self.rule_sets)

    def candidate(self) -> Candidate:
        """What the engine decides about."""
        return Candidate(self.redeemable.id, self.terms, self.redeemable.credits, self.redeemable.object)


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
    if request.order is not None and request.order.items:
        schemas.require_each(project, "order_item", (item.metadata for item in request.order.items))


def find(
    project: Project,
    redeemables: Sequence[Redeemable],
    *,
    lock: bool = False,
    customer_id: int | None = None,
) -> list[Found]:
    """What the redeemables name by code or id, with its rules, in request order; one statement for all vouchers.

    A promotion stack becomes its tiers. lock: keep the rows to the end of the transaction, taken in the order of their
    keys after that of the customer; what is read of them then is what earlier holders of the lock left. What sessions
    hold is for `sessions.weigh` to say. Raises DuplicatedRedeemables: two names of one voucher.
    """
    named = [redeemable.id for redeemable in redeemables if redeemable.object == "voucher"]
    keys = {name: codes.comparable(name, case_sensitive=project.case_sensitive_codes) for name in named}
    rows: list[Voucher] = []
    if keys:
        rows = locked(project, keys, customer_id) if lock else matching(project, keys)
    by_code = {row.code_key: row for row in rows}
    by_id = {row.public_id: row for row in rows}
    tiers = candidate_tiers.find(project, redeemables, lock=lock)
    found = []
    for redeemable in redeemables:
        if redeemable.object != "voucher":
            found += [
                Found(Redeemable(each.id, "promotion_tier"), None, each.tier, each.rule_sets, each.stack)
                if each.tier is not None
                else Found(redeemable)
                for each in tiers[redeemable.object, redeemable.id]
            ]
            continue
        voucher = by_code.get(keys.get(redeemable.id, "")) or by_id.get(redeemable.id)
        found.append(Found(redeemable, voucher, None, () if voucher is None else _rule_sets(voucher)))
    pks = [entry.voucher.pk for entry in found if entry.voucher is not None]
    if len(set(pks)) < len(pks):
        raise DuplicatedRedeemables("Duplicated redeemables detected in one redemption")
    return found


def matching(project: Project, keys: Mapping[str, str]) -> list[Voucher]:
    """The vouchers of these names (as sent → as compared), with what is shown and decided of them."""
    return _fetch(project, _statement(single=len(keys) == 1, with_ids=_ids(keys) != []), _parameters(project, keys))


def locked(project: Project, keys: Mapping[str, str], customer_id: int | None) -> list[Voucher]:
    """As `matching`, each row locked against other redemptions until the transaction ends, the customer's before."""
    sql = _statement(
        single=len(keys) == 1, with_ids=_ids(keys) != [], lock=True, after_customer=customer_id is not None
    )
    return _fetch(project, sql, _parameters(project, keys) | {"customer": customer_id})


@cache
def _statement(*, single: bool, with_ids: bool, lock: bool = False, after_customer: bool = False) -> str:
    """Written by hand: to build it anew would cost more than to run it. No joins: few vouchers have a campaign."""
    columns = statements.columns(Voucher, "v")
    # One code is asked for as one: a plan for any list is thought dearer than one for this list, and so never kept.
    named = "v.code_key = %(code)s" if single else "v.code_key = ANY(%(codes)s::text[])"
    if with_ids:
        named = f"({named} OR v.public_id = ANY(%(ids)s::text[]))"
    customer = "SELECT id FROM customers_customer WHERE id = %(customer)s FOR NO KEY UPDATE"
    return f"""
        {f"WITH customer AS MATERIALIZED ({customer})" if after_customer else ""}
        SELECT {columns}, (
            SELECT jsonb_agg(jsonb_build_array(r.public_id, r.name, r.rules, r.error,
                r.applicable_to, r.bundle_rules) ORDER BY a.id)::text
            FROM vouchers_ruleassignment a JOIN vouchers_validationrule r ON r.id = a.rule_id
            WHERE a.voucher_id = v.id OR a.campaign_id = v.campaign_id
        ) AS rules_json
        FROM vouchers_voucher v
        WHERE v.project_id = %(project)s AND v.deleted_at IS NULL AND {named}
            {"AND (SELECT count(*) FROM customer) >= 0" if after_customer else ""}
        ORDER BY v.id {"FOR NO KEY UPDATE OF v" if lock else ""}"""  # noqa: S608  (names of our own columns)


def _parameters(project: Project, keys: Mapping[str, str]) -> dict[str, Any]:
    codes, ids = prepared.text_array(keys.values()), prepared.text_array(_ids(keys))
    return {"project": project.pk, "code": next(iter(keys.values())), "codes": codes, "ids": ids}


def _ids(keys: Mapping[str, str]) -> list[str]:
    return [name for name in keys if name.startswith("v_")]


def _fetch(project: Project, sql: str, parameters: Mapping[str, Any]) -> list[Voucher]:
    """The rows, and what the few that belong to something belong to."""
    rows = []
    for *values, rules in prepared.fetch(sql, parameters):
        row = statements.load(Voucher, values)
        row.rules_json = rules  # type: ignore[attr-defined]  # travels with the row as an annotation would
        row.project = project
        rows.append(row)
    if any(row.campaign_id or row.category_id or row.holder_id or row.referrer_id for row in rows):
        prefetch_related_objects(rows, "campaign__category", "category", "holder", "referrer")
    return rows


def terms_of(voucher: Voucher, rule_sets: tuple[RuleSet, ...] = ()) -> VoucherTerms:
    """The engine's view of a voucher: its own settings, where it has none its campaign's."""
    campaign = voucher.campaign
    held_quantity, held_credits = getattr(voucher, "held", None) or (0, 0)
    gift = None
    if voucher.type == Voucher.Type.GIFT:
        gift = GiftTerms(max(0, voucher.gift_balance - held_credits), voucher.gift_effect, held_credits)
    return VoucherTerms(
        code=voucher.code,
        public_id=voucher.public_id,
        type=voucher.type,
        active=voucher.active,
        campaign_id=campaign.public_id if campaign else None,
        campaign_type=campaign.campaign_type if campaign else None,
        campaign_active=campaign is None or campaign.active,
        validity=candidate_tiers.validity_of(voucher, campaign, _published_until(voucher, campaign)),
        quantity=voucher.quantity,
        redeemed_quantity=voucher.redeemed_quantity,
        held_quantity=held_quantity,
        publish_count=voucher.publish_count,
        discount=discounts.read_discount(voucher.discount) if voucher.discount else None,
        gift=gift,
        rule_sets=rule_sets,
        category=candidate_tiers.category_of(voucher.category or (campaign.category if campaign else None)),
        holder_id=voucher.holder.public_id if voucher.holder else None,
        referrer_id=voucher.referrer.public_id if voucher.referrer else None,
        is_referral_code=voucher.is_referral_code,
        metadata=voucher.metadata,
    )


def _published_until(voucher: Voucher, campaign: Campaign | None) -> datetime | None:
    """When the holder's own time is over: the campaign's duration after the publication."""
    duration = campaign.activity_duration_after_publishing if campaign else None
    if not duration or voucher.published_at is None:
        return None
    return validity.after(voucher.published_at, validity.parse_duration(duration), ZoneInfo(voucher.project.timezone))


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
    channel: Channel | None = None,
    lock: bool = False,
) -> Facts:
    """The situation. What rules read beside it is asked only where one does: each kind of it once for all of them.

    data: sent and not stored. lock: keep campaigns whose limits are read to the end of the transaction.
    """
    entries = list(found)
    wanted = needs.of(terms for entry in entries if (terms := entry.terms) is not None)
    facts = Facts(
        at=at,
        zone=ZoneInfo(project.timezone),
        order=order,
        customer_named=named,
        customer=_customer_facts(customer, request.customer),
        metadata=request.metadata or {},
        api_key=counts.channel_of(channel, user=False),
        user=(channel.login or None) if channel is not None else None,
    )
    if wanted.nothing:
        return facts
    subjects = _subjects(entries)
    if lock:
        counted = {count.subject for count in wanted.counts} | {count.subject for count in wanted.unit_counts}
        counts.lock_campaigns(subjects, counted)
    segments: frozenset[str] = frozenset()
    if wanted.segments and named:
        segments = memberships.of(project=project, segment_ids=wanted.segments, customer=customer, data=data, at=at)
    order, catalogue = carts.with_collections(
        project, order, collections=wanted.collections, unit_types=wanted.unit_types, at=at
    )
    return replace(
        facts,
        order=order,
        segments=segments,
        counts=counts.read(
            project=project,
            wanted=wanted.counts,
            subjects=subjects,
            customer=customer,
            channel=channel,
            at=at,
            watch=lock,
        ),
        unit_counts=counts.read_units(wanted=wanted.unit_counts, subjects=subjects, customer=customer, order=order),
        catalogue=catalogue,
        publications=_publications(project, wanted.publications),
    )


def _publications(project: Project, public_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The metadata of each voucher's latest publication: one statement, where any is read."""
    if not public_ids:
        return {}
    rows = Publication.objects.of(project).filter(result=Publication.Result.SUCCESS)
    published = rows.filter(voucher_ids__overlap=list(public_ids)).order_by("created_at", "pk")
    return {
        public_id: metadata
        for voucher_ids, metadata in published.values_list("voucher_ids", "metadata")
        for public_id in voucher_ids
        if public_id in public_ids
    }


def _customer_facts(customer: Customer | None, sent: CustomerData | None) -> CustomerFacts:
    """Who redeems: what is stored, with what the request says on top."""
    metadata = dict(customer.metadata or {}) if customer is not None else {}
    birthdate = customer.birthdate if customer is not None else None
    if sent is not None:
        metadata |= sent.metadata if isinstance(sent.metadata, Mapping) else {}
        birthdate = sent.birthdate if isinstance(sent.birthdate, date) else birthdate
    return CustomerFacts(
        public_id=customer.public_id if customer is not None else None,
        source_id=customer.source_id if customer is not None else None,
        metadata=metadata,
        birthdate=birthdate,
    )


def _subjects(entries: Iterable[Found]) -> Subjects:
    vouchers = [entry.voucher for entry in entries if entry.voucher is not None]
    tiers = [entry.tier for entry in entries if entry.tier is not None]
    campaigns = [voucher.campaign for voucher in vouchers if voucher.campaign is not None]
    campaigns += [tier.campaign for tier in tiers]
    return Subjects(
        {voucher.public_id: voucher.pk for voucher in vouchers},
        {tier.public_id: tier.pk for tier in tiers},
        {campaign.public_id: campaign.pk for campaign in campaigns},
    )


def _rule_sets(voucher: Voucher) -> tuple[RuleSet, ...]:
    stored: str | None = getattr(voucher, "rules_json", None)
    return () if stored is None else _read_rule_sets(stored)


@lru_cache(maxsize=1024)
def _read_rule_sets(stored: str) -> tuple[RuleSet, ...]:
    """Rules as the database has them → as the engine reads them: the same text is always the same rules."""
    return candidate_tiers.read_rule_sets(orjson.loads(stored))
