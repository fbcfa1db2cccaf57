"""G10 to G13: segments at BENCH_CUSTOMERS customers with metadata, counters and five events each.

    BENCH_ONLY=segments BENCH_CUSTOMERS=1000000 make bench

Every yardstick is a statement written by hand over the same tables and indexes, on the same connection, turn by turn.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bench import watching
from bench.table import Line
from bench.turns import beside, line, milliseconds, run
from config.filters.compiler import to_q
from config.kernel import instants
from config.project import services as projects
from config.project.models import Project
from customers.models import ChangedCustomer, Customer
from segments import definitions
from segments import services as segments
from segments.compiled import Conditions
from segments.models import Membership, Segment
from segments.services import differences, refresh
from segments.services.differences import Within

TURNS = 7
WARMING = 5
"""Turns until what a worker keeps (finished conditions, prepared statements) is there."""
PEOPLE = """
INSERT INTO customers_customer (project_id, public_id, source_id, name, email, email_key, phone, address, metadata,
    system_metadata, nulled_fields, version, created_at, orders_total_amount, orders_total_count, orders_last_amount,
    orders_last_at, redemptions_succeeded, redemptions_failed, rollbacks_succeeded, rollbacks_failed,
    gift_redeemed_amount, gift_redemptions, gift_amount_to_go, gift_cards_held, loyalty_points,
    loyalty_redeemed_points, loyalty_points_to_go, loyalty_cards_held, referred_customers)
SELECT %(project)s, 'cust_' || lpad(n::text, 24, '0'), 'crm-' || n, 'Name ' || n, 'c' || n || '@shop.example',
    'c' || n || '@shop.example', '+49 30 ' || n,
    jsonb_build_object('city', 'City ' || n %% 500, 'country', (ARRAY['DE','PL','FR','US'])[1 + n %% 4]),
    jsonb_build_object('tier', (ARRAY['gold','silver','bronze','none','none','none','none','none'])[1 + n %% 8],
        'score', (n::bigint * 7919) %% 1000, 'region', 'r' || n %% 40,
        'joined', '20' || lpad((n %% 25)::text, 2, '0') || '-01-01'),
    '{}', '{}', 1, %(at)s - n %% 1000 * interval '1 day', (n::bigint * 31) %% 100000, n %% 20, (n::bigint * 17) %% 9000,
    CASE WHEN n %% 20 > 0 THEN %(at)s - (n::bigint * 13) %% 400 * interval '1 day' END,
    n %% 7, n %% 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM generate_series(1, %(rows)s) n
"""
EVENTS = """
INSERT INTO tracking_event (project_id, public_id, type, name, category, customer_id, token, data, source, group_id,
    campaign_type, created_at)
SELECT c.project_id, 'evcus_' || c.id || '-' || k, 'customer.custom_event', 'cart', 'ACTION', c.id, '', '{}', '{}', '',
    '', %(at)s - (c.id %% 60) * interval '1 day'
