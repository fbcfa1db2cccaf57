from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from config.project import keys
from config.project.models import AuditEntry, Project
from tests.factories import make_shop

pytestmark = pytest.mark.django_db
ADDRESS = "/management/v1/projects"


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys.cache.clear()
    yield
    keys.cache.clear()


@pytest.fixture
def shop():
    return make_shop()


def test_a_key_makes_a_project_whose_keys_work_at_once(shop):
    answer = shop.management().post(
        ADDRESS, {"name": "Second", "timezone": "Europe/Berlin", "currency": "EUR", "client_redeem_enabled": True,
                  "client_trusted_domains": ["https://second.example"], "cluster_id": "eu1", "users": [],
                  "case_sensitive_codes": False, "api_usage_notifications": {"api_calls": {"value": 80}}},
    )  # fmt: skip
    body = answer.json()
    assert answer.status_code == 200
    assert (body["name"], body["timezone"], body["currency"]) == ("Second", "Europe/Berlin", "EUR")
    assert (body["case_sensitive_codes"], body["is_sandbox"], body["client_redeem_enabled"]) == (False, False, True)
    assert body["api_usage_notifications"] == {"api_calls": {"value": 80}}
    assert "description" not in body
    assert body["webhook_token"]
    pair = body["server_side_key"]
    client = APIClient()
    client.credentials(HTTP_X_APP_ID=pair["app_id"], HTTP_X_APP_TOKEN=pair["app_token"])
    assert client.get("/v1/customers").status_code == 200


def test_a_key_sees_its_own_project_and_those_it_made(shop):
    made = shop.management().post(ADDRESS, {"name": "Second"}).json()
    make_shop("Stranger")
    listed = shop.management().get(ADDRESS).json()
    assert [row["id"] for row in listed["data"]] == [shop.project.public_id, made["id"]]
    assert "server_side_key" not in listed["data"][1]
    schemas = f"{ADDRESS}/{made['id']}/metadata-schemas"
    assert shop.management().post(schemas, {"related_object": "customer", "properties": {}}).status_code == 200


def test_settings_are_changed_one_by_one_and_written_down(shop):
    one = f"{ADDRESS}/{shop.project.public_id}"
    body = shop.management().put(one, {"description": "Shoes", "client_publish_enabled": True}).json()
    assert (body["description"], body["client_publish_enabled"], body["name"]) == ("Shoes", True, "Shop")
    assert shop.management().get(one).json() == body
    assert AuditEntry.objects.filter(action="project.changed").count() == 1


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "'name'"),
        ({"name": 5}, ".name"),
        ({"name": " "}, ".name"),
        ({"name": "A", "timezone": "Mars/Olympus"}, ".timezone"),
        ({"name": "A", "client_trusted_domains": "x"}, ".client_trusted_domains"),
        ({"name": "A", "client_redeem_enabled": "yes"}, ".client_redeem_enabled"),
        ({"name": "A", "webhook_version": "v2"}, ".webhook_version"),
        ({"name": "A", "default_code_config": []}, ".default_code_config"),
        ({"name": "A", "case_sensitive_codes": 1}, ".case_sensitive_codes"),
        ({"name": "A\x00"}, ".name"),
    ],
)
def test_a_wrong_project_is_refused_by_name(shop, body, part):
    answer = shop.management().post(ADDRESS, body)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert part in answer.json()["details"] or "character" in answer.json()["details"]
    assert Project.objects.count() == 1


def test_a_closed_project_is_closed_to_everybody(shop):
    made = shop.management().post(ADDRESS, {"name": "Second"}).json()
    one = f"{ADDRESS}/{made['id']}"
    assert shop.management().delete(one).status_code == 204
    assert shop.management().get(one).status_code == 404
    assert len(shop.management().get(ADDRESS).json()["data"]) == 1
    client = APIClient()
    pair = made["server_side_key"]
    client.credentials(HTTP_X_APP_ID=pair["app_id"], HTTP_X_APP_TOKEN=pair["app_token"])
    assert client.get("/v1/customers").status_code == 401


def test_a_strangers_project_is_not_there(shop):
    other = make_shop("Other")
    one = f"{ADDRESS}/{other.project.public_id}"
    for answer in (
        shop.management().get(one),
        shop.management().put(one, {"name": "Mine"}),
        shop.management().delete(one),
    ):
        assert answer.status_code == 404
    assert Project.objects.get(pk=other.project.pk).name == "Other"
