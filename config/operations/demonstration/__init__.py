"""Demonstration data: customers from a CSV file, segments, vouchers and three months of redemptions.

Everything goes through the services that real data goes through, with `at` in the past where the story is.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from config.imports.subjects import Options
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel.errors import DomainError
from config.operations.demonstration import offers, people, programme, story
from config.project.models import Project
from customers import imports, tasks
from customers.models import Customer
from segments import services as segments
from segments.models import Segment
from vouchers.models import Redemption, Voucher
from vouchers.payloads import parse_stackable
from vouchers.services import issuing, limit_sums, redemptions, rollbacks, usage, validation_rules, validations

TIER_EVERY, RETURN_EVERY = 9, 23
"""So many checkouts use a promotion instead of a code; so many are sent back."""

Say = Callable[[str], None]


def fill(project: Project, *, at: datetime, say: Say = lambda text: None) -> None:
    """Bring the story into the project, or what is missing of it after an interrupted start. at: the present."""
    opened = at - timedelta(days=story.DAYS + 1)
    somebody = people.people()[0].source_id
    if not Customer.objects.of(project).filter(source_id=somebody).exists():
        say("Importing made-up customers")
        import_customers(project, opened)
    offer(project, opened, at)
    if not Redemption.objects.of(project).filter(code=offers.WELCOME).exists():
        say("Letting them shop for three months")
        shop(project, at)
        programme.hand_out(project, [person.source_id for person in people.people()[:12]], at - timedelta(days=20))


def import_customers(project: Project, at: datetime) -> None:
    """Upload the file and run the import as the wizard does, here and now instead of in the worker."""
    file = imports.upload(project=project, content=io.BytesIO(people.csv_file()), given_name="customers.csv", at=at)
    found = imports.inspect(file)
    with transaction.atomic():
        action = imports.start(file, mapping=found.proposed_mapping, options=Options(), at=at, title="customers.csv")
        runner.keep(action)
    runner.run_now(action, tasks.import_file, at=at)
    action.refresh_from_db()
    if action.status != AsyncAction.Status.DONE:
        raise RuntimeError(f"the demonstration import ended as {action.status}: {action.failure}")


def offer(project: Project, opened: datetime, at: datetime) -> None:
    """Segments, rules and codes; each only if it is not there yet."""
    made = {entry["name"]: _segment(project, entry, opened) for entry in offers.SEGMENTS}
    programme.run(project, made[offers.REGULARS["name"]], opened, at)
    corporate = made[offers.CORPORATE["name"]]
    for data, rule in _vouchers(corporate, at):
        if Voucher.objects.of(project).filter(code=data["code"]).exists():
            continue
        rules = [validation_rules.create(project=project, data=rule, at=opened).public_id] if rule else []
        issuing.create(project=project, data={**data, "validation_rules": rules}, at=opened)


def _vouchers(corporate: Segment, at: datetime) -> list[tuple[dict[str, Any], Mapping[str, Any] | None]]:
    only_corporate = offers.segment_rule(corporate.public_id, "For our corporate customers in California")
    return [
        (offers.percent(offers.WELCOME, 10, additional_info="On every parcel's leaflet"), None),
        (offers.percent(offers.SUMMER, 20, amount_limit=5000, redemption={"quantity": 80}), None),
        (offers.percent(offers.CORP, 20), only_corporate),
        (offers.amount(offers.BIG, 1500), offers.BIG_CART),
        (offers.percent(offers.SPRING, 25, expiration_date=at - timedelta(days=45)), None),
        *((offers.gift(code, 5000), None) for code in offers.GIFTS),
        *((offers.amount(code, 500, redemption={"quantity": 1}), None) for code in offers.SINGLE),
    ]


def _segment(project: Project, entry: Mapping[str, Any], at: datetime) -> Segment:
    known = Segment.objects.of(project).filter(name=entry["name"]).first()
    return known or segments.create(
        project=project,
        name=entry["name"],
        type="auto-update",
        filter=entry["filter"],
        customers=None,
        metadata={},
        at=at,
    )


def shop(project: Project, at: datetime) -> None:
    """Redeem as the shop's backend does; refusals are part of the story."""
    tiers = programme.tier_ids(project)
    for number, visit in enumerate(story.visits(people.people(), at)):
        body = visit.body
        if tiers and number % TIER_EVERY == 0:
            body = {
                **body,
                "redeemables": [{"object": "promotion_tier", "id": tiers[number // TIER_EVERY % len(tiers)]}],
            }
        request = parse_stackable(body)
        if visit.looked_first:
            validations.validate(project=project, request=request, at=visit.at - timedelta(minutes=2))
        try:
            done = redemptions.redeem(project=project, request=request, at=visit.at)
            sent_back = visit.at + timedelta(days=1, hours=3)
            if number % RETURN_EVERY == 0 and sent_back < at:
                row = done.redemptions[0]
                rollbacks.roll_back(project=project, redemption=row, reason="The parcel came back", at=sent_back)
        except DomainError:
            continue
    usage.forget(project=project)  # what lies in the past was not summed when it happened
    limit_sums.forget(project=project)
