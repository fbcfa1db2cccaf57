"""Codes handed to customers: each to one of them, whoever asks at the same moment.

Locks are taken in the order of redemptions: customer, then vouchers by key. Codes of a campaign are taken with SKIP
LOCKED, so that callers at once get different ones. Source: campaigns and promotions, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from config.kernel.errors import NotFound
from config.kernel.instants import to_wire
from config.project import schemas
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from customers.models import Customer
from customers.rendering import render_simple
from tracking.services import events, identities
from vouchers.engine import codes
from vouchers.errors import (
    DuplicateSourceId,
    InvalidPublishParams,
    NoVoucherSuitable,
    PublicationRefused,
    TooManyVouchersRequested,
    VoucherAlreadyPublished,
)
from vouchers.models import Campaign, Publication, Voucher
from vouchers.publishing import PublishRequest
from vouchers.rendering.publications import render_publication
from vouchers.services import campaigns, issuing, transactions, voucher_events
from vouchers.services.channels import Channel

JOINED: Final = "Voucher cannot be published. Customer already joined program."
NONE_LEFT: Final = "Couldn't create new vouchers for publication"
FREE: Final = Q(publish_count=0, holder=None, deleted_at=None, active=True) & (
    Q(quantity=None) | Q(redeemed_quantity__lt=F("quantity"))
)


def publish(
    *,
    project: Project,
    request: PublishRequest,
    at: datetime,
    channel: Channel | None = None,
    protect_customer: bool = False,
    cookie: str | None = None,
) -> Publication:
    """Hand out codes and return the publication, or the earlier one where the customer has joined once.

    cookie: a browser's, with its tracking id.
    protect_customer: one who is stored stays as is. Raises NotFound (customer, campaign, voucher), DuplicateSourceId,
    TooManyVouchersRequested, MetadataValidationFailed, and with a record of it PublicationRefused.
    """
    caller = channel or Channel()
    schemas.require(project, "publication", request.metadata, whole=True)
    if request.source_id and request.count > 1:
        raise TooManyVouchersRequested("Only up to 1 can be published")
    _require_new_source(project, request)
    customer_id, source_id = request.identifiers
    identity = identities.resolve(
        project=project,
        tracking_id=None,
        source_id=source_id,
        customer_id=customer_id,
        cookie=cookie,
        at=at,
        anonymous=False,
        must_exist=True,
    )
    campaign = None if request.campaign is None else campaigns.find(project=project, identifier=request.campaign)

    def hand_out() -> Publication:
        customer, _ = identities.write_customer(
            project=project,
            identity=identity,
            data=request.customer,
            at=at,
            protect=protect_customer,
            cause=caller.cause,
        )
        if customer is None:
            raise InvalidPublishParams("Property .customer should say who it is")
        return _hand_out(project, request, customer, campaign, at, caller)

    try:
        return transactions.run(hand_out)
    except PublicationRefused as refused:
        _record_failure(project, request, identity.customer, campaign, refused, at, caller)
        refused.recorded = True
        raise


def _hand_out(
    project: Project,
    request: PublishRequest,
    customer: Customer,
    campaign: Campaign | None,
    at: datetime,
    channel: Channel,
) -> Publication:
    """Lock, choose, write. Runs in a transaction, maybe more than once."""
    Customer.objects.select_for_update(no_key=True).only("pk").get(pk=customer.pk)
    voucher = None if request.voucher is None else _locked(project, request.voucher)
    joins = _joins_once(request, campaign or (voucher.campaign if voucher else None))
    if joins and request.count > 1:
        raise TooManyVouchersRequested("Only up to 1 can be published")
    if joins:
        earlier = _earlier(project, customer, campaign, voucher)
        if earlier is not None and request.join_once:
            return earlier
        if earlier is not None:
            raise PublicationRefused(JOINED)
    if voucher is not None:
        _require_free(voucher)
        chosen = [voucher]
    else:
        assert campaign is not None
        chosen = _choose(project, campaign, request.count, at, channel)
    return _write(project, request, customer, campaign or chosen[0].campaign, chosen, at, channel)


def _require_new_source(project: Project, request: PublishRequest) -> None:
    if request.source_id is None:
        return
    known = Publication.objects.of(project).filter(source_id=request.source_id, result=Publication.Result.SUCCESS)
    if known.exists():
        raise _duplicate(request)


def _duplicate(request: PublishRequest) -> DuplicateSourceId:
    return DuplicateSourceId(f"Publication with source_id: '{request.source_id}' already exists")


def _joins_once(request: PublishRequest, campaign: Campaign | None) -> bool:
    """The query's word beats the campaign's."""
    if request.join_once is not None:
        return request.join_once
    return campaign is not None and campaign.join_once


def _earlier(
    project: Project, customer: Customer, campaign: Campaign | None, voucher: Voucher | None
) -> Publication | None:
    """The customer's first publication of the campaign, or of the voucher, whose codes are still there."""
    rows = Publication.objects.of(project).for_wire().filter(customer=customer, result=Publication.Result.SUCCESS)
    if campaign is not None:
        rows = rows.filter(campaign=campaign)
    elif voucher is not None and voucher.campaign_id is not None:
        rows = rows.filter(campaign_id=voucher.campaign_id)
    else:
        rows = rows.filter(voucher=voucher)
    return rows.filter(Q(voucher=None) | Q(voucher__deleted_at=None)).order_by("pk").first()


