"""Signatures, schedule, envelope, catalogue: tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.webhooks import catalogue, envelope, signatures
from config.webhooks.envelope import Happening
from config.webhooks.schedule import next_wait

AT = datetime(2026, 2, 3, 10, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a":1}', "a17d2ac229d1ebbb5f10e839c7985c4818e5986eab297f7e5979196d4d7d3ed2"),
        ("  message  ", "53ff92957e1427ce23ad5bda9d0c5f2f4ff384d0806b83eeacb510c842d3a358"),
    ],
)
def test_the_published_vectors_are_signed_alike(body, expected):
    assert signatures.signature("secretKey", body) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"a": 15.0, "b": [1.5, -0.0]}, '{"a":15,"b":[1.5,0]}'),
        ({"name": "Zoë/é", "n": None}, '{"name":"Zoë/é","n":null}'),
        ({"deep": {"x": (2.0, True)}}, '{"deep":{"x":[2,true]}}'),
    ],
)
def test_what_is_sent_is_what_a_receiver_would_write_again(payload, expected):
    assert signatures.compact(payload) == expected


def test_the_second_signature_covers_id_and_time():
    one = signatures.standard("s", "whs_1", 1_700_000_000, "{}")
    assert one.startswith("v1,")
    assert (
        len({one, signatures.standard("s", "whs_2", 1_700_000_000, "{}"), signatures.standard("s", "whs_1", 1, "{}")})
        == 3
    )


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        (1, timedelta(minutes=1)),
        (2, timedelta(minutes=2)),
        (7, timedelta(hours=1, minutes=4)),
        (8, timedelta(hours=2, minutes=8)),
        (11, timedelta(hours=17, minutes=4)),
        (12, timedelta(hours=24)),
        (13, None),
    ],
)
def test_waits_double_up_to_a_day(attempts, expected):
    assert next_wait(attempts, 0.5) == expected


def test_waits_move_by_a_tenth_at_most():
    assert next_wait(1, 0) == timedelta(seconds=54)
    assert next_wait(1, 1) == timedelta(seconds=66)


def test_the_envelope_names_project_webhook_and_cause():
    happening = Happening(
        type="redemption.succeeded", at=AT, data={"redemption": {"id": "r_1"}}, entity_id="r_1", group_id="v-1",
        source={"channel": "API", "api_key": {"name": "Backend", "app_id": "x"}},
    )  # fmt: skip
    assert envelope.render(
        happening,
        event_id="evred_1",
        send_id="whs_1",
        project_id="proj_1",
        webhook_id="wh_1",
        target_url="https://a.example",
    ) == {
        "id": "whs_1",
        "project_id": "proj_1",
        "created_at": "2026-02-03T10:00:00.123Z",
        "type": "redemption.succeeded",
        "data": {"redemption": {"id": "r_1"}},
        "source": {"id": "wh_1", "object": "webhook", "target_url": "https://a.example"},
        "event": {
            "id": "evred_1",
            "type": "redemption.succeeded",
            "created_at": "2026-02-03T10:00:00.123Z",
            "entity_id": "r_1",
            "group_id": "v-1",
            "event_source": {"channel": "API", "api_key": {"name": "Backend", "app_id": "x"}},
        },
    }


def test_every_type_has_ids_of_its_own():
    for type in catalogue.TYPES:
        assert envelope.new_event_id(type).startswith("ev")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("customer.updated", "customer.updated"),
        ("campaign.vouchers.aded", "campaign.vouchers.added"),
        ("campaign.reward.assignment.created", "campaign.reward.assignment.created"),
        ("customer.exploded", None),
        ("", None),
        ("campaign.reward." + "x" * 100, None),
    ],
)
def test_types_are_known_by_name_and_by_a_known_misspelling(sent, expected):
    assert catalogue.named(sent) == expected
