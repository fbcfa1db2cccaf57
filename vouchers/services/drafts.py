"""Drafts of campaigns: kept at every step, and made into a campaign, or a change of one, at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import NotFound
from config.project.models import Project, User
from vouchers.models import Campaign, CampaignDraft
from vouchers.services import campaigns, validation_rules

Typed = Mapping[str, Sequence[str]]


def begin(
    *,
    project: Project,
    steps: Mapping[str, Typed],
    at: datetime,
    user: User | None = None,
    campaign: Campaign | None = None,
) -> CampaignDraft:
    """A new draft. campaign: the one it changes."""
    return CampaignDraft.objects.create(
        project=project, steps=_plain(steps), campaign=campaign, created_by=user, created_at=at, updated_at=at
    )


def find(*, project: Project, public_id: str) -> CampaignDraft:
    """The project's draft of that id. Raises NotFound."""
    rows = CampaignDraft.objects.of(project).select_related("campaign__category")
    draft = None if "\0" in public_id else rows.filter(public_id=public_id).first()
    if draft is None:
        raise NotFound.of("campaign_draft", public_id)
    if draft.campaign is not None:
        draft.campaign.project = project
    return draft


def save_step(*, draft: CampaignDraft, step: str, typed: Typed, at: datetime) -> None:
    """Keep one step as it was typed; the others stay as somebody else may have left them meanwhile."""
    with transaction.atomic():
        stored = CampaignDraft.objects.select_for_update().filter(pk=draft.pk).first()
        if stored is None:
            raise NotFound.of("campaign_draft", draft.public_id)
        stored.steps = {**stored.steps, **_plain({step: typed})}
        stored.updated_at = at
        stored.save(update_fields=["steps", "updated_at"])
        draft.steps = stored.steps


def discard(*, draft: CampaignDraft) -> None:
    """Throw it away."""
    CampaignDraft.objects.filter(pk=draft.pk).delete()


def publish(
    *,
    draft: CampaignDraft,
    data: Mapping[str, Any],
    rule: Mapping[str, Any] | None,
    rule_ids: Sequence[str],
    at: datetime,
    request_id: str = "",
    cause: Cause = INTERNAL,
) -> Campaign:
    """Make the campaign, with `rule` stored and assigned to it, and the named rules too; the draft goes.

    data: as `campaigns.create` takes it, of a draft that changes one as `campaigns.update`. Raises what they raise.
    """
    project = draft.project
    with transaction.atomic():
        if draft.campaign is not None:
            made = campaigns.update(
                project=project, campaign=draft.campaign, data=data, at=at, request_id=request_id, cause=cause
            )
        else:
            made = campaigns.create(project=project, data=data, at=at, request_id=request_id, cause=cause)
            wanted = list(rule_ids)
            if rule is not None:
                wanted.append(validation_rules.create(project=project, data=rule, at=at, cause=cause).public_id)
            for rule_id in wanted:
                validation_rules.assign(
                    project=project,
                    rule=validation_rules.find(project=project, public_id=rule_id),
                    related_object_type="campaign",
                    related_object_id=made.public_id,
                    at=at,
                    cause=cause,
                )
        discard(draft=draft)
    return made


def _plain(steps: Mapping[str, Typed]) -> dict[str, dict[str, list[str]]]:
    return {
        step: {key: [value.replace("\0", "")[:5000] for value in values][:500] for key, values in typed.items()}
        for step, typed in steps.items()
    }