FROM customers_customer c CROSS JOIN generate_series(1, 5) k WHERE c.project_id = %(project)s
"""
COUNTERS = """
INSERT INTO tracking_eventcounter (customer_id, name, count, first_at, last_at)
SELECT c.id, 'cart', 1 + c.id %% 9, %(at)s, %(at)s - (c.id %% 60) * interval '1 day'
FROM customers_customer c WHERE c.project_id = %(project)s
"""


def condition(field: str, operator: str, *values: Any) -> dict[str, Any]:
    """A filter of one condition."""
    return {"junction": "and", field: {"conditions": {operator: list(values)}}}


ASKED: Sequence[tuple[str, dict[str, Any], str]] = (
    ("city", condition("address.city", "$is", "City 77"), "city = 'City 77'"),
    ("metadata equality", condition("metadata.tier", "$is", "gold"), "metadata @> '{\"tier\": \"gold\"}'"),
    ("metadata, a few", condition("metadata.region", "$in", "r1", "r2"),
     "(metadata @> '{\"region\": \"r1\"}' OR metadata @> '{\"region\": \"r2\"}')"),
    ("metadata number over 900", condition("metadata.score", "$more_than", 900),
     "(metadata -> 'score')::numeric > 900"),
    ("e-mail", condition("email", "$is", "c77@shop.example"), "email_key = 'c77@shop.example'"),
    ("source id prefix", condition("source_id", "$starts_with", "crm-12345"),
     "source_id ^@ 'crm-12345' AND source_id >= 'crm-12345' AND source_id < 'crm-12346'"),
    ("spent over", condition("summary.orders.total_amount", "$more_than", 95_000), "orders_total_amount > 95000"),
    ("did an event", condition("events.cart.count", "$more_than", 8),
     "EXISTS (SELECT 1 FROM tracking_eventcounter e WHERE e.customer_id = c.id AND e.name = 'cart' AND e.count > 8)"),
    ("three together", {"junction": "and", "address.country": {"conditions": {"$is": ["DE"]}},
                        "metadata.tier": {"conditions": {"$is": ["gold"]}},
                        "summary.orders.total_count": {"conditions": {"$more_than": [5]}}},
     "country = 'DE' AND metadata @> '{\"tier\": \"gold\"}' AND orders_total_count > 5"),
)  # fmt: skip


def measure(rows: int) -> list[Line]:
    """All lines."""
    project = projects.create_project(name="Bench segments", at=instants.now()).project
    fill(project, rows)
    lines = [*counts(project), *membership(project), *one_changed(project), *watching.measure(project)]
    return [*lines, *materialise(project)]


def fill(project: Project, rows: int) -> None:
    """The base, by generate_series."""
    values: dict[str, Any] = {"project": project.pk, "rows": rows, "at": instants.now()}
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in (PEOPLE, EVENTS, COUNTERS):
            cursor.execute(statement, values)
        for table in ("customers_customer", "tracking_event", "tracking_eventcounter"):
            cursor.execute(f"VACUUM ANALYZE {table}")


def members(project: Project, filter: dict[str, Any], at: datetime) -> Any:
    """The living customers that a filter chooses."""
    scope = definitions.scope_of(project, at)
    node, problems = definitions.read(project=project, body=filter, table=scope.fields)
    if node is None:
        raise ValueError(problems)
    return Customer.objects.of(project).alive().filter(to_q(node, scope))


def counts(project: Project) -> list[Line]:
    """G10: count and newest five, from the filter's JSON to the answer."""
    lines, at = [], instants.now()
    base = f"FROM customers_customer c WHERE project_id = {project.pk} AND deleted_at IS NULL AND "
    for name, filter, by_hand in ASKED:
        found = members(project, filter, at).count()
        [(expected,)] = run(f"SELECT count(*) {base} {by_hand}")
        if found != expected:
            raise AssertionError(f"{name}: {found} is not {expected}")
        lines += _asked(project, f"{name} ({found:,})", filter, f"{base} {by_hand}", at)
    return lines


def _asked(project: Project, name: str, filter: dict[str, Any], by_hand: str, at: datetime) -> list[Line]:
    newest = "ORDER BY created_at DESC, id DESC LIMIT 5"
    pairs = {
        "count": beside(
            lambda: members(project, filter, at).order_by().count(), lambda: run(f"SELECT count(*) {by_hand}"), 5
        ),
        "sample": beside(
            lambda: list(members(project, filter, at).order_by("-created_at", "-pk")[:5]),
            lambda: run(f"SELECT * {by_hand} {newest}"),
            5,
        ),
    }
    lines = []
    for what, (ours, theirs) in pairs.items():
        allowed = 1.2 * theirs + 5
        missed = "" if ours <= allowed else ", missed"
        lines.append(line("G10", f"{what}: {name}", ours, theirs, f"≤ {allowed:.1f} ms{missed}"))
    return lines


