"""How long sessions last, and what is no session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import InvalidPayload
from vouchers.engine.sessions import Session, parse_session


@pytest.mark.parametrize(
    ("sent", "session", "lifetime"),
    [
        ({"type": "LOCK"}, Session(None, 7, "DAYS"), timedelta(days=7)),
        ({"type": "LOCK", "key": "k", "ttl": 3}, Session("k", 3, "DAYS"), timedelta(days=3)),
        ({"type": "LOCK", "ttl_unit": "HOURS"}, Session(None, 7, "HOURS"), timedelta(hours=7)),
        ({"key": "", "ttl": "90", "ttl_unit": "MINUTES"}, Session(None, 90, "MINUTES"), timedelta(minutes=90)),
        ({"ttl": 1.0, "ttl_unit": "SECONDS"}, Session(None, 1, "SECONDS"), timedelta(seconds=1)),
        ({"ttl": 1, "ttl_unit": "NANOSECONDS"}, Session(None, 1, "NANOSECONDS"), timedelta(microseconds=1)),
        ({"ttl": 1001, "ttl_unit": "NANOSECONDS"}, Session(None, 1001, "NANOSECONDS"), timedelta(microseconds=2)),
        ({"ttl": 5, "ttl_unit": "MICROSECONDS"}, Session(None, 5, "MICROSECONDS"), timedelta(microseconds=5)),
        ({"ttl": 5, "ttl_unit": "MILLISECONDS"}, Session(None, 5, "MILLISECONDS"), timedelta(milliseconds=5)),
        ({"ttl": 36500}, Session(None, 36500, "DAYS"), timedelta(days=36500)),
    ],
)  # fmt: skip
def test_what_is_sent_and_how_long_it_lasts(sent: dict[str, Any], session: Session, lifetime: timedelta) -> None:
    assert parse_session(sent) == session
    assert session.lifetime == lifetime


def test_no_session_is_none() -> None:
    assert parse_session(None) is None


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ([], ".session"),
        ("LOCK", ".session"),
        ({"type": "UNLOCK"}, ".session.type"),
        ({"type": 1}, ".session.type"),
        ({"key": 7}, ".session.key"),
        ({"key": "x" * 201}, ".session.key"),
        ({"ttl": 0}, ".session.ttl"),
        ({"ttl": -1}, ".session.ttl"),
        ({"ttl": 1.5}, ".session.ttl"),
        ({"ttl": True}, ".session.ttl"),
        ({"ttl": "soon"}, ".session.ttl"),
        ({"ttl": 36501}, ".session.ttl"),
        ({"ttl": 2**62, "ttl_unit": "SECONDS"}, ".session.ttl"),
        ({"ttl_unit": "WEEKS"}, ".session.ttl_unit"),
        ({"ttl_unit": []}, ".session.ttl_unit"),
    ],
)
def test_what_cannot_be_meant_is_named(sent: Any, named: str) -> None:
    with pytest.raises(InvalidPayload, match=f"Property {named} "):
        parse_session(sent)


def test_a_limit_shortens_what_is_longer() -> None:
    assert Session("k", 7, "DAYS").at_most(3600) == Session("k", 3600, "SECONDS")
    assert Session("k", 5, "MINUTES").at_most(3600) == Session("k", 5, "MINUTES")
    assert Session("k").at_most(0) == Session("k")
