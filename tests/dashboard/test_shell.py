"""Who gets in, what each role sees, and what the page says when something is wrong."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, OperationalError
from django.test import Client
from django.urls import reverse

from config.dashboard import base, home
from config.project.models import User
from config.project.permissions import Permission, may
from tests.factories import PASSWORD, make_member, make_project

pytestmark = pytest.mark.django_db


class Failure(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


def break_with(monkeypatch, error: Exception, sqlstate: str | None) -> None:
    def get(self, request):
        raise error from Failure(sqlstate)

    monkeypatch.setattr(home.Overview, "get", get)


def test_strangers_are_sent_to_the_door_and_back(client, project):
    address = reverse("dashboard:home")
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('dashboard:login')}?next={address}")

    make_member(project, email="ann@shop.example")
    answer = client.post(answer["Location"], {"username": "Ann@Shop.example", "password": PASSWORD, "next": address})
    assert (answer.status_code, answer["Location"]) == (302, address)


def test_the_door_says_the_same_for_unknown_people_and_wrong_passwords(client, project):
    make_member(project, email="ann@shop.example")
    pages = [
        client.post(reverse("dashboard:login"), {"username": name, "password": "wrong"}).content.decode()
        for name in ("ann@shop.example", "eve@shop.example")
    ]
    assert all("This e-mail and password do not match" in page for page in pages)


def test_people_without_a_project_learn_why(client, db):
    client.force_login(User.objects.create_user("new@shop.example", PASSWORD))
    answer = client.get(reverse("dashboard:home"))
    assert answer.status_code == 403
    assert "Ask an admin to add you to a project" in answer.content.decode()


def test_a_role_that_may_not_is_told_which_permission_is_missing(sign_in):
    answer = sign_in("merchant").get(reverse("dashboard:customers"))
    assert answer.status_code == 403
    assert "This needs the permission to see customers. Your role here is Merchant." in answer.content.decode()


ADMINS = {Permission.MANAGE_PROJECT, Permission.MANAGE_MEMBERS, Permission.SEE_AUDIT, Permission.ERASE_CUSTOMERS}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", set(Permission)),
        ("user", set(Permission) - ADMINS),
        ("merchant", {Permission.USE_DASHBOARD, Permission.CHECK_CODES, Permission.SEE_REDEMPTIONS}),
        ("stranger", set()),
    ],
)
def test_roles_open_what_the_table_says(role, allowed):
    assert {permission for permission in Permission if may(role, permission)} == allowed


def test_viewers_change_nothing():
    assert not any(may("viewer", permission) for permission in Permission if not permission.value.startswith(READING))


READING = ("see", "check", "export", "use")


def test_unknown_addresses_are_a_page_inside_the_shell(marketer):
    answer = marketer.get("/dashboard/nowhere/")
    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()


@pytest.mark.parametrize(
    ("error", "sqlstate", "status", "sentence"),
    [
        (OperationalError("x"), "57014", 503, "This took too long"),
        (OperationalError("x"), None, 503, "The database is not answering"),
        (OperationalError("x"), "08006", 503, "The database is not answering"),
        (OperationalError("x"), "53300", 503, "The database is not answering"),
        (DataError("x"), None, 400, "This address cannot be read"),
        (IntegrityError("x"), "23503", 409, "Somebody else was faster"),
    ],
)
def test_a_database_error_is_a_state_of_the_page(marketer, monkeypatch, error, sqlstate, status, sentence):
    break_with(monkeypatch, error, sqlstate)
    answer = marketer.get(reverse("dashboard:home"))
    assert answer.status_code == status
    assert sentence in answer.content.decode()


def test_a_fault_of_ours_is_not_dressed_up_as_a_state(marketer, monkeypatch):
    break_with(monkeypatch, OperationalError("x"), "42703")
    with pytest.raises(OperationalError):
        marketer.get(reverse("dashboard:home"))


def test_reading_statements_are_bounded(marketer, monkeypatch):
    seen = []

    def get(self, request):
        with base.connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            seen.append(cursor.fetchone()[0])
        return self.render()

    monkeypatch.setattr(home.Overview, "get", get)
    marketer.get(reverse("dashboard:home"))
    assert seen == ["5s"]


def test_members_of_two_projects_keep_the_one_they_chose(project, client):
    user = make_member(project)
    other, foreign = make_project("Other"), make_project("Foreign")
    make_member(other, email="other@shop.example").memberships.update(user=user)
    client.force_login(user)
    for wanted, shown in ((other, other), (foreign, other), (project, project)):
        client.post(reverse("dashboard:project"), {"project": wanted.public_id})
        assert client.get(reverse("dashboard:home")).context["project"] == shown


def test_superusers_are_admins_of_every_project(client, project):
    make_project("Other")
    client.force_login(User.objects.create_superuser("root@shop.example", PASSWORD))
    context = client.get(reverse("dashboard:home")).context
    assert ([row.name for row in context["projects"]], context["member"].role) == (["Shop", "Other"], "admin")


def test_every_page_carries_the_policy(marketer):
    policy = marketer.get(reverse("dashboard:home"))["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy


def test_a_fault_shows_a_page_with_the_id_of_the_request(marketer, monkeypatch):
    break_with(monkeypatch, ValueError("x"), None)
    marketer.raise_request_exception = False
    answer = marketer.get(reverse("dashboard:home"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert answer["X-Request-Id"] in answer.content.decode()


@pytest.mark.parametrize(("path", "kind"), [("/admin/nowhere/", "text/html"), ("/v1/nowhere", "application/json")])
def test_nothing_here_is_said_to_people_and_to_programs(client, project, path, kind):
    client.force_login(User.objects.create_superuser("root@shop.example", PASSWORD))
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith(kind)


def test_the_address_alone_leads_to_the_dashboard(client):
    assert client.get("/")["Location"] == reverse("dashboard:home")


def test_a_form_without_its_token_is_refused_with_a_page(project):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(project))
    answer = client.post(reverse("dashboard:voucher-new"), {"kind": "PERCENT"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()
