"""The pool: lends what came back last, and asks for life only what has been idle."""

import pytest
from django.db import connection

from config.project.postgres import base
from config.project.postgres.base import TRUSTED_SECONDS, WarmPool, check


@pytest.fixture
def pool(django_db_setup):
    made = WarmPool(
        kwargs=connection.get_connection_params() | {"autocommit": True},
        min_size=3,
        max_size=3,
        open=False,
        check=check,
    )
    made.open(wait=True, timeout=10)
    yield made
    made.close()


def test_the_connection_that_came_back_last_is_lent_first(pool):
    with pool.connection() as one, pool.connection() as two:
        pass
    again = {pool.getconn() for _ in range(1)}
    assert again <= {one, two}
    for taken in again:
        pool.putconn(taken)
    with pool.connection() as first:
        pass
    for _ in range(5):
        with pool.connection() as next_one:
            assert next_one is first


def test_only_a_connection_that_was_idle_is_asked(pool, monkeypatch):
    asked = []
    monkeypatch.setattr(WarmPool, "check_connection", staticmethod(asked.append))
    monkeypatch.setattr(base.ConnectionPool, "check_connection", staticmethod(asked.append))
    clock = [1000.0]
    monkeypatch.setattr(base, "monotonic", lambda: clock[0])
    with pool.connection() as lent:
        assert asked == [lent]
    for seconds, calls in ((TRUSTED_SECONDS / 2, 1), (TRUSTED_SECONDS, 1), (TRUSTED_SECONDS * 2, 2)):
        clock[0] += seconds
        with pool.connection() as again:
            assert again is lent
        assert len(asked) == calls


def test_a_connection_that_died_while_idle_is_replaced(pool, monkeypatch):
    with pool.connection() as lent:
        lent.pgconn.finish()
    lent.__dict__["lent_at"] = 0.0
    with pool.connection() as other:
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_the_application_uses_it(db):
    assert isinstance(connection.pool, WarmPool)
