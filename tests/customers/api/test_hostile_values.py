"""Whatever is written comes back as it was sent, from every reading end, or is refused by name (T9)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from config.kernel.texts import normal
from customers.models import Customer
from tests.factories import NOW, make_shop
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db

TEXTS = (
    *("", " ", "  padded  ", "\t", "\n", "\r\n", "a\tb", "line\nbreak", "\x00", "a\x00b", "\x01\x02", "\x1f", "\x7f"),
    *("\\", "\\N", "\\x00", "'", '"', '""', "' OR 1=1 --", '"; DROP TABLE x; --', "%s", "%(id)s", "{}", "{0}", "$1"),
    *("=1+1", "+49 30", "-5", "@SUM(A1)", ";", ",", "a,b;c\td", "<script>alert(1)</script>", "&amp;", "{{ 7*7 }}"),
    *("null", "NULL", "None", "true", "0", "-0", "1e309", "NaN", "Infinity", "0x10", "١٢٣", "é", "e\u0301", "ﬁ", "ß"),
    *("🎟", "👩‍👩‍👧", "\u202eabc", "\u200b", "\ufeff", "\uffff", "\U0010ffff", "İ", "x" * 500, "x" * 501, "é" * 500),
    *("../../etc/passwd", "2000-02-29", "2001-02-29", "0000-01-01", "10000-01-01", "2000-01-01T00:00:00Z", "%00"),
)
OTHERS = (
    *(True, False, 0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, 10**22, 1.5, -0.0, 1e308, 5e-324, 0.1),
    *([], [[]], [None], {}, {"a": None}, {"": 1}, {"__proto__": 1}, [[[[[[1]]]]]]),
)
FIELDS = ("source_id", "name", "description", "email", "phone", "birthdate", "birthday")
PARTS = ("city", "state", "line_1", "line_2", "country", "postal_code")
EXPORTED = (
    *("id", "name", "description", "email", "phone", "source_id", "birthdate", "birthday"),
    *(f"address_{part}" for part in PARTS),
)


@pytest.fixture
def shop(data_folder):
    return make_shop()


def body_of(place: str, value: Any) -> dict[str, Any]:
    if "." not in place:
        return {place: value}
    owner, _, key = place.partition(".")
    return {owner: {key: value}}


def kept(customer: dict[str, Any], place: str) -> Any:
    owner, _, key = place.partition(".")
    return customer[owner][key] if key else customer.get(owner)


def as_kept(place: str, value: Any) -> Any:
    """The value as it comes back: profile texts and metadata composed, keys and phones as they are, dates as days."""
    if place in ("birthdate", "birthday"):
        return value[:10]
    if not isinstance(value, str) or place in ("source_id", "phone"):
        return value
    return normal(value)


@pytest.mark.parametrize("place", [*FIELDS, *(f"address.{part}" for part in PARTS), "metadata.t"])
def test_a_value_is_refused_by_name_or_comes_back_from_everywhere(shop, place):
    server = shop.server()
    expected: dict[str, Any] = {}
    for value in (*TEXTS, *OTHERS):
        response = server.post("/v1/customers", body_of(place, value) | {"description": "x"} if place !=
                               "description" else body_of(place, value), format="json")  # fmt: skip
        if response.status_code == 400:
            body = response.json()
            assert body["key"] == "invalid_payload", (place, value, body)
            assert f".{place}" in body["details"], (place, value, body)
            continue
        assert response.status_code == 200, (place, value)
        if place == "source_id" and value == "":
            assert "source_id" not in response.json()
            continue
        answer = response.json()
        assert kept(answer, place) == as_kept(place, value), (place, value)
        assert type(kept(answer, place)) is type(as_kept(place, value)) or isinstance(value, float)
        assert server.get(f"/v1/customers/{answer['id']}").json() == answer
        expected[answer["id"]] = answer
    assert len(expected) >= (1 if place.startswith("birth") else 50)
    assert listed(server, expected) == expected
    assert exported(server, expected) == {key: row_of(answer) for key, answer in expected.items()}


@pytest.mark.parametrize("value", ["", " ", "a/b", "a%2Fb", "é@ü", "=1+1", "🎟", "..", "?x=1#y", "+", "%", "x" * 500])
def test_every_source_id_leads_back_to_its_customer(shop, value):
    server = shop.server()
    made = server.post("/v1/customers", {"source_id": value, "name": "Nora"}, format="json").json()
    if value.strip():
        escaped = "".join(f"%{byte:02X}" for byte in value.encode())
        assert server.get(f"/v1/customers/{escaped}").json() == made
    assert server.get(f"/v1/customers/{made['id']}").json() == made


def test_what_nobody_may_write_stays_as_it_is(shop):
    server = shop.server()
    made = server.post("/v1/customers", {"source_id": "crm-1"}, format="json").json()
    inner = {
        **{"id": made["id"], "source_id": "other", "object": "x", "created_at": NOW.isoformat(), "updated_at": None},
        **{"summary": {"orders": {"total_count": 9}}, "loyalty": {"points": 9}, "system_metadata": {"source": "x"}},
        **{"project": 1, "project_id": 1, "version": 9, "deleted_at": NOW.isoformat(), "orders_total_count": 9},
    }
    for answer in (
        server.post("/v1/customers", inner, format="json"),
        server.put("/v1/customers/crm-1", inner, format="json"),
    ):
        assert (answer.status_code, answer.json()) == (200, made)
    assert Customer.objects.count() == 1


def listed(server: Any, expected: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for page in range(1, 20):
        answer = server.get("/v1/customers", {"limit": 100, "page": page}).json()
        found |= {item["id"]: item for item in answer["customers"] if item["id"] in expected}
        if not answer["has_more"]:
            return found
    raise AssertionError("the list does not end")


def row_of(customer: dict[str, Any]) -> list[str]:
    address = customer["address"] or {}
    values = [customer.get(name) for name in EXPORTED[:8]] + [address.get(part) for part in PARTS]
    return ["" if value is None else value for value in values]


def exported(server: Any, expected: dict[str, Any]) -> dict[str, list[str]]:
    made = server.post(
        "/v1/exports", {"exported_object": "customer", "parameters": {"fields": list(EXPORTED)}}, format="json"
    ).json()
    run_queued()
    url = server.get(f"/v1/exports/{made['id']}").json()["result"]["url"].removeprefix("http://testserver")
    text = b"".join(server.get(url).streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    return {row[0]: row for row in rows if row[0] in expected}
