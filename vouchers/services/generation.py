"""Codes of a campaign in the background: made in batches, each in a transaction that also says how far the job is.

A killed job is run again and goes on behind the last batch that was committed; no code comes twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from config.jobs import runner
from config.jobs.errors import StopRequested
from config.jobs.models import AsyncAction
from config.jobs.runner import Run
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DomainError, LimitExceeded
from config.kernel.instants import parse_instant
from config.project.models import Project
from vouchers.engine.codes import CodeConfig
from vouchers.errors import InvalidCampaign, InvalidCodeConfig
from vouchers.models import Campaign, Voucher
from vouchers.services import campaign_events, minting, templates

BATCH: Final = 20_000
DRY: Final = 200
"""Batches in a row without a free code after which a pattern counts as used up."""
CAP: Final = "codes_per_campaign"
RUNNING: Final = ("IN_PROGRESS", "MODIFYING")
GENERATE: Final = "CAMPAIGN.VOUCHERS_GENERATE"


def check(project: Project, campaign: Campaign, count: int, config: CodeConfig) -> None:
    """Raise InvalidCodeConfig, LimitExceeded where that many codes can never be made."""
    if config.possible(case_sensitive=project.case_sensitive_codes) < count:
        raise InvalidCodeConfig(f"Pattern '{config.pattern}' has fewer than {count} codes; allow more characters")
    require_room(project, campaign, count)


def require_room(project: Project, campaign: Campaign, count: int) -> None:
    """Raise LimitExceeded where the project caps codes and the campaign has no room for that many more."""
    cap = project.vendor_caps.get(CAP)
    if cap is not None and (campaign.vouchers_count or 0) + count > cap:
        raise LimitExceeded(f"A campaign may have {cap} codes")


def require_idle(campaign: Campaign) -> None:
    """Raise InvalidCampaign while codes of the campaign are made, changed or imported.

    A job that gave up without a word leaves the campaign FAILED, not locked.
    """
    if campaign.vouchers_generation_status not in RUNNING:
        return
    open_states = (AsyncAction.Status.ENQUEUED, AsyncAction.Status.IN_PROGRESS)
    jobs = AsyncAction.objects.of(campaign.project).filter(type__startswith="CAMPAIGN.", status__in=open_states)
    if jobs.filter(parameters__campaign=campaign.pk).exists():
        raise InvalidCampaign(f"Campaign {campaign.name} is being generated or modified; wait until it is DONE")
    set_status(campaign, "FAILED")


def set_status(campaign: Campaign, status: str) -> None:
    """Show what is going on with the codes; `creation_status` follows until the campaign was made."""
    values = {"vouchers_generation_status": status}
    if campaign.creation_status != "DONE" or status == "MODIFYING":
        values["creation_status"] = status
    Campaign.objects.filter(pk=campaign.pk).update(**values)
    for name, value in values.items():
        setattr(campaign, name, value)


def generate(run: Run, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Make `count` codes more than the campaign had when the job was started; the body of the job."""
    project = run.action.project
    campaign = Campaign.objects.of(project).filter(pk=run.parameters["campaign"], deleted_at=None).first()
    count = int(run.parameters["count"])
    if campaign is not None:
        campaign.project = project
        try:
            _generate(run, campaign, count, clock)
        except DomainError:
            _end(run, campaign, "FAILED", "failed", clock())
            raise
        except StopRequested:
            run.partial = answer(run.action.rows_done)
            _end(run, campaign, "DONE", "failed", clock())
            raise
        _end(run, campaign, "DONE", "completed", clock())
    return answer(run.action.rows_done)


def abandoned(action: AsyncAction, at: datetime) -> None:
    """A job about codes was tried too often: its campaign is free again, and says FAILED."""
    rows = Campaign.objects.select_for_update(no_key=True).filter(pk=action.parameters["campaign"])
    campaign = rows.select_related("project").first()
    if campaign is None or campaign.vouchers_generation_status not in RUNNING:
        return
    set_status(campaign, "FAILED")
    if action.type == GENERATE:
        cause = Cause(INTERNAL.source, action.request_id)
        campaign_events.told(campaign.project, "vouchers.generation.failed", campaign, at, cause)