def _locked(project: Project, identifier: str) -> Voucher:
    """The voucher with this code or id, kept to the end of the transaction. Raises NotFound."""
    key = codes.comparable(identifier, case_sensitive=project.case_sensitive_codes)
    rows = Voucher.objects.of(project).alive().filter(Q(code_key=key) | Q(public_id=identifier))
    found = rows.select_related("campaign__category", "category").select_for_update(no_key=True, of=("self",))
    voucher = max(found.order_by("pk"), key=lambda row: row.code_key == key, default=None)
    if voucher is None:
        raise NotFound.of("voucher", identifier)
    voucher.project = project
    return voucher


def _require_free(voucher: Voucher) -> None:
    if voucher.publish_count or voucher.holder_id is not None:
        raise VoucherAlreadyPublished(f"Voucher '{voucher.public_id}' has already been published")
    if not voucher.active:
        raise PublicationRefused("Voucher cannot be published. Voucher is disabled.")


def _choose(project: Project, campaign: Campaign, count: int, at: datetime, channel: Channel) -> list[Voucher]:
    """Free codes of the campaign, locked; where it makes its own, fresh ones for what is missing."""
    chosen = free(campaign, count)
    if len(chosen) < count and _makes_codes(campaign):
        for _ in range(count - len(chosen)):
            data = {"campaign_id": campaign.public_id}
            chosen.append(issuing.create(project=project, data=data, at=at, cause=channel.cause))
    if len(chosen) < count:
        raise NoVoucherSuitable(NONE_LEFT)
    for voucher in chosen:
        voucher.project, voucher.campaign = project, campaign
    return chosen


def free(campaign: Campaign, count: int) -> list[Voucher]:
    """Codes that nobody has, locked; those that somebody else is taking at this moment are passed over."""
    rows = Voucher.objects.filter(FREE, campaign=campaign).select_related("category")
    return list(rows.select_for_update(no_key=True, of=("self",), skip_locked=True).order_by("pk")[:count])


def _makes_codes(campaign: Campaign) -> bool:
    is_promotion = campaign.campaign_type == Campaign.CampaignType.PROMOTION
    return campaign.type == Campaign.Type.AUTO_UPDATE and not is_promotion


