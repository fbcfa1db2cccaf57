from dataclasses import replace
from datetime import timedelta

import pytest

from config.kernel.errors import InvalidPayload, NotFound
from customers import services as customers
from customers.models import Customer
from customers.payloads import CustomerData
from tests.factories import NOW, make_customer, make_project
from tracking import tokens
from tracking.errors import AmbiguousTrackingId
from tracking.models import EventCounter, TrackingIdentity
from tracking.services import events, identities
from tracking.services.moving import Mover

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=3)


def resolve(project, *, at=NOW, anonymous=True, **given):
    names = ("tracking_id", "source_id", "customer_id", "cookie")
    return identities.resolve(project=project, at=at, anonymous=anonymous, **dict.fromkeys(names) | given)


def hmac(identity):
    return tokens.for_identity("tracking", identity)


def rows():
    fields = ("token", "source_id", "customer__source_id", "alias_of__token")
    return {row[0]: row[1:] for row in TrackingIdentity.objects.values_list(*fields)}


def test_nobody_gets_an_anonymous_token_that_is_stored():
    visitor = resolve(make_project())
    assert visitor.anonymous and not visitor.named
    assert visitor.source_id == visitor.token
    assert rows() == {visitor.token: (None, None, None)}


def test_nobody_stays_nobody_where_no_token_is_wanted():
    assert resolve(make_project(), anonymous=False) == identities.Identity()
    assert rows() == {}


def test_a_raw_identity_has_one_token_however_often_and_wherever_it_is_sent():
    project = make_project()
    for given in ({"tracking_id": "nora@example.com"}, {"source_id": "nora@example.com"},
                  {"shortcut": "nora@example.com"}, {"tracking_id": hmac("nora@example.com")},
                  {"cookie": hmac("nora@example.com")}):  # fmt: skip
        found = resolve(project, **given)
        assert (found.token, found.source_id, found.customer) == (hmac("nora@example.com"), "nora@example.com", None)
        assert found.named
    assert rows() == {hmac("nora@example.com"): ("nora@example.com", None, None)}


def test_the_cookie_and_the_tracking_id_keep_an_anonymous_visitor():
    project = make_project()
    token = resolve(project).token
    for given in ({"cookie": token}, {"tracking_id": token}, {"source_id": token}):
        found = resolve(project, **given)
        assert (found.token, found.source_id, found.visitor) == (token, token, (token,))
    assert not resolve(project, cookie=token).named
    assert resolve(project, tracking_id=token).named
    assert len(rows()) == 1


def test_precedence_is_customer_id_source_id_tracking_id_cookie():
    project = make_project()
    by_id, by_source = make_customer(project=project), make_customer(project=project)
    cookie = resolve(project, tracking_id="from-cookie").token
    given = {
        "customer_id": by_id.public_id, "source_id": by_source.source_id, "tracking_id": "t", "cookie": cookie,
    }  # fmt: skip
    assert resolve(project, **given).customer == by_id
    del given["customer_id"]
    assert resolve(project, **given).customer == by_source
    del given["source_id"]
    assert resolve(project, **given).source_id == "t"
    del given["tracking_id"]
    assert resolve(project, **given).source_id == "from-cookie"


def test_the_shortcut_is_a_customer_id_first():
    customer = make_customer()
    assert resolve(customer.project, shortcut=customer.public_id).customer == customer
    assert resolve(customer.project, shortcut=customer.source_id).customer == customer
    assert resolve(customer.project, shortcut="cust_unknown").source_id == "cust_unknown"


@pytest.mark.parametrize("ours", [False, True])
def test_a_token_that_this_project_never_issued_resolves_to_nobody(ours):
    project, other = make_project(), make_project("Other")
    make_customer(project=other, source_id="nora@example.com")
    forged = tokens.anonymous() if ours else resolve(other, tracking_id="nora@example.com").token
    found = resolve(project, tracking_id=forged)
    assert found.customer is None
    assert (found.token, found.source_id) == (hmac(forged), forged)
    by_cookie = resolve(project, cookie=forged)
    assert by_cookie.anonymous and not by_cookie.named and by_cookie.token != forged


