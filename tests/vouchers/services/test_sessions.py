"""Sessions: what they hold, against whom, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import DomainError, NotFound
from config.project.models import Project
from tests.factories import make_customer, make_project, make_voucher
from tests.vouchers.services.test_redemptions import AT, redeem
from tracking.models import Event
from tracking.services import identities
from vouchers.errors import InvalidCustomer, VoucherRefused
from vouchers.models import Redemption, SessionLock, Voucher
from vouchers.payloads import parse_stackable
from vouchers.services import sessions, validations
from vouchers.services.channels import Channel
from vouchers.services.validations import Validation

pytestmark = pytest.mark.django_db
BROWSER = Channel("API", "app-1", "v-1", {"channel": "CLIENT_API"})


def lock(
    *codes: Any, key: str | None = None, at: Any = AT, project: Project | None = None, channel: Channel | None = None,
    ttl: int = 7, unit: str = "DAYS", **body: Any,
) -> Validation:  # fmt: skip
    redeemables = [code if isinstance(code, dict) else {"object": "voucher", "id": code} for code in codes]
    session = {"type": "LOCK", "ttl": ttl, "ttl_unit": unit, **({"key": key} if key else {})}
    request = parse_stackable({"redeemables": redeemables, "session": session, **body}, anonymous=channel is BROWSER)
    return validations.validate(project=project or make_project(), request=request, at=at, channel=channel)


def why_not(done: Validation) -> str:
    return done.stack.outcomes[0].refusals[0].key


def refusal(code: Any, **body: Any) -> str:
    with pytest.raises(DomainError) as refused:
        redeem(code, **body)
    return refused.value.key


def test_a_validation_in_a_session_holds_one_use() -> None:
    voucher = make_voucher(code="ONCE", quantity=1)
    done = lock("ONCE", customer={"source_id": "c-1"})
    row = SessionLock.objects.get()
    assert done.session is not None
    assert done.session.wire() == {"key": row.key, "type": "LOCK", "ttl": 7, "ttl_unit": "DAYS"}
    assert row.key.startswith("ssn_")
    assert (row.voucher, row.quantity, row.credits, row.token) == (voucher, 1, None, done.identity.token)
    assert (row.created_at, row.expires_at) == (AT, AT + timedelta(days=7))
    assert Event.objects.get().data["validation"]["session_id"] == row.key
    voucher.refresh_from_db()
    assert (voucher.held_until, voucher.redeemed_quantity, voucher.updated_at) == (row.expires_at, 0, None)
    assert why_not(lock("ONCE", key="other")) == "quantity_exceeded"
    assert refusal("ONCE") == "quantity_exceeded"
    assert refusal("ONCE", session={"type": "LOCK", "key": "unknown"}) == "quantity_exceeded"
    assert SessionLock.objects.count() == 1


def test_a_validation_without_a_session_sees_what_others_hold() -> None:
    make_voucher(code="ONCE", quantity=1)
    lock("ONCE", key="k")
    request = parse_stackable({"redeemables": [{"object": "voucher", "id": "ONCE"}]})
    assert why_not(validations.validate(project=make_project(), request=request, at=AT)) == "quantity_exceeded"


def test_the_key_redeems_and_the_session_is_gone() -> None:
    make_voucher(code="ONCE", quantity=1)
    lock("ONCE", key="k")
    row = redeem("ONCE", session={"type": "LOCK", "key": "k"}).redemptions[0]
    assert (row.status, row.session_key, SessionLock.objects.count()) == ("SUCCEEDED", "k", 0)
    assert refusal("ONCE", session={"type": "LOCK", "key": "k"}) == "quantity_exceeded"


def test_a_refused_redemption_keeps_the_session() -> None:
    make_voucher(code="ONCE", quantity=1)
    make_voucher(code="OFF", active=False)
    lock("ONCE", key="k")
    with pytest.raises(VoucherRefused):
        redeem("ONCE", "OFF", session={"type": "LOCK", "key": "k"})
    assert SessionLock.objects.count() == 1


def test_as_many_sessions_as_uses() -> None:
    make_voucher(code="THRICE", quantity=3)
    for key in ("a", "b"):
        assert lock("THRICE", key=key).valid
    redeem("THRICE")
    assert why_not(lock("THRICE", key="c")) == "quantity_exceeded"
    make_voucher(code="MANY")
    for key in ("d", "e", "f"):
        assert lock("MANY", key=key).valid


def test_a_gift_card_holds_the_credits_that_would_be_used() -> None:
    make_voucher(code="GIFT", gift_amount=5000)
    gift = {"object": "voucher", "id": "GIFT", "gift": {"credits": 3000}}
    lock(gift, key="k", order={"amount": 9000})
    assert SessionLock.objects.get().credits == 3000
    assert why_not(lock(gift, key="l", order={"amount": 9000})) == "gift_amount_exceeded"
    rest = lock("GIFT", key="m", order={"amount": 9000})
    effect = rest.stack.outcomes[0].effect
    assert effect is not None and effect.credits == 2000
    assert refusal(gift, order={"amount": 9000}) == "gift_amount_exceeded"
    done = redeem(gift, order={"amount": 9000}, session={"type": "LOCK", "key": "k"})
    assert done.redemptions[0].amount == 3000


def test_the_same_key_again_takes_the_place_of_the_former_session() -> None:
    make_voucher(code="A", quantity=1)
    make_voucher(code="B", quantity=1)
    lock("A", "B", key="k", ttl=1)
    lock("B", key="k", ttl=2)
    row = SessionLock.objects.get()
    assert (row.voucher and row.voucher.code, row.expires_at) == ("B", AT + timedelta(days=2))
    assert redeem("A").redemptions[0].status == "SUCCEEDED"


def test_a_failed_validation_opens_nothing_and_keeps_the_former_session() -> None:
    make_voucher(code="A", quantity=1)
    make_voucher(code="OFF", active=False)
    lock("A", key="k")
    assert lock("OFF", key="k").session is None
    assert SessionLock.objects.get().voucher == Voucher.objects.get(code="A")


def test_a_session_that_is_over_holds_nothing_and_is_swept() -> None:
    make_voucher(code="ONCE", quantity=1)
    lock("ONCE", key="k", ttl=1, unit="HOURS")
    end = AT + timedelta(hours=1)
    assert why_not(lock("ONCE", key="l", at=end - timedelta(milliseconds=1))) == "quantity_exceeded"
    assert sessions.forget_expired(before=end - timedelta(milliseconds=1)) == 0
    assert lock("ONCE", key="l", at=end).valid
    assert sessions.forget_expired(before=end) == 1
    assert SessionLock.objects.get().key == "l"


def test_a_session_can_be_released_for_one_code() -> None:
    voucher = make_voucher(code="A", quantity=1)
    make_voucher(code="B", quantity=1)
    lock("A", "B", key="k")
    sessions.release(project=make_project(), voucher=voucher, key="k", at=AT)
    assert [row.voucher and row.voucher.code for row in SessionLock.objects.all()] == ["B"]
    with pytest.raises(NotFound) as missing:
        sessions.release(project=make_project(), voucher=voucher, key="k", at=AT)
    assert (missing.value.details, missing.value.resource_type) == ("Cannot find session with id k", "session")


def test_sessions_of_other_projects_are_others() -> None:
    other = make_project("Other")
    make_voucher(code="ONCE", quantity=1)
    make_voucher(code="ONCE", quantity=1, project=other)
    lock("ONCE", key="k")
    assert lock("ONCE", key="k", project=other).valid
    redeem("ONCE", session={"type": "LOCK", "key": "k"}, project=other)
    assert SessionLock.objects.get().project == make_project()


def secured() -> Project:
    project = make_project()
    project.secure_redemption = True
    project.save(update_fields=["secure_redemption"])
    return project


def test_secure_redemption_lets_only_those_redeem_who_validated_in_a_session() -> None:
    secured()
    make_voucher(code="TEN")
    lock("TEN", key="k", customer={"source_id": "ann"})
    voucher = Voucher.objects.get()
    for session in (None, {"type": "LOCK", "key": "k"}):
        assert refusal("TEN", customer={"source_id": "eve"}, session=session) == "invalid_customer"
    row = Redemption.objects.first()
    assert row is not None and (row.failure_code, row.voucher) == ("invalid_customer", voucher)
    assert redeem("TEN", customer={"source_id": "ann"}).redemptions[0].status == "SUCCEEDED"


def test_secure_redemption_lets_everybody_redeem_what_nobody_validated_in_a_session() -> None:
    secured()
    make_voucher(code="TEN")
    redeem("TEN", customer={"source_id": "eve"})


def test_without_secure_redemption_the_key_is_enough() -> None:
    make_voucher(code="TEN")
    lock("TEN", key="k", customer={"source_id": "ann"})
    redeem("TEN", customer={"source_id": "eve"}, session={"type": "LOCK", "key": "k"})


def test_a_browser_holds_a_code_once_and_cannot_use_the_sessions_of_others() -> None:
    make_voucher(code="MANY", quantity=10)
    first = lock("MANY", key="k", channel=BROWSER, tracking_id="ann")
    lock("MANY", key="l", channel=BROWSER, tracking_id="ann")
    assert [row.key for row in SessionLock.objects.all()] == ["l"]
    with pytest.raises(InvalidCustomer):
        lock("MANY", key="l", channel=BROWSER, tracking_id="eve")
    with pytest.raises(InvalidCustomer):
        lock("MANY", key="l", channel=BROWSER)
    assert SessionLock.objects.get().token == first.identity.token


def test_a_browsers_session_can_be_kept_short(settings: Any) -> None:
    settings.CLIENT_SESSION_MAX_TTL = 3600
    make_voucher(code="TEN")
    done = lock("TEN", channel=BROWSER, tracking_id="ann")
    assert done.session is not None and done.session.wire()["ttl"] == 3600
    assert SessionLock.objects.get().expires_at == AT + timedelta(hours=1)
    lock("TEN", customer={"source_id": "c"})
    assert SessionLock.objects.latest("pk").expires_at == AT + timedelta(days=7)


def test_a_validation_in_a_session_writes_a_customer_no_more_than_others() -> None:
    customer = make_customer(source_id="ann", name="Ann")
    make_voucher(code="TEN")
    lock("TEN", key="k", customer={"source_id": "ann", "name": "Eve"})
    customer.refresh_from_db()
    assert (customer.name, SessionLock.objects.get().customer) == ("Ann", customer)


@pytest.mark.parametrize("secure", [True, False])
def test_what_a_visitor_holds_is_the_customers_from_the_merge_on(secure: bool) -> None:
    """The shop's backend redeems by the customer alone: neither cookie nor tracking id of then."""
    project = secured() if secure else make_project()
    make_voucher(code="ONCE", quantity=1)
    nora = make_customer(source_id="nora")
    held = lock("ONCE", key="k", channel=BROWSER, project=project)
    token = held.identity.token
    assert refusal("ONCE", customer={"source_id": "nora"}) == ("invalid_customer" if secure else "quantity_exceeded")
    named = identities.resolve(
        project=project, tracking_id=None, source_id="nora", customer_id=None, cookie=token, at=AT, anonymous=False
    )
    assert identities.claim(project=project, identity=named, customer=nora, at=AT).moved >= 1
    assert SessionLock.objects.values_list("customer_id", "token").get() == (nora.pk, token)
    done = redeem("ONCE", customer={"source_id": "nora"}, session={"type": "LOCK", "key": "k"})
    assert done.redemptions[0].customer == nora
    assert not SessionLock.objects.exists()
