"""Members and roles, one's own profile, and the change of projects."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from config.project import audit
from config.project.models import AuditEntry, Member, User
from tests.factories import PASSWORD, make_member, make_project

pytestmark = pytest.mark.django_db
NEW = "dashboard:member-new"


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


def add(browser, **typed):
    return browser.post(reverse(NEW), {"email": "New@Shop.example", "role": "user", "password": PASSWORD} | typed)


def test_a_new_person_gets_a_first_password_that_is_shown_once_and_must_be_changed(admin, project):
    answer = add(admin, name="Nia")
    member = Member.objects.get(user__email="new@shop.example")
    assert (member.role, member.project, member.user.first_name) == ("user", project, "Nia")
    shown = answer.context["password"]
    assert shown in answer.content.decode()
    assert member.user.check_password(shown)
    browser = Client()
    assert browser.login(username="new@shop.example", password=shown)
    assert browser.get(reverse("dashboard:home"))["Location"] == reverse("dashboard:password")
    fresh = "staple battery horse"
    answer = browser.post(
        reverse("dashboard:password"), {"old_password": shown, "new_password1": fresh, "new_password2": fresh}
    )
    assert answer["Location"] == reverse("dashboard:home")
    assert browser.get(reverse("dashboard:home")).status_code == 200


def test_somebody_with_an_account_is_let_in_without_a_password(admin, project):
    make_member(make_project("Other"), "viewer", "new@shop.example")
    assert add(admin, role="merchant")["Location"] == reverse("dashboard:members")
    assert Member.objects.get(project=project, user__email="new@shop.example").role == "merchant"
    assert User.objects.get(email="new@shop.example").check_password(PASSWORD)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"password": ""}, "This field is required."),
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"role": "owner"}, "is not one of the available choices"),
        ({"email": "admin@shop.example"}, "admin@shop.example"),
    ],
)
def test_what_cannot_be_is_said_at_the_form_and_nothing_is_stored(admin, typed, sentence):
    answer = add(admin, **typed)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert User.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_the_role_is_changed_and_the_change_is_audited(admin, project):
    user = make_member(project, "viewer", "vic@shop.example")
    answer = admin.post(reverse("dashboard:member", args=[user.public_id]), {"role": "user", "password": PASSWORD})
    assert answer["Location"] == reverse("dashboard:members")
    assert Member.objects.get(user=user).role == "user"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.channel) == ("member.role_changed", user.public_id, "dashboard")
    assert audit.values_of(entry) == {
        "actor": "admin@shop.example", "name": "vic@shop.example",
        "before": {"role": "viewer"}, "after": {"role": "user"},
    }  # fmt: skip


def test_a_removed_person_is_shut_out_at_once(admin, project, sign_in):
    viewer = sign_in("viewer")
    user = User.objects.get(email="viewer@shop.example")
    assert viewer.get(reverse("dashboard:customers")).status_code == 200
    admin.post(reverse("dashboard:member", args=[user.public_id]), {"do": "remove", "password": PASSWORD})
    assert viewer.get(reverse("dashboard:customers")).status_code == 403


@pytest.mark.parametrize("typed", [{"role": "viewer"}, {"do": "remove"}])
def test_the_last_admin_stays(admin, project, typed):
    me = User.objects.get()
    answer = admin.post(reverse("dashboard:member", args=[me.public_id]), {"password": PASSWORD} | typed)
    assert answer.status_code == 409
    assert "only admin" in answer.content.decode()
    assert Member.objects.get().role == "admin"


def test_members_of_other_projects_are_not_there(admin):
    stranger = make_member(make_project("Other"), "viewer", "stranger@shop.example")
    assert "stranger" not in admin.get(reverse("dashboard:members")).content.decode()
    assert admin.get(reverse("dashboard:member", args=[stranger.public_id])).status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_costs_the_same_for_3_and_for_30_rows(admin, project, django_assert_num_queries, rows):
    for index in range(rows):
        make_member(project, "viewer", f"v{index}@shop.example")
    with django_assert_num_queries(7):
        assert admin.get(reverse("dashboard:members")).status_code == 200


def test_name_and_zone_are_kept(marketer):
    marketer.post(reverse("dashboard:profile"), {"first_name": "Mia", "timezone": "Asia/Tokyo"})
    user = User.objects.get()
    assert (user.first_name, user.timezone) == ("Mia", "Asia/Tokyo")
    assert marketer.post(reverse("dashboard:profile"), {"timezone": "Mars/Base"}).status_code == 400


def test_another_password_ends_the_other_sessions(marketer):
    other = Client()
    other.force_login(User.objects.get())
    fresh = "staple battery horse"
    typed = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    assert marketer.post(reverse("dashboard:password"), typed).status_code == 302
    assert marketer.get(reverse("dashboard:customers")).status_code == 200
    assert reverse("dashboard:login") in other.get(reverse("dashboard:customers"))["Location"]


@pytest.mark.parametrize(
    "typed",
    [
        {"old_password": "wrong"},
        {"new_password1": "short", "new_password2": "short"},
        {"new_password1": "passwordpassword", "new_password2": "different password"},
    ],
)
def test_a_password_that_will_not_do_changes_nothing(marketer, typed):
    given = {"old_password": PASSWORD, "new_password1": "staple battery", "new_password2": "staple battery"}
    assert marketer.post(reverse("dashboard:password"), given | typed).status_code == 400
    assert User.objects.get().check_password(PASSWORD)
