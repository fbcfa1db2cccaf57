"""The door: wrong passwords are bounded, sessions end, first passwords are changed (T22)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from config.api import limits
from config.dashboard import sessions
from config.kernel import instants
from config.project import accounts
from config.project.models import AuditEntry, User
from tests.factories import PASSWORD, make_member

pytestmark = pytest.mark.django_db
DOOR = "/dashboard/login/"
ANN = "ann@shop.example"


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    limits.refusals.clear()
    yield
    limits.refusals.clear()


@pytest.fixture
def ann(project):
    return make_member(project, "admin", ANN)


def knock(password="wrong", name=ANN, address="198.51.100.7", client=None):
    limits.refusals.clear()  # as another process, which knows the database only
    return (client or Client()).post(DOOR, {"username": name, "password": password}, REMOTE_ADDR=address)


@pytest.mark.parametrize("name", [ANN, "Ann@shop.example ", "eve@shop.example"])
def test_the_sixth_try_is_not_even_looked_at(ann, name):
    assert [knock(name=name).status_code for _ in range(5)] == [200] * 5
    refused = knock(PASSWORD, name=name)
    assert refused.status_code == 429
    assert "Too many failed tries. Try again in " in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 1800
    assert knock(PASSWORD, name=name, client=(client := Client())).status_code == 429
    assert client.get(reverse("dashboard:home")).status_code == 302


def test_known_and_unknown_people_are_answered_alike(ann):
    for name in (ANN, "eve@shop.example"):
        answers = [knock(name=name) for _ in range(6)]
        pages = {answer.content.decode().replace(name, "") for answer in answers[:5]}
        assert all("This e-mail and password do not match" in page for page in pages)
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_other_addresses_and_other_accounts_are_not_concerned(ann, project):
    make_member(project, "user", "bob@shop.example")
    for _ in range(6):
        knock()
    assert knock(PASSWORD, address="198.51.100.8").status_code == 302
    assert knock(PASSWORD, name="bob@shop.example").status_code == 302


def test_the_right_password_forgives(ann):
    for _ in range(3):
        assert [knock().status_code for _ in range(4)] == [200] * 4
        assert knock(PASSWORD).status_code == 302


def test_an_address_has_twenty_failures_an_hour_over_all_accounts(ann):
    statuses = [knock(name=f"guess{index}@shop.example").status_code for index in range(22)]
    assert statuses == [200] * 20 + [429] * 2
    assert knock(PASSWORD).status_code == 429


def test_the_pause_is_written_down_once(ann):
    for _ in range(8):
        knock()
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["user.sign_in_refused"] * 5 + ["user.sign_in_paused"]


def test_a_name_that_cannot_be_stored_is_refused_like_any_other(ann):
    assert knock(name="a\0b@shop.example").status_code == 200


def test_upkeep_keeps_windows_that_still_count():
    assert limits.longest_window() >= 3600


def test_signing_in_makes_a_new_session_and_signing_out_ends_it(ann):
    client = Client()
    client.get(DOOR)
    client.cookies["sessionid"] = "planted"
    assert knock(PASSWORD, client=client).status_code == 302
    key = client.cookies["sessionid"].value
    assert key != "planted"
    assert client.get(reverse("dashboard:home")).status_code == 200
    client.post(reverse("dashboard:logout"))
    thief = Client()
    thief.cookies["sessionid"] = key
    assert thief.get(reverse("dashboard:home")).status_code == 302


@pytest.mark.parametrize(
    ("later", "status"),
    [
        ({"hours": 11}, 200), ({"hours": 13}, 302), ({"hours": 1}, 200),
    ],
)  # fmt: skip
def test_twelve_hours_without_a_request_end_a_session(ann, monkeypatch, later, status):
    client = Client()
    knock(PASSWORD, client=client)
    at = instants.now() + timedelta(**later)
    monkeypatch.setattr(instants, "now", lambda: at)
    assert client.get(reverse("dashboard:home")).status_code == status


def test_a_session_in_use_ends_after_seven_days(ann, monkeypatch):
    client = Client()
    knock(PASSWORD, client=client)
    start, statuses = instants.now(), []
    for hours in range(10, 200, 10):
        monkeypatch.setattr(instants, "now", lambda at=start + timedelta(hours=hours): at)
        statuses.append(client.get(reverse("dashboard:profile")).status_code)
    assert statuses == [200] * 16 + [302] * 3


def test_a_page_does_not_write_the_session_each_time(ann, django_assert_num_queries):
    client = Client()
    knock(PASSWORD, client=client)
    key = client.session.session_key
    before = client.session[sessions.SEEN]
    client.get(reverse("dashboard:profile"))
    assert (client.session.session_key, client.session[sessions.SEEN]) == (key, before)


@pytest.mark.parametrize(
    ("address", "lands"), [("127.0.0.1", "dashboard:home"), ("198.51.100.7", "dashboard:password")]
)
def test_a_printed_password_is_changed_when_used_from_another_machine(ann, address, lands):
    accounts.note_printed_password(user=ann)
    client = Client()
    knock(PASSWORD, address=address, client=client)
    answer = client.get(reverse("dashboard:home"), follow=True)
    assert answer.request["PATH_INFO"] == reverse(lands)


def test_a_changed_password_is_no_printed_one(ann):
    accounts.note_printed_password(user=ann)
    client = Client()
    client.force_login(ann)
    fresh = "staple battery horse"
    typed = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    assert client.post(reverse("dashboard:password"), typed).status_code == 302
    knock(fresh, client=(other := Client()))
    assert other.get(reverse("dashboard:home")).status_code == 200


def test_operators_come_in_by_the_same_door(db):
    root = User.objects.create_superuser("root@shop.example", PASSWORD)
    client = Client()
    answer = client.get("/admin/", follow=True)
    assert answer.request["PATH_INFO"] == DOOR
    answer = client.post(DOOR, {"username": root.email, "password": PASSWORD, "next": "/admin/"}, follow=True)
    assert (answer.status_code, answer.request["PATH_INFO"]) == (200, "/admin/")
    User.objects.update(must_change_password=True)
    assert client.get("/admin/", follow=True).request["PATH_INFO"] in (reverse("dashboard:password"), "/dashboard/")


def test_people_who_are_no_operators_learn_so(ann):
    client = Client()
    client.force_login(ann)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "For operators only" in answer.content.decode()


def test_a_call_of_the_api_does_not_look_at_the_session(ann, django_assert_num_queries):
    client = Client()
    knock(PASSWORD, client=client)
    with django_assert_num_queries(0):
        assert client.get("/v1/customers").status_code == 401