@contextmanager
def freed(campaign: Campaign) -> Iterator[None]:
    """Leave no campaign behind as being worked on: a job that is stopped leaves it DONE, one that is refused FAILED."""
    try:
        yield
    except StopRequested:
        set_status(campaign, "DONE")
        raise
    except DomainError:
        set_status(campaign, "FAILED")
        raise


def cause_of(run: Run) -> Cause:
    """A job's cause: nobody's hand, but the request that started it."""
    return Cause(INTERNAL.source, run.action.request_id)


def _end(run: Run, campaign: Campaign, status: str, what: str, at: datetime) -> None:
    """Show how it ended and tell webhooks, once for each start; a job that is run again after its end tells nothing.

    what: completed, or failed where fewer codes came than were asked for.
    """
    with transaction.atomic():
        run.hold()
        now = Campaign.objects.select_for_update(no_key=True).values_list("vouchers_generation_status", flat=True)
        if now.get(pk=campaign.pk) in RUNNING:
            set_status(campaign, status)
            campaign_events.told(campaign.project, f"vouchers.generation.{what}", campaign, at, cause_of(run))


def answer(made: int) -> dict[str, Any]:
    """The result of the job."""
    return {"message": f"Generated {made} vouchers.", "done_count": made}


def _generate(run: Run, campaign: Campaign, count: int, clock: Callable[[], datetime]) -> None:
    overrides = read_overrides(run.parameters.get("overrides") or {})
    config = config_for(campaign, overrides)
    voucher = minting.draft(project=campaign.project, campaign=campaign, overrides=overrides, at=clock())
    deck = minting.Deck(config, case_sensitive=campaign.project.case_sensitive_codes)
    done, dry, careful = run.action.rows_done, 0, not deck.is_roomy(count)
    with ThreadPoolExecutor(1, thread_name_prefix="codes") as thread:
        ahead = thread.submit(deck.draw, _size(deck, count - done, careful))
        while done < count:
            drawn = ahead.result() or deck.draw(_size(deck, count - done, careful))
            if not drawn or dry > DRY:
                raise InvalidCodeConfig(f"Pattern '{config.pattern}' has no free codes left; allow more characters")
            ahead = thread.submit(deck.draw, _size(deck, count - done - len(drawn), careful))  # while these are loaded
            made, careful = _batch(run, campaign, voucher, drawn, done, count, clock(), careful)
            dry = 0 if made else dry + 1
            done += made
            run.check()


def _size(deck: minting.Deck, wanted: int, careful: bool) -> int:
    """How many candidates to draw for so many codes; more than wanted where most are expected to be taken."""
    if careful and not deck.is_dealt:
        return BATCH
    return max(0, min(BATCH, wanted))


def _batch(
    run: Run, campaign: Campaign, voucher: Voucher, drawn: list[str], done: int, count: int, at: datetime, careful: bool
) -> tuple[int, bool]:
    with transaction.atomic():
        run.hold()
        made, careful = minting.load(voucher=voucher, drawn=drawn, most=count - done, at=at, careful=careful)
        Campaign.objects.filter(pk=campaign.pk).update(vouchers_count=F("vouchers_count") + made)
        runner.progress(run.action, done + made, count)
    return made, careful


def config_for(campaign: Campaign, overrides: Mapping[str, Any]) -> CodeConfig:
    """How the codes are made: as asked for, else as the campaign's template says. Raises InvalidCodeConfig."""
    return templates.config_of(overrides.get("code_config") or (campaign.voucher or {}).get("code_config"))


def read_overrides(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked of the codes, out of the job's parameters."""
    dates = {name: parse_instant(stored[name]) for name in templates.DATES if stored.get(name)}
    return {**stored, **dates}
