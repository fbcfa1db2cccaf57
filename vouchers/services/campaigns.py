"""Campaigns: made, found, changed, switched, removed. Source: campaigns and promotions, sections 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import IntegrityError, transaction

from config.jobs import files, runner
from config.jobs.models import AsyncAction, JobFile
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DuplicateFound, InvalidPayload, NotFound
from config.kernel.instants import to_wire
from config.project import schemas
from config.project.models import Project
from vouchers import tasks
from vouchers.engine import validity
from vouchers.errors import InvalidCampaign, InvalidVoucher
from vouchers.models import Campaign, RuleAssignment, Voucher
from vouchers.services import campaign_events, generation, issuing, templates, tiers, validation_rules

Type = Campaign.Type
Kind = Campaign.CampaignType
VALIDITY: Final = (*templates.DATES, *templates.RECURRING)
PLAIN: Final = ("description", *VALIDITY, "activity_duration_after_publishing")
ECHOED: Final = ("referral_program", "loyalty_tiers_expiration", "access_settings")
TERMS: Final = ("discount", "gift", "loyalty_card")


def find(*, project: Project, identifier: str) -> Campaign:
    """The campaign with this id, else with this name. Raises NotFound; binned ones too."""
    found = None
    if "\0" not in identifier:
        rows = Campaign.objects.of(project).filter(deleted_at=None).select_related("category")
        found = rows.filter(public_id=identifier).first() or rows.filter(name=identifier).first()
    if found is None:
        raise NotFound.of("campaign", identifier)
    found.project = project
    return found


def create(
    *, project: Project, data: Mapping[str, Any], at: datetime, request_id: str = "", cause: Cause = INTERNAL
) -> Campaign:
    """Store a campaign, and start the generation of its codes or make its tiers.

    data: the wire's properties, of checked shape. Raises DuplicateFound, InvalidCampaign, InvalidVoucher, InvalidGift,
    InvalidCodeConfig, InvalidPayload, MetadataValidationFailed, NotFound (category, rule).
    """
    kind = templates.campaign_type_of(data)
    campaign = _campaign(project, kind, data, at)
    if kind != Kind.PROMOTION:
        campaign.voucher = templates.checked(project, kind, data.get("voucher"))
        campaign.vouchers_count = 0
        if campaign.type == Type.STANDALONE and campaign.voucher["type"] == Voucher.Type.LOYALTY:
            raise InvalidCampaign("A STANDALONE campaign has a discount or a gift")
    with transaction.atomic():
        _insert(campaign)
        _assign_rules(campaign, data.get("validation_rules") or [], at)
        for tier in (data.get("promotion") or {}).get("tiers") or [] if kind == Kind.PROMOTION else []:
            tiers.create(project=project, campaign=campaign, data=tier, at=at, cause=cause)
        count = data.get("vouchers_count") or 0
        if campaign.type == Type.STANDALONE and kind != Kind.PROMOTION:
            code = (data.get("voucher") or {}).get("code")
            issuing.create(project=project, data={"campaign_id": campaign.public_id}, code=code, at=at, cause=cause)
            campaign.vouchers_count = 1
        elif count and kind != Kind.PROMOTION:
            campaign.creation_status = "IN_PROGRESS"
            start_generation(campaign=campaign, count=count, overrides={}, at=at, request_id=request_id)
        campaign_events.told(project, "created", campaign, at, cause)
        if campaign.creation_status == "IN_PROGRESS":
            campaign_events.told(project, "vouchers.generation.started", campaign, at, cause)
    return campaign


def update(
    *,
    project: Project,
    campaign: Campaign,
    data: Mapping[str, Any],
    at: datetime,
    request_id: str = "",
    cause: Cause = INTERNAL,
) -> Campaign:
    """Change what was sent; null clears; codes that nobody has and nobody used follow in the background.

    Raises InvalidCampaign (busy, or of another kind), InvalidVoucher, InvalidPayload, NotFound (category).
    """
    with transaction.atomic():
        locked = lock(project, campaign)
        generation.require_idle(locked)
        changed, terms = _fill(project, locked, data)
        locked.updated_at = at
        locked.save(update_fields=[*changed, "updated_at"])
        if terms and locked.vouchers_count:
            generation.set_status(locked, "MODIFYING")
            _start("CAMPAIGN.VOUCHERS_UPDATE", locked, {"terms": terms}, at, request_id)
        campaign_events.told(project, "updated", locked, at, cause)
    return locked


def lock(project: Project, campaign: Campaign) -> Campaign:
    """The campaign as it is now, kept to the end of the transaction. Raises NotFound: removed meanwhile."""
    rows = Campaign.objects.of(project).select_related("category").select_for_update(no_key=True, of=("self",))
    locked = rows.filter(pk=campaign.pk, deleted_at=None).first()
    if locked is None:
        raise NotFound.of("campaign", campaign.public_id)
    locked.project = project
    return locked


def switch(*, project: Project, campaign: Campaign, active: bool, at: datetime, cause: Cause = INTERNAL) -> None:
    """Switch a campaign on or off; off, none of its codes and tiers can be redeemed. Raises InvalidCampaign (busy)."""
    with transaction.atomic():
        locked = lock(project, campaign)
        generation.require_idle(locked)
        if locked.active is not active:
            Campaign.objects.filter(pk=locked.pk).update(active=active, updated_at=at)
            campaign_events.told(project, "enabled" if active else "disabled", locked, at, cause)


def delete(
    *,
    project: Project,
    campaign: Campaign,
    force: bool,
    at: datetime,
    request_id: str = "",
    cause: Cause = INTERNAL,
) -> AsyncAction:
    """Take the campaign away at once, its codes in the background: into the bin, or for good. Its name is free again.

    Raises InvalidCampaign while its codes are being made.
    """
    with transaction.atomic():
        locked = lock(project, campaign)
        generation.require_idle(locked)
        campaign_events.told(project, "deleted", locked, at, cause)
        Campaign.objects.filter(pk=locked.pk).update(deleted_at=at, updated_at=at, active=False)
        return _start("CAMPAIGN.VOUCHERS_DELETE", locked, {"force": force, "at": to_wire(at)}, at, request_id)


def add_voucher(
    *,
    project: Project,
    campaign: Campaign,
    data: Mapping[str, Any],
    at: datetime,
    code: str | None = None,
    cause: Cause = INTERNAL,
) -> Voucher:
    """One code more, given or generated. Raises InvalidCampaign and what `issuing.create` raises."""
    with transaction.atomic():
        locked = lock(project, campaign)
        require_codes(locked)
        generation.require_idle(locked)
        added = {**data, "campaign_id": locked.public_id}
        voucher = issuing.create(project=project, data=added, code=code, at=at, cause=cause)
        campaign_events.vouchers_added(project, locked, voucher, at, cause)
    return voucher


def add_vouchers(
    *,
    project: Project,
    campaign: Campaign,
    count: int,
    data: Mapping[str, Any],
    at: datetime,
    request_id: str = "",
    cause: Cause = INTERNAL,
) -> AsyncAction:
    """Start the generation of more codes. Raises InvalidCampaign, InvalidCodeConfig, LimitExceeded, …"""
    with transaction.atomic():
        locked = lock(project, campaign)
        require_codes(locked)
        generation.require_idle(locked)
        overrides = {key: value for key, value in data.items() if value is not None and key != "code"}
        issuing.draft(project=project, campaign=locked, data=overrides, at=at)  # what is wrong is told at once
        started = start_generation(campaign=locked, count=count, overrides=overrides, at=at, request_id=request_id)
        campaign_events.told(project, "vouchers.generation.started", locked, at, cause)
    return started


def start_import(
    *,
    project: Project,
    campaign: Campaign,
    items: Sequence[Mapping[str, Any]],
    from_file: bool,
    at: datetime,
    request_id: str = "",
) -> AsyncAction:
    """Keep the codes in a file and queue their import. items: of checked shape.

    Raises InvalidCampaign, LimitExceeded.
    """
    kind = "CAMPAIGN.VOUCHERS_IMPORT_CSV" if from_file else "CAMPAIGN.VOUCHERS_IMPORT"
    with transaction.atomic():
        locked = lock(project, campaign)
        require_codes(locked)
        generation.require_idle(locked)
        if not from_file:  # a file may be about codes that are there
            generation.require_room(project, locked, len(items))
        generation.set_status(locked, "IN_PROGRESS")
        action = _start(kind, locked, {}, at, request_id, rows_total=len(items))
        files.keep(action, JobFile.Kind.INPUT, orjson.dumps([_storable(item) for item in items]), at=at)
    return action


def require_codes(campaign: Campaign) -> None:
    """Raise InvalidCampaign where codes cannot be added."""
    if campaign.campaign_type == Kind.PROMOTION:
        raise InvalidCampaign("You can not generate vouchers for PROMOTION campaign.")
    if campaign.type == Type.STANDALONE:
        raise InvalidCampaign("You can not generate vouchers for STANDALONE type campaign.")


def start_generation(
    *, campaign: Campaign, count: int, overrides: Mapping[str, Any], at: datetime, request_id: str
) -> AsyncAction:
    """Queue the job, in the caller's transaction, and show the campaign as being generated."""
    generation.check(campaign.project, campaign, count, generation.config_for(campaign, overrides))
    generation.set_status(campaign, "IN_PROGRESS")
    parameters = {"count": count, "overrides": _storable(overrides)}
    return _start(generation.GENERATE, campaign, parameters, at, request_id, rows_total=count)