def test_an_unknown_customer_id_is_not_found_in_writes_and_passed_over_in_validations():
    project = make_project()
    with pytest.raises(NotFound) as refused:
        resolve(project, customer_id="cust_unknown", must_exist=True)
    assert refused.value.details == "Cannot find customer with id cust_unknown"
    assert rows() == {}
    found = resolve(project, customer_id="cust_unknown")
    assert found.named and found.customer is None


def test_a_tracking_id_that_is_not_one_of_the_customers_is_ambiguous():
    customer = make_customer(source_id="crm-5")
    project = customer.project
    own = resolve(project, source_id="crm-5").token
    for tracking_id in ("crm-5", own, own.replace("+", " "), customer.public_id):
        assert resolve(project, customer_id=customer.public_id, tracking_id=tracking_id).token == own
    before = rows()
    for tracking_id in ("crm-6", tokens.anonymous()):
        with pytest.raises(AmbiguousTrackingId) as refused:
            resolve(project, customer_id=customer.public_id, tracking_id=tracking_id)
        assert refused.value.message == f"Ambiguous trackingId ('{own}' vs. '{tracking_id}')"
        resolve(project, customer_id=customer.public_id, source_id="crm-5", tracking_id=tracking_id)
    assert rows() == before


def test_another_identity_than_the_cookies_wins_unless_tracking_is_strict():
    project = make_project()
    cookie = resolve(project, tracking_id="a").token
    assert resolve(project, tracking_id="b", cookie=cookie).token == hmac("b")
    assert rows()[cookie] == ("a", None, None)
    project.strict_tracking = True
    with pytest.raises(AmbiguousTrackingId):
        resolve(project, tracking_id="b", cookie=cookie)
    assert resolve(project, tracking_id="a", cookie=cookie).token == cookie


def test_a_customer_without_source_id_has_a_token_of_its_own_too():
    customer = make_customer(source_id=None)
    found = resolve(customer.project, customer_id=customer.public_id)
    assert (found.token, found.source_id) == (hmac(customer.public_id), None)
    again = resolve(customer.project, tracking_id=found.token)
    assert (again.token, again.customer) == (found.token, customer)


def test_a_deleted_customer_is_nobody_any_more():
    customer = make_customer(source_id="crm-1")
    token = resolve(customer.project, source_id="crm-1").token
    Customer.objects.update(deleted_at=NOW)
    found = resolve(customer.project, tracking_id=token)
    assert (found.customer, found.source_id) == (None, "crm-1")
    meant = identities.meant_by(customer.project, token)
    assert meant is not None and (meant.customer, meant.source_id) == (None, "crm-1")


@pytest.mark.parametrize("value", ["a" * 501, "a\0b", "a\ud800"])
def test_what_cannot_be_stored_is_refused_and_a_cookie_like_it_ignored(value):
    project = make_project()
    with pytest.raises(InvalidPayload):
        resolve(project, tracking_id=value)
    assert resolve(project, cookie=value).anonymous


def test_last_seen_moves_at_most_once_an_hour(django_assert_num_queries):
    project = make_project()
    token = resolve(project, tracking_id="a").token
    with django_assert_num_queries(1):
        resolve(project, tracking_id="a", at=NOW + timedelta(minutes=30))
    resolve(project, tracking_id="a", at=LATER)
    assert TrackingIdentity.objects.get(token=token).last_seen_at == LATER


def test_a_stored_customer_costs_no_more_and_a_settled_one_no_lock(django_assert_num_queries):
    project = make_project()
    visitor = resolve(project)
    write(project, visitor)
    write(project, resolve(project, source_id="nora", cookie=visitor.token))
    with django_assert_num_queries(1):
        found = resolve(project, source_id="nora", cookie=visitor.token, tracking_id=visitor.token)
    with django_assert_num_queries(0):
        identities.claim(project=project, identity=found, customer=found.customer, at=LATER)


# Binding and merging


def act(project, token, at=NOW):
    events.record(project=project, type=events.CUSTOM_EVENT, name="visited", token=token, at=at, data={})


def write(project, identity, at=LATER):
    return identities.write_customer(project=project, identity=identity, data=None, at=at)


