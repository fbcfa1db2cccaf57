"""After any history counters equal facts, balances equal ledgers, and nothing is held or used twice (T15)."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel.errors import DomainError
from config.project.models import Project
from customers.models import Customer
from tests.factories import NOW, make_customer, make_project, make_voucher
from tracking.models import Order
from tracking.services import events, orders, recounts
from vouchers.models import Redemption, SessionLock, Voucher, VoucherTransaction
from vouchers.payloads import parse_stackable
from vouchers.publishing import parse_publish
from vouchers.services import balances, publications, redemptions, rollbacks, sessions, validations, vouchers

pytestmark = pytest.mark.django_db
PEOPLE = ("crm-1", "crm-2", "new", "track_unknown")
CODES = ("TEN", "ONCE", "GIFT", "HELD", "OFF", "NONE")
CARDS = ("GIFT", "HELD")
FIRST_CREDITS = {"GIFT": 3000, "HELD": 2500}
"""What the cards of the factory have without a line of their ledgers."""
KEYS = ("k-1", "k-2", "k-3")
AMOUNTS = (0, 1, 999, 2000, 10_000)

steps = st.one_of(
    st.tuples(
        st.just("redeem"),
        st.sampled_from(PEOPLE),
        st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True),
        st.sampled_from(AMOUNTS),
        st.sampled_from([None, 0, 1, 300, 9000]),
    ),
    st.tuples(
        st.just("order"),
        st.sampled_from(("crm-1", "crm-2", None)),
        st.sampled_from(("CREATED", "PAID", "FULFILLED", "CANCELED")),
        st.sampled_from(AMOUNTS),
    ),
    st.tuples(
        st.just("change"),
        st.integers(0, 5),
        st.sampled_from(("PAID", "FULFILLED", "CANCELED", None)),
        st.sampled_from((*AMOUNTS, None)),
    ),
    st.tuples(st.just("event"), st.sampled_from(("crm-1", "crm-2")), st.sampled_from(("seen", "bought"))),
    st.tuples(st.just("roll back"), st.integers(0, 9)),
    st.tuples(st.just("publish"), st.sampled_from(CARDS), st.sampled_from(("crm-1", "crm-2", "new"))),
    st.tuples(st.just("adjust"), st.sampled_from(CARDS), st.sampled_from((-500, 0, 700))),
    st.tuples(st.just("set"), st.sampled_from(CARDS), st.sampled_from((100, 4000))),
    st.tuples(st.just("bin"), st.sampled_from(CARDS), st.booleans()),
    st.tuples(
        st.just("lock"),
        st.sampled_from(KEYS),
        st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True),
        st.sampled_from([None, 300, 9000]),
        st.sampled_from([1, 5, 60]),
    ),
    st.tuples(st.just("redeem in session"), st.sampled_from(KEYS), st.sampled_from(CODES)),
    st.tuples(st.just("release"), st.sampled_from(KEYS), st.sampled_from(CODES)),
    st.tuples(st.just("sweep")),
)


@pytest.fixture
def project() -> Project:
    project = make_project()
    first, _ = (make_customer(project=project, source_id=source_id) for source_id in ("crm-1", "crm-2"))
    make_voucher(project=project, code="TEN")
    make_voucher(project=project, code="ONCE", quantity=1)
    make_voucher(project=project, code="GIFT", gift_amount=3000, discount=None)
    make_voucher(project=project, code="HELD", gift_amount=2500, discount=None, holder=first, publish_count=1)
    make_voucher(project=project, code="OFF", active=False)
    return project


def play(project: Project, step: tuple[Any, ...], at: Any) -> None:
    """One thing that happens; refusals are a part of life."""
    match step:
        case ("redeem", person, codes, amount, credits):
            gift = {} if credits is None else {"gift": {"credits": credits}}
            redeemables = [{"object": "voucher", "id": code, **(gift if code in CARDS else {})} for code in codes]
            body = {"redeemables": redeemables, "customer": {"source_id": person}, "order": {"amount": amount}}
            redemptions.redeem(project=project, request=parse_stackable(body), at=at)
        case ("order", person, status, amount):
            customer = Customer.objects.filter(source_id=person).first()
            orders.save_order(project=project, order={"amount": amount}, customer=customer, at=at, status=status)
        case ("change", index, status, amount):
            known = list(Order.objects.order_by("pk"))
            if known:
                order = {"id": known[index % len(known)].public_id, **({} if amount is None else {"amount": amount})}
                orders.save_order(project=project, order=order, customer=None, at=at, status=status)
        case ("event", person, name):
            customer = Customer.objects.get(source_id=person)
            events.record(project=project, type=events.CUSTOM_EVENT, name=name, customer=customer, at=at, data={})
        case ("roll back", index):
            known_rows = list(Redemption.objects.order_by("pk"))
            if known_rows:
                rollbacks.roll_back(project=project, redemption=known_rows[index % len(known_rows)], at=at)
        case ("publish" | "adjust" | "set" | "bin", code, _):
            play_card(project, step, vouchers.find(project=project, identifier=code), at)
        case _:
            play_session(project, step, at)


def play_card(project: Project, step: tuple[Any, ...], card: Voucher, at: Any) -> None:
    """What happens to a gift card besides being spent."""
    match step:
        case ("publish", code, person):
            request = parse_publish({"voucher": code, "customer": {"source_id": person}})
            publications.publish(project=project, request=request, at=at)
        case ("adjust", _, amount):
            balances.adjust(project=project, voucher=card, amount=amount, at=at)
        case ("set", _, amount):
            vouchers.update(project=project, voucher=card, data={"gift": {"amount": amount}}, at=at)
        case ("bin", _, force):
            vouchers.delete(project=project, voucher=card, at=at, force=force)


def play_session(project: Project, step: tuple[Any, ...], at: Any) -> None:
    """What holds, and what lets go."""
    match step:
        case ("lock", key, codes, credits, minutes):
            gift = {} if credits is None else {"gift": {"credits": credits}}
            body: dict[str, Any] = {
                "redeemables": [{"object": "voucher", "id": code, **gift} for code in codes],
                "order": {"amount": 2000},
                "session": {"type": "LOCK", "key": key, "ttl": minutes, "ttl_unit": "MINUTES"},
            }
            validations.validate(project=project, request=parse_stackable(body), at=at)
        case ("redeem in session", key, code):
            body = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 2000}}
            body["session"] = {"type": "LOCK", "key": key}
            redemptions.redeem(project=project, request=parse_stackable(body), at=at)
        case ("release", key, code):
            voucher = Voucher.objects.filter(code=code).first()
            if voucher is not None:
                sessions.release(project=project, voucher=voucher, key=key, at=at)
        case ("sweep",):
            sessions.forget_expired(before=at)


def assert_nothing_is_given_twice(at: Any) -> None:
    """Uses and credits are those of the redemptions in force; with what is held they never exceed what there is."""
    in_force = Redemption.objects.filter(kind="redemption", status="SUCCEEDED")
    for voucher in Voucher.objects.all():
        assert voucher.redeemed_quantity == in_force.filter(voucher=voucher).count()
        lines = VoucherTransaction.objects.filter(voucher=voucher)
        ledger = lines.aggregate(moved=Sum("amount"))["moved"] or 0
        spent = in_force.filter(voucher=voucher).aggregate(spent=Sum("amount"))["spent"] or 0
        assert voucher.redeemed_amount == spent
        assert voucher.gift_balance == FIRST_CREDITS.get(voucher.code, 0) + ledger
        locks = SessionLock.objects.filter(voucher=voucher, expires_at__gt=at)
        held = locks.aggregate(uses=Sum("quantity"), credits=Sum("credits"))
        if voucher.quantity is not None:
            assert voucher.redeemed_quantity + (held["uses"] or 0) <= voucher.quantity
        if voucher.type == Voucher.Type.GIFT:
            taken_back = voucher.gift_subtracted_amount
            assert voucher.redeemed_amount <= voucher.gift_amount - taken_back
            assert taken_back or voucher.redeemed_amount + (held["credits"] or 0) <= voucher.gift_amount
    for order in Order.objects.exclude(redemptions={}):
        whole = (order.discount_amount or 0) + (order.items_discount_amount or 0)
        assert (order.total_discount_amount or 0) == whole


def test_recounting_finds_no_difference_after_any_history(project: Project) -> None:
    seen: set[str] = set()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(history=st.lists(steps, max_size=20))
    def check(history: list[tuple[Any, ...]]) -> None:
        with transaction.atomic():
            for index, step in enumerate(history):
                with contextlib.suppress(DomainError):  # a refused attempt is recorded before it is raised
                    play(project, step, NOW + timedelta(minutes=index))
            seen.update(Redemption.objects.values_list("result", flat=True))
            seen.update(Redemption.objects.values_list("status", flat=True))
            seen.update({"HELD"} if SessionLock.objects.exists() else ())
            seen.update(f"cards {held}" for held in Customer.objects.values_list("gift_cards_held", flat=True))
            assert list(recounts.differences(project=project, at=NOW, fix=False)) == []
            assert_nothing_is_given_twice(NOW + timedelta(minutes=len(history)))
            transaction.set_rollback(True)

    check()
    assert seen >= {"SUCCESS", "FAILURE", "ROLLED_BACK", "HELD", "cards 0", "cards 1", "cards 2"}, (
        "histories in which nothing happens prove nothing"
    )
