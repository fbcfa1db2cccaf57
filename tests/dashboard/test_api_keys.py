"""API keys in the dashboard: made, rotated with two live secrets, revoked; shown once, asked for the password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from config.kernel import instants
from config.project import keys
from config.project.models import ApiKey, AuditEntry
from tests.factories import PASSWORD, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys.cache.clear()


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


def make(admin, **typed):
    answer = admin.post(reverse("dashboard:key-new"), {"name": "Shop", "kind": "server", "password": PASSWORD} | typed)
    return answer


def change(admin, key, do, password=PASSWORD):
    return admin.post(reverse("dashboard:key", args=[key.app_id]), {"do": do, "password": password})


def status(key, secret):
    client = APIClient()
    return client.get("/v1/customers", HTTP_X_APP_ID=key.app_id, HTTP_X_APP_TOKEN=secret).status_code


def test_the_secret_is_shown_once_and_works(admin):
    answer = make(admin)
    key, secret = ApiKey.objects.get(), answer.context["secret"]
    assert secret in answer.content.decode()
    assert status(key, secret) == 200
    for page in (reverse("dashboard:keys"), reverse("dashboard:key", args=[key.app_id])):
        assert secret not in admin.get(page).content.decode()


def test_after_a_rotation_both_secrets_count_for_a_day(admin):
    first = make(admin).context["secret"]
    key = ApiKey.objects.get()
    second = change(admin, key, "rotate").context["secret"]
    assert [status(key, secret) for secret in (first, second)] == [200, 200]
    ApiKey.objects.update(previous_valid_until=instants.now() - timedelta(seconds=1))
    keys.cache.clear()
    assert [status(key, secret) for secret in (first, second)] == [401, 200]


def test_a_revoked_key_opens_nothing_and_stays_revoked(admin):
    secret = make(admin).context["secret"]
    key = ApiKey.objects.get()
    assert change(admin, key, "revoke").status_code == 302
    assert status(key, secret) == 401
    assert change(admin, key, "rotate").status_code == 409
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["api_key.created", "api_key.revoked"]


@pytest.mark.parametrize("do", ["rotate", "revoke"])
def test_without_the_password_nothing_changes(admin, do):
    make(admin)
    key = ApiKey.objects.get()
    assert change(admin, key, do, password="wrong").status_code == 400
    assert make(admin, password="wrong").status_code == 400
    stored = ApiKey.objects.get()
    assert (stored.active, stored.secret_hash) == (True, key.secret_hash)


def test_keys_of_other_projects_are_not_there(admin):
    other = ApiKey.objects.create(
        project=make_project("Other"), kind="server", name="Other", secret_hash="x", created_at=instants.now()
    )
    assert admin.get(reverse("dashboard:key", args=[other.app_id])).status_code == 404
    assert other.app_id not in admin.get(reverse("dashboard:keys")).content.decode()