def test_a_validation_binds_and_moves_nothing():
    project = make_project()
    token = resolve(project).token
    act(project, token)
    found = resolve(project, tracking_id="nora", cookie=token)
    assert (found.token, found.visitor) == (hmac("nora"), (token,))
    assert rows() == {hmac("nora"): ("nora", None, None), token: (None, None, hmac("nora"))}
    assert len(events.timeline_of_token(project=project, token=token, limit=9)[0]) == 1
    assert resolve(project, tracking_id=token).source_id == "nora"


def test_a_bound_token_is_not_bound_to_somebody_else():
    project = make_project()
    token = resolve(project).token
    resolve(project, tracking_id="nora", cookie=token)
    resolve(project, tracking_id="emil", cookie=token)
    assert rows()[token] == (None, None, hmac("nora"))


def test_the_first_write_of_a_visitor_makes_the_token_the_source_id_and_keeps_it():
    project = make_project()
    visitor = resolve(project)
    act(project, visitor.token)
    customer, claim = write(project, visitor)
    assert customer.source_id == visitor.token
    assert claim == identities.Claim(moved=1)
    again = resolve(project, cookie=visitor.token)
    assert (again.token, again.customer, again.named) == (visitor.token, customer, True)
    assert EventCounter.objects.get(customer=customer).count == 1


@pytest.mark.parametrize("shown_as", ["cookie", "tracking_id"])
def test_the_first_write_that_names_both_moves_the_history_once(shown_as):
    project = make_project()
    token = resolve(project).token
    act(project, token)
    named = resolve(project, source_id="nora", **{shown_as: token})
    customer, claim = write(project, named)
    assert claim.moved == 1
    assert rows() == {hmac("nora"): ("nora", "nora", None), token: (None, "nora", hmac("nora"))}
    assert write(project, resolve(project, source_id="nora", cookie=token)) == (customer, identities.Claim())
    assert EventCounter.objects.get(customer=customer).count == 1
    assert resolve(project, tracking_id=token).customer == customer


def test_a_write_that_names_only_the_customer_moves_nothing():
    project = make_project()
    token = resolve(project).token
    act(project, token)
    resolve(project, tracking_id="nora", cookie=token)
    assert write(project, resolve(project, source_id="nora"))[1].moved == 0


def test_the_bound_token_alone_is_enough_for_a_write():
    project = make_project()
    token = resolve(project).token
    act(project, token)
    resolve(project, tracking_id="nora", cookie=token)
    customer, claim = write(project, resolve(project, source_id=token))
    assert (customer.source_id, claim.moved) == ("nora", 1)


def test_what_a_named_identity_did_before_it_was_stored_is_its_customers_too():
    project = make_project()
    token = resolve(project, tracking_id="nora").token
    act(project, token)
    nora = make_customer(project=project, source_id="nora")
    assert write(project, resolve(project, customer_id=nora.public_id)) == (nora, identities.Claim(moved=1))
    assert write(project, resolve(project, source_id="nora")) == (nora, identities.Claim())


def test_a_visitors_own_profile_is_upgraded_where_the_named_one_does_not_exist():
    project = make_project()
    visitor = resolve(project)
    own, _ = write(project, visitor)
    named = resolve(project, source_id="nora", cookie=visitor.token)
    assert named.customer is None
    customer, _ = write(project, named)
    assert customer == own
    own.refresh_from_db()
    assert (own.source_id, own.updated_at, own.version) == ("nora", LATER, 2)
    assert Customer.objects.count() == 1
    for given in (visitor.token, hmac("nora"), "nora"):
        found = resolve(project, tracking_id=given)
        assert (found.customer, found.token) == (own, hmac("nora"))


def test_two_real_profiles_are_never_joined():
    project = make_project()
    visitor = resolve(project)
    own, _ = write(project, visitor)
    act(project, visitor.token, at=LATER)
    nora = make_customer(project=project, source_id="nora")
    customer, claim = write(project, resolve(project, source_id="nora", cookie=visitor.token))
    assert customer == nora
    assert claim == identities.Claim(moved=0, kept_apart=(visitor.token,))
    assert rows()[visitor.token] == (None, visitor.token, None)
    assert resolve(project, cookie=visitor.token).customer == own


