"""The overview, the charts and the background tasks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from config.dashboard import charts, home, tasks
from config.kernel import instants
from tests.dashboard.rows import make_action, make_import, make_redemption
from tests.factories import NOW, CampaignFactory, make_customer, make_segment, make_voucher
from vouchers.services import usage

HOME = "dashboard:home"


@pytest.fixture
def noon(monkeypatch):
    """The dashboard believes that it is NOW."""
    monkeypatch.setattr(instants, "now", lambda: NOW)
    return NOW


def attempt(project, *, days_ago=0, **fields):
    return make_redemption(project, created_at=NOW - timedelta(days=days_ago), **fields)


@pytest.mark.django_db
def test_a_new_project_is_told_what_to_do_first(marketer, project):
    make_customer(project=project)
    steps = marketer.get(reverse(HOME)).context["checklist"]
    assert [(step.title, step.done) for step in steps] == [
        ("Bring in your customers", True),
        ("Describe a segment", False),
        ("Create a campaign", False),
        ("Check a code", False),
    ]


@pytest.mark.django_db
def test_the_numbers_of_the_period_beside_those_before(marketer, project, noon):
    for days in (0, 1, 29):
        attempt(project, days_ago=days, discount_amount=500)
    attempt(project, days_ago=2, failure_code="voucher_expired")
    attempt(project, days_ago=31, discount_amount=300)
    attempt(project, days_ago=40, discount_amount=200)
    attempt(project, days_ago=61, discount_amount=9_900)
    cards = marketer.get(reverse(HOME)).context["cards"]
    assert [(card.label, card.number, card.change, card.tone) for card in cards] == [
        ("Redemptions", "3", "+50 %", "up"),
        ("Discount given", "€15.00", "+200 %", ""),
        ("Revenue with a code", "€0.00", "", ""),
        ("Refused attempts", "1", "", ""),
        ("Active campaigns", "0", "", ""),
    ]


@pytest.mark.django_db
def test_the_overview_says_the_same_before_and_after_the_attempts_are_summed(marketer, project, noon):
    campaign = CampaignFactory.create(project=project, name="Spring")
    for days in (0, 3, 29, 45):
        attempt(project, days_ago=days, discount_amount=500, order_amount=4000, campaign=campaign)
        attempt(project, days_ago=days, failure_code="voucher_expired", campaign=campaign)
    before = marketer.get(reverse(HOME)).context
    assert usage.follow(at=NOW + timedelta(hours=1)) > 0
    attempt(project, days_ago=-0.05, discount_amount=100)
    after = marketer.get(reverse(HOME)).context
    assert [card.number for card in before["cards"]] == ["3", "€15.00", "€105.00", "3", "1"]
    assert [card.number for card in after["cards"]] == ["4", "€16.00", "€105.00", "3", "1"]
    assert [(row.name, row.sums.succeeded, row.sums.rate) for row in before["top"]] == [("Spring", 3, 50)]
    assert before["refusals"] == after["refusals"]
    assert before["refusals"][0]["count"] == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "days", "unit"),
    [
        ({}, 30, "day"),
        ({"days": "90"}, 90, "week"),
        ({"days": "365"}, 365, "month"),
        ({"days": "x"}, 30, "day"),
        ({"from": "2026-01-01", "to": "2026-01-10"}, 10, "day"),
        ({"from": "2026-01-10", "to": "2026-01-01"}, 30, "day"),
        ({"from": "0001-01-01", "to": "2026-01-01"}, 30, "day"),
    ],
)
def test_periods(marketer, project, noon, query, days, unit):
    attempt(project)
    context = marketer.get(reverse(HOME), query).context
    assert (context["period"].length, context["unit"]) == (days, unit)


@pytest.mark.parametrize(
    ("now", "then", "good", "said"),
    [
        (3, 0, True, ("", "")),
        (3, 2, True, ("+50 %", "up")),
        (1, 2, True, ("−50 %", "down")),
        (3, 2, False, ("+50 %", "down")),
        (1, 2, False, ("−50 %", "up")),
        (2, 2, False, ("+0 %", "")),
        (3, 2, None, ("+50 %", "")),
    ],
)
def test_changes_in_words(now, then, good, said):
    assert home.change(now, then, good=good) == said


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [3, 30])
def test_the_overview_costs_the_same_for_3_and_for_30_rows(marketer, project, django_assert_num_queries, rows):
    for _ in range(rows):
        at = instants.now() - timedelta(hours=1)
        make_redemption(
            project, voucher=make_voucher(project=project), customer=make_customer(project=project), created_at=at
        )
        make_import(project, action=make_action(project, created_at=at, result={"failed_count": 3}))
    with django_assert_num_queries(11):
        assert marketer.get(reverse(HOME)).status_code == 200


@pytest.mark.django_db
def test_what_needs_attention(marketer, project, noon):
    for _ in range(5):
        attempt(project, failure_code="voucher_expired")
    make_import(project, given_name="crm.csv", action=make_action(project, result={"failed_count": 12}))
    make_action(project, status="FAILED", title="Export", failure="The disk is full.")
    make_action(project, status="FAILED", title="Stopped", stopped=True)
    make_voucher(project=project, code="SOON", expiration_date=NOW + timedelta(days=2))
    make_voucher(project=project, code="SCARCE", quantity=10, redeemed_quantity=9)
    make_voucher(project=project, code="FINE", quantity=10, redeemed_quantity=1)
    attention = marketer.get(reverse(HOME)).context["attention"]
    assert [(item.tone, item.text) for item in attention] == [
        ("bad", "100 % of today's attempts were refused"),
        ("bad", "Export failed: The disk is full."),
        ("warn", "Import “crm.csv” left out 12 rows"),
        ("", "“SCARCE” has 1 use left of 10"),
        ("", "“SOON” ends in 2 days"),
    ]


@pytest.mark.django_db
def test_viewers_are_offered_no_buttons_they_cannot_press(sign_in, project):
    make_segment(project=project)
    page = sign_in("viewer").get(reverse(HOME)).content.decode()
    assert reverse("dashboard:voucher-new") not in page
    assert reverse("dashboard:import-new") not in page


@pytest.mark.parametrize(
    ("most", "top", "step"),
    [(0, 1, 1), (1, 1, 1), (5, 5, 1), (6, 6, 2), (10, 10, 2), (11, 15, 5), (437, 500, 100), (1001, 1500, 500)],
)
def test_scales_have_round_steps_and_at_most_five_lines(most, top, step):
    assert charts.ceiling(most) == (top, step)
    assert top >= most
    assert top // step <= 5 or most > 5


def test_bars_stand_on_each_other_and_zero_is_nothing():
    days = [charts.Day(date(2026, 2, 1), (3, 1)), charts.Day(date(2026, 2, 2), (0, 0))]
    chart = charts.bars(days, ("succeeded", "refused"), width=200, height=100, marks=2, today=date(2026, 2, 2))
    first, second = chart.stacks
    lower, upper = first.bars
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
    assert lower.y + lower.height == pytest.approx(chart.floor, abs=0.2)
    assert (first.words, second.words) == ("1 Feb: 3 succeeded, 1 refused", "2 Feb: 0 succeeded, 0 refused")
    assert (second.bars, second.today, first.today) == ((), True, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "ENQUEUED"}, ("wait", "Queued")),
        ({"status": "IN_PROGRESS"}, ("run", "Running")),
        ({"status": "DONE"}, ("ok", "Done")),
        ({"status": "FAILED"}, ("bad", "Failed")),
        ({"status": "FAILED", "stopped": True}, ("warn", "Stopped")),
    ],
)
def test_states_of_tasks(marketer, project, fields, state):
    action = make_action(project, **fields)
    assert tasks.state_of(action) == state
    page = marketer.get(reverse("dashboard:task", args=[action.public_id])).content.decode()
    assert state[1] in page


@pytest.mark.django_db
def test_progress_says_how_fast_and_how_long(project):
    action = make_action(
        project, status="IN_PROGRESS", rows_done=1000, rows_total=5000, started_at=NOW - timedelta(seconds=10)
    )
    context = tasks.progress_context(action, NOW)
    assert (context["percent"], context["rows"], context["speed"], context["left"], context["duration"]) == (
        *(20, "1,000 of 5,000", "100 rows/s", "about 40 s left", "10 s"),
    )


@pytest.mark.django_db
def test_a_task_nobody_takes_says_since_when_it_waits(project):
    action = make_action(project, status="ENQUEUED", created_at=NOW - timedelta(seconds=30))
    assert tasks.progress_context(action, NOW)["waiting_since"] == action.created_at


@pytest.mark.django_db
def test_stop_asks_the_task_to_end(marketer, sign_in, project):
    action = make_action(project, status="IN_PROGRESS")
    url = reverse("dashboard:task", args=[action.public_id])
    assert sign_in("viewer").post(url).status_code == 403
    assert marketer.post(url).status_code == 302
    action.refresh_from_db()
    assert action.stop_requested