def membership(project: Project) -> list[Line]:
    """G11: is one stored customer in the segment."""
    filter = ASKED[-1][1]
    segment = segments.create(project=project, name="G11", type="passive", filter=filter, at=instants.now())
    person = Customer.objects.of(project).order_by("pk")[100]
    hand = f"SELECT ({ASKED[-1][2]}) FROM customers_customer c WHERE id = %s AND deleted_at IS NULL"
    at = instants.now()
    ours, theirs = beside(
        lambda: segments.is_member(segment=segment, customer=person, at=at), lambda: run(hand, person.pk), 200
    )
    return [line("G11", "is this customer in the segment", ours, theirs, "≤ 2×")]


def one_changed(project: Project) -> list[Line]:
    """G12: a hundred auto-update segments for one changed customer, beside one statement with a hundred EXISTS."""
    at = instants.now()
    for number in range(100):
        filter = {"junction": "and", "metadata.score": {"conditions": {"$more_than": [number * 10]}},
                  "address.city": {"conditions": {"$is_not": [f"City {number}"]}}}  # fmt: skip
        segments.create(project=project, name=f"G12 {number}", type="auto-update", filter=filter, at=at)
    rows = Segment.objects.of(project).auto_update()
    rows.update(pass_to=None, filled_at=at)  # as if filled: the first pass is G13's
    person = Customer.objects.of(project).order_by("pk")[200]
    exists = ", ".join(
        f"EXISTS (SELECT 1 FROM customers_customer c WHERE c.id = {person.pk} AND c.deleted_at IS NULL"
        f" AND (c.metadata ->> 'score')::numeric > {number * 10} AND c.city IS DISTINCT FROM 'City {number}')"
        for number in range(100)
    )

    def change() -> None:
        ChangedCustomer.objects.create(project=project, customer=person, keys=["*"], created_at=at)

    def ours() -> None:
        refresh.step(at)  # all that the worker does for it, from looking to the commit

    mine, hand = [], []
    for turn in range(WARMING + 3 * TURNS):
        change()
        taken = milliseconds(ours), milliseconds(lambda: run(f"SELECT {exists}"))
        if turn >= WARMING:
            mine.append(taken[0])
            hand.append(taken[1])
    return [
        line("G12", "100 auto-update segments for one changed customer", statistics.median(mine),
              statistics.median(hand), "≤ 2×"),
    ]  # fmt: skip


def materialise(project: Project) -> list[Line]:
    """G13: write down a segment of a quarter of all customers, beside INSERT … SELECT and DELETE by hand."""
    at = instants.now()
    filter = condition("address.country", "$is", "DE")
    segment = segments.create(project=project, name="G13", type="auto-update", filter=filter, at=at)

    def clear() -> None:
        Membership.objects.filter(segment=segment).delete()

    def ours() -> None:
        Segment.objects.filter(pk=segment.pk).update(pass_to=0, pass_after=1, filled_at=None)
        while Segment.objects.filter(pk=segment.pk, filled_at=None).exists():
            with transaction.atomic():
                refresh.go_on(project, at)

    def hand() -> None:
        clear()
        run(
            f"INSERT INTO segments_membership (segment_id, customer_id, entered_at) SELECT %s, c.id, now()"
            f" FROM customers_customer c WHERE project_id = {project.pk} AND deleted_at IS NULL AND country = 'DE'"
            " ON CONFLICT DO NOTHING",
            segment.pk,
        )

    mine, theirs = beside(ours, hand, 3)
    within = Within(None, 0, 2**62)
    same = milliseconds(
        lambda: differences.write(
            project=project, segments=[segment], conditions=[Conditions(project, at).of(segment)], within=within, at=at
        )
    )
    count = Membership.objects.filter(segment=segment).count()
    return [
        line("G13", f"materialise {count:,} members", mine, theirs, "≤ 1.5×"),
        Line("G13", "compare them all again, nothing to do", f"{same:,.0f} ms", "–", ""),
    ]