def test_a_named_customer_made_meanwhile_wins_over_the_upgrade():
    project = make_project()
    visitor = resolve(project)
    own, _ = write(project, visitor)
    named = resolve(project, source_id="nora", cookie=visitor.token)
    nora = make_customer(project=project, source_id="nora")
    assert identities.upgrade(project=project, identity=named, at=LATER) == replace(named, customer=nora)
    own.refresh_from_db()
    assert own.source_id == visitor.token


def test_higher_apps_move_their_rows_with_the_history(monkeypatch):
    moved = []

    def note(project, token, customer, since):
        moved.append((token, customer.pk, since))
        return 2

    monkeypatch.setattr(identities, "movers", [Mover(note, "true")])
    project = make_project()
    visitor = resolve(project)
    customer, claim = write(project, visitor)
    assert moved == [(visitor.token, customer.pk, NOW)]
    assert claim.moved == 2


def test_a_merge_of_a_thousand_actions_takes_few_statements(django_assert_max_num_queries):
    customer = make_customer()
    project = customer.project
    token = resolve(project).token
    events.record_many(
        project=project,
        events=[
            events.NewEvent(
                type=events.CUSTOM_EVENT, name=f"e{n % 10}", token=token, at=NOW + timedelta(seconds=n), data={}
            )
            for n in range(1000)
        ],
    )  # fmt: skip
    named = resolve(project, customer_id=customer.public_id, cookie=token)
    with django_assert_max_num_queries(14):
        assert identities.claim(project=project, identity=named, customer=customer, at=LATER).moved == 1000
    assert set(EventCounter.objects.values_list("count", flat=True)) == {100}


def test_a_write_stores_the_profile_that_was_sent_and_fills_the_visitors_own():
    project = make_project()
    visitor = resolve(project)
    said = CustomerData(name="Nora", email="n@x.example", metadata={"a": 1, "b": 1})
    own, _ = identities.write_customer(project=project, identity=visitor, data=said, at=NOW)
    named = resolve(project, source_id="nora", cookie=visitor.token)
    said = CustomerData(source_id="nora", name="Nora Lind", metadata={"b": 2})
    customer, _ = identities.write_customer(project=project, identity=named, data=said, at=LATER)
    assert customer == own
    assert (customer.source_id, customer.name, customer.email) == ("nora", "Nora Lind", "n@x.example")
    assert customer.metadata == {"a": 1, "b": 2}


def test_a_protected_customer_stays_as_it_is_and_a_new_one_is_stored():
    nora = make_customer(source_id="nora", name="Nora")
    said = CustomerData(name="Mallory")
    for source_id, name in (("nora", "Nora"), ("new", "Mallory")):
        identity = resolve(nora.project, source_id=source_id)
        customer, _ = identities.write_customer(
            project=nora.project, identity=identity, data=said, at=LATER, protect=True
        )
        assert (customer.source_id, customer.name) == (source_id, name)


def test_a_write_about_nobody_stores_nobody_unless_a_profile_was_sent():
    project = make_project()
    nobody = resolve(project, anonymous=False)
    assert identities.write_customer(project=project, identity=nobody, data=None, at=NOW) == (None, identities.Claim())
    said = CustomerData(name="Nora")
    customer, _ = identities.write_customer(project=project, identity=nobody, data=said, at=NOW)
    assert (customer.name, customer.source_id) == ("Nora", None)


def test_customers_are_found_and_upserted_by_token():
    nora = make_customer(source_id="nora")
    project = nora.project
    token = resolve(project, source_id="nora").token
    unknown = resolve(project, source_id="emil").token
    assert customers.find(project=project, identifier=token) == nora
    with pytest.raises(NotFound):
        customers.find(project=project, identifier=unknown)
    assert customers.upsert(project=project, data=CustomerData(source_id=token, name="N"), at=NOW) == nora
    assert customers.upsert(project=project, data=CustomerData(source_id=unknown), at=NOW).source_id == "emil"