def _write(
    project: Project,
    request: PublishRequest,
    customer: Customer,
    campaign: Campaign | None,
    chosen: Sequence[Voucher],
    at: datetime,
    channel: Channel,
) -> Publication:
    referral = campaign is not None and campaign.campaign_type == Campaign.CampaignType.REFERRAL_PROGRAM
    moved: dict[str, Any] = {"holder": customer, "published_at": at, "updated_at": at}
    moved |= {"referrer": customer} if referral else {}
    Voucher.objects.filter(pk__in=[voucher.pk for voucher in chosen]).update(
        publish_count=F("publish_count") + 1, **moved
    )
    for voucher in chosen:
        voucher.publish_count += 1
        for name, value in moved.items():
            setattr(voucher, name, value)
    publication = Publication(
        project=project,
        result=Publication.Result.SUCCESS,
        campaign=campaign,
        customer=customer,
        voucher=chosen[0] if len(chosen) == 1 else None,
        voucher_ids=[voucher.public_id for voucher in chosen],
        codes=[voucher.code for voucher in chosen],
        tracking_id=customer.source_id,
        source_id=request.source_id,
        channel=request.channel,
        metadata=dict(request.metadata),
        created_at=at,
    )
    try:
        with transaction.atomic():
            publication.save(force_insert=True)
    except IntegrityError as error:
        raise _duplicate(request) from error
    _tell(project, publication, chosen, channel)
    return publication


def _record_failure(
    project: Project,
    request: PublishRequest,
    customer: Customer | None,
    campaign: Campaign | None,
    refused: PublicationRefused,
    at: datetime,
    channel: Channel,
) -> None:
    """Keep the attempt; it makes no customer."""
    with transaction.atomic():
        publication = Publication.objects.create(
            project=project,
            result=Publication.Result.FAILURE,
            failure_code=refused.key,
            failure_message=refused.details or refused.message,
            campaign=campaign,
            customer=customer,
            tracking_id=None if customer is None else customer.source_id,
            source_id=request.source_id,
            channel=request.channel,
            metadata=dict(request.metadata),
            created_at=at,
        )
        if customer is not None:
            _note(project, publication, channel)


def _tell(project: Project, publication: Publication, vouchers: Sequence[Voucher], channel: Channel) -> None:
    """The customer's timeline, and the webhooks."""
    _note(project, publication, channel)
    voucher_events.assigned(project, vouchers, publication, channel.cause)
    for voucher in vouchers:
        if outbox.is_wanted(project, "voucher.published"):
            more = {"created_at": to_wire(publication.created_at)}
            happening = _happening("voucher.published", publication, [voucher], voucher.public_id, channel, more)
            outbox.record(project, happening)
    type = "publication.succeeded"
    told = partial(_happening, type, publication, vouchers, publication.public_id, channel, {"user": None})
    outbox.record(project, told, type=type)


def _happening(
    type: str,
    publication: Publication,
    vouchers: Sequence[Voucher],
    entity_id: str,
    channel: Channel,
    more: Mapping[str, Any],
) -> Happening:
    voucher = voucher_events.data_of(vouchers[0])["voucher"] if len(vouchers) == 1 else None
    return Happening(
        type=type,
        at=publication.created_at,
        data={**_data(publication), "voucher": voucher, **more},
        entity_id=entity_id,
        group_id=channel.request_id,
        source=channel.source,
        customer_id=publication.customer_id,
    )


def _note(project: Project, publication: Publication, channel: Channel) -> None:
    succeeded = publication.result == Publication.Result.SUCCESS
    campaign = publication.campaign
    events.record(
        project=project,
        type=f"customer.publication.{'succeeded' if succeeded else 'failed'}",
        at=publication.created_at,
        data=_data(publication),
        customer=publication.customer,
        category="EFFECT",
        group_id=channel.request_id,
        source=channel.source,
        campaign=None if campaign is None else (campaign.pk, campaign.campaign_type),
    )


def _data(publication: Publication) -> dict[str, Any]:
    customer = publication.customer
    return {
        "customer": None if customer is None else render_simple(customer),
        "campaign": voucher_events.campaign_of(publication.campaign),
        "publication": render_publication(publication, in_full=False),
    }