JOBS: Final = {
    generation.GENERATE: (tasks.generate_codes, "Codes of {}"),
    "CAMPAIGN.VOUCHERS_UPDATE": (tasks.update_codes, "Change of the codes of {}"),
    "CAMPAIGN.VOUCHERS_DELETE": (tasks.delete_codes, "Removal of {}"),
    "CAMPAIGN.VOUCHERS_IMPORT": (tasks.import_codes, "Import of codes to {}"),
    "CAMPAIGN.VOUCHERS_IMPORT_CSV": (tasks.import_codes, "Import of codes to {}"),
}


def _start(
    kind: str,
    campaign: Campaign,
    parameters: Mapping[str, Any],
    at: datetime,
    request_id: str,
    rows_total: int | None = None,
) -> AsyncAction:
    task, title = JOBS[kind]
    return runner.start(
        project=campaign.project,
        type=kind,
        task=task,
        parameters={"campaign": campaign.pk, **parameters},
        at=at,
        title=title.format(campaign.name),
        request_id=request_id,
        rows_total=campaign.vouchers_count if rows_total is None else rows_total,
    )


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checked properties as JSON has them."""
    return {
        key: to_wire(value) if isinstance(value, datetime) else value
        for key, value in values.items()
        if value is not None
    }


def _campaign(project: Project, kind: str, data: Mapping[str, Any], at: datetime) -> Campaign:
    """The unsaved campaign without its codes."""
    campaign = Campaign(project=project, name=data["name"], campaign_type=kind, created_at=at)
    campaign.type = data.get("type") or Type.STATIC
    for name in PLAIN:
        setattr(campaign, name, data.get(name))
    campaign.auto_join = data.get("auto_join") is True
    default = kind == Kind.LOYALTY_PROGRAM
    campaign.join_once = default if data.get("join_once") is None else data["join_once"]
    if campaign.type == Type.STANDALONE:
        campaign.join_once = False
    sent = data.get("use_voucher_metadata_schema")
    campaign.use_voucher_metadata_schema = kind != Kind.PROMOTION if sent is None else sent
    campaign.category, campaign.extra["category"] = issuing.category_of(project, data)
    campaign.metadata = data.get("metadata")
    schemas.require(project, "campaign", campaign.metadata, whole=True)
    campaign.extra |= {name: data[name] for name in ECHOED if data.get(name) is not None}
    _check_validity(campaign)
    return campaign


def _insert(campaign: Campaign) -> None:
    try:
        with transaction.atomic():
            campaign.save(force_insert=True)
    except IntegrityError as error:
        raise DuplicateFound.of("campaign", campaign.name, by="name") from error


def _assign_rules(campaign: Campaign, rule_ids: list[str], at: datetime) -> None:
    for rule in validation_rules.find_all(project=campaign.project, public_ids=rule_ids):
        RuleAssignment.objects.create(
            project=campaign.project,
            rule=rule,
            campaign=campaign,
            related_object_type="campaign",
            related_object_id=campaign.public_id,
            created_at=at,
        )


def _fill(project: Project, campaign: Campaign, data: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Set what was sent, checked: (the names of the columns, the terms that codes take over)."""
    changed = [name for name in PLAIN if name in data]
    for name in changed:
        setattr(campaign, name, data[name])
    _check_validity(campaign)
    for name in ("join_once", "auto_join"):
        if data.get(name) is not None and campaign.type != Type.STANDALONE:
            setattr(campaign, name, data[name])
            changed.append(name)
    if data.get("type") is not None and data["type"] != campaign.type:
        if Type.STANDALONE in (data["type"], campaign.type):
            raise InvalidCampaign("It is not possible to change the type of a STANDALONE campaign, or to it")
        campaign.type = data["type"]
        changed.append("type")
    if "category" in data or "category_id" in data:
        campaign.category, campaign.extra["category"] = issuing.category_of(project, data)
        changed += ["category", "extra"]
    if any(name in data for name in ECHOED):
        campaign.extra |= {name: data[name] for name in ECHOED if name in data}
        changed.append("extra")
    if data.get("metadata") is not None or data.get("unset_metadata_fields"):
        gone = set(data.get("unset_metadata_fields") or [])
        merged = {**(campaign.metadata or {}), **(data.get("metadata") or {})}
        campaign.metadata = {key: value for key, value in merged.items() if key not in gone}
        schemas.require(project, "campaign", campaign.metadata, whole=True)
        changed.append("metadata")
    terms = _changed_terms(campaign, data)
    if terms:
        campaign.voucher = {**(campaign.voucher or {}), **terms}
        changed.append("voucher")
    return changed, terms


def _changed_terms(campaign: Campaign, data: Mapping[str, Any]) -> dict[str, Any]:
    """The discount, gift or card that was sent, where it is another one."""
    template = campaign.voucher or {}
    for name in TERMS:
        if data.get(name) is None or name not in template:
            continue
        merged = data[name] if name == "discount" else {**template[name], **data[name]}
        if name == "discount" and (data[name].get("type") or template[name]["type"]) != template[name]["type"]:
            raise InvalidVoucher("It is not possible to change Voucher discount type")
        if name == "discount":
            merged = {"type": template[name]["type"], **merged}
        checked = templates.checked_term(template["type"], merged)
        return {name: checked} if checked != template[name] else {}
    return {}


def _check_validity(campaign: Campaign) -> None:
    templates.check_validity({name: getattr(campaign, name) for name in VALIDITY})
    duration = campaign.activity_duration_after_publishing
    if duration is not None:
        try:
            validity.parse_duration(duration)
        except ValueError as error:
            raise InvalidPayload(f"Property .activity_duration_after_publishing {error}") from error
