"""A name that nobody sent before, at a write: what one statement does equals what the general way does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from config.kernel.causes import INTERNAL
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.models import Delivery, Webhook
from customers import services as customers
from customers.models import Customer
from customers.payloads import CustomerData
from tests.factories import NOW, make_customer, make_project
from tracking.models import Event, EventCounter, TrackingIdentity
from tracking.services import events, identities, newcomers, recounts
from tracking.services.moving import Mover

pytestmark = pytest.mark.django_db

SENT = CustomerData(
    name="Nora", email="Nora@Example.com", address={"city": "Oslo", "line_1": None}, metadata={"tier": 2}
)
OWN = ("id", "public_id", "source_id", "project_id")


def resolve(project: Project, *, writes: bool = True, **given: str) -> identities.Identity:
    names = ("tracking_id", "source_id", "customer_id", "cookie")
    return identities.resolve(
        project=project, at=NOW, anonymous=True, writes=writes, **{**dict.fromkeys(names), **given}
    )


def write(project: Project, identity: identities.Identity, data: CustomerData | None = SENT) -> Customer:
    customer, claim = identities.write_customer(project=project, identity=identity, data=data, at=NOW)
    assert customer is not None
    assert claim == identities.Claim()
    return customer


def row_of(customer: Customer) -> dict[str, object]:
    return {key: value for key, value in Customer.objects.filter(pk=customer.pk).values()[0].items() if key not in OWN}


def test_a_newcomer_is_stored_as_the_general_way_stores_one():
    one, other = make_project("One"), make_project("Other")
    new = write(one, resolve(one, source_id="nora"))
    general = write(other, resolve(other, writes=False, source_id="nora"))
    assert row_of(new) == row_of(general)
    assert new.city == "Oslo"
    assert [new.source_id, general.source_id] == ["nora", "nora"]
    told = {event.customer_id: event for event in Event.objects.filter(type="customer.created")}
    strip = {"id": "", "object": "customer"}
    assert told[new.pk].data["customer"] | strip == told[general.pk].data["customer"] | strip
    bound = TrackingIdentity.objects.filter(token__in=[hmac_of(one, "nora"), hmac_of(other, "nora")])
    assert {row.project_id: row.customer_id for row in bound} == {one.pk: new.pk, other.pk: general.pk}


def hmac_of(project: Project, source_id: str) -> str:
    return str(resolve(project, writes=False, source_id=source_id).token)


def test_one_statement_writes_profile_token_and_event(django_assert_num_queries):
    project = make_project()
    write(project, resolve(project, source_id="ned"))  # schemas and webhooks of the project are remembered from now on
    identity = resolve(project, source_id="nora")
    assert identity.fresh
    assert TrackingIdentity.objects.count() == 1
    with django_assert_num_queries(1):
        write(project, identity)
    assert resolve(project, source_id="nora").settled == {identity.token}


def test_an_anonymous_newcomer_goes_by_the_token():
    project = make_project()
    identity = resolve(project)
    customer = write(project, identity, None)
    assert customer.source_id == identity.token
    assert [(row.token, row.source_id) for row in TrackingIdentity.objects.all()] == [(identity.token, None)]


def test_webhooks_are_told_of_a_newcomer():
    project = make_project()
    Webhook.objects.create(
        project=project, target_url="https://hooks.example/", events=["customer.created"], created_at=NOW
    )
    outbox.forget(project)
    customer = write(project, resolve(project, source_id="nora"))
    delivery = Delivery.objects.get()
    assert (delivery.type, delivery.customer_id) == ("customer.created", customer.pk)


def test_somebody_elses_customer_stays_and_is_what_the_write_names():
    project = make_project()
    identity = resolve(project, source_id="nora")
    first = make_customer(project=project, source_id="nora", name="Nora I")
    written, bound = newcomers.enter(
        project=project, token=str(identity.token), source_id="nora", said=SENT, at=NOW, cause=INTERNAL
    )
    assert (written, bound) == (None, None)
    assert Customer.objects.count() == 1
    assert not TrackingIdentity.objects.exists()
    assert not Event.objects.exists()
    customer, _ = identities.write_customer(project=project, identity=identity, data=CustomerData(phone="1"), at=NOW)
    assert (customer.pk, customer.name, customer.phone) == (first.pk, "Nora I", "1")
    assert resolve(project, source_id="nora").settled == {identity.token}


def test_a_token_that_was_stored_meanwhile_is_bound_all_the_same():
    project = make_project()
    identity = resolve(project, source_id="nora")
    resolve(project, writes=False, source_id="nora")
    customer, _ = identities.write_customer(project=project, identity=identity, data=SENT, at=NOW)
    assert TrackingIdentity.objects.get().customer_id == customer.pk
    assert Event.objects.filter(type="customer.created").count() == 1


def test_a_refusal_keeps_the_token_alone():
    project = make_project()
    identity = resolve(project, source_id="nora")
    identities.keep(project=project, identity=identity, at=NOW)
    assert [row.token for row in TrackingIdentity.objects.all()] == [identity.token]
    assert not resolve(project, source_id="nora").fresh


def test_whoever_shows_another_token_too_is_no_newcomer():
    project = make_project()
    visitor = resolve(project, writes=False)
    assert not resolve(project, source_id="nora", cookie=str(visitor.token)).fresh


def test_a_profile_that_says_nothing_new_costs_no_statement(django_assert_num_queries):
    project = make_project()
    write(project, resolve(project, source_id="nora"))
    identity = resolve(project, source_id="nora")
    with django_assert_num_queries(0):
        write(project, identity)
    changed = write(project, identity, replace(SENT, name="Nora II"))
    assert customers.find(project=project, identifier="nora").name == changed.name == "Nora II"


def seen(project: Project) -> str:
    """A name that validated before anything was written of it; returns its token."""
    token = str(resolve(project, writes=False, source_id="nora").token)
    for number in range(3):
        events.record(
            project=project, type=events.CUSTOM_EVENT, name="looked" if number else "came", token=token,
            at=NOW + timedelta(minutes=number), data={},
        )  # fmt: skip
    events.record(project=project, type="customer.validation.succeeded", token=token, at=NOW, data={})
    return token


def history_of(customer: Customer) -> tuple[object, ...]:
    told = Event.objects.filter(customer=customer).order_by("created_at", "type", "name")
    counted = EventCounter.objects.filter(customer=customer).order_by("name")
    return (
        list(told.values_list("type", "name", "token", "created_at")),
        list(counted.values_list("name", "count", "first_at", "last_at")),
        list(TrackingIdentity.objects.filter(customer=customer).values_list("source_id", "alias_of")),
    )


def test_who_was_seen_before_takes_the_history_along_as_on_the_general_way(django_assert_num_queries) -> None:
    one, other = make_project("One"), make_project("Other")
    write(one, resolve(one, source_id="ned"))  # schemas and webhooks of the project are remembered from now on
    token = seen(one)
    seen(other)
    identity = resolve(one, source_id="nora")
    assert (identity.token, identity.fresh, identity.unbound is not None) == (token, False, True)
    with django_assert_num_queries(1):
        new, claim = identities.write_customer(project=one, identity=identity, data=SENT, at=NOW)
    general = resolve(other, writes=False, source_id="nora")
    old, claimed = identities.write_customer(project=other, identity=general, data=SENT, at=NOW)
    assert new is not None and old is not None
    assert claim == claimed == identities.Claim(4)
    assert history_of(new) == history_of(old)
    assert [name for name, *_ in history_of(new)[1]] == ["came", "looked"]
    assert list(recounts.differences(project=one, at=NOW, fix=False)) == []


def test_an_anonymous_visitor_becomes_a_customer_with_the_history() -> None:
    project = make_project()
    token = str(resolve(project, writes=False).token)
    events.record(project=project, type=events.CUSTOM_EVENT, name="looked", token=token, at=NOW, data={})
    identity = resolve(project, cookie=token)
    assert identity.unbound is not None
    customer, claim = identities.write_customer(project=project, identity=identity, data=None, at=NOW)
    assert customer is not None and customer.source_id == token
    assert claim.moved == 1
    assert EventCounter.objects.get().count == 1


def test_a_token_bound_meanwhile_keeps_its_history_where_it_is() -> None:
    project = make_project()
    token = seen(project)
    identity = resolve(project, source_id="nora")
    stranger = make_customer(project=project, source_id="stranger")
    TrackingIdentity.objects.filter(token=token).update(customer=stranger)
    customer, claim = identities.write_customer(project=project, identity=identity, data=SENT, at=NOW)
    assert customer is not None and customer.source_id == "nora"
    assert claim == identities.Claim(0, (token,))
    assert not Event.objects.filter(customer=stranger).exists()


def test_what_higher_apps_recorded_is_moved_only_where_something_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[str, object]] = []

    def move(project: Project, token: str, customer: Customer, since: object) -> int:
        moved.append((token, since))
        return 5

    nothing = Mover(lambda *given: pytest.fail("nothing waits"), "%s::bigint + length(%s) < 0")
    something = Mover(move, "%s::bigint > 0 AND %s <> ''")
    monkeypatch.setattr(newcomers, "movers", [nothing, something])
    project = make_project()
    token = seen(project)
    _, claim = identities.write_customer(
        project=project, identity=resolve(project, source_id="nora"), data=None, at=NOW
    )
    assert moved == [(token, NOW)]
    assert claim.moved == 9
