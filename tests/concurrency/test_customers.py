"""Customers under many hands at once."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections

from config.imports.runner import run_import
from config.imports.subjects import Options
from config.jobs import runner as jobs
from config.jobs.models import AsyncAction
from customers import imports, services
from customers.models import Customer
from customers.payloads import CustomerData
from customers.services.importing import SUBJECT
from tests.factories import make_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def at_once(count, work):
    """Run `work(number)` in threads that all start together, each with a connection of its own."""
    barrier = threading.Barrier(count)

    def one(number):
        try:
            barrier.wait(timeout=10)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_simultaneous_creates_of_one_source_id_make_one_customer_and_lose_nothing():
    project = make_shop().project
    for turn in range(5):
        found = at_once(
            12,
            lambda n, key=f"crm-{turn}": services.upsert(
                project=project, data=CustomerData(source_id=key, metadata={f"k{n}": n}), at=NOON
            ),
        )
        assert len({customer.pk for customer in found}) == 1
        assert Customer.objects.get(source_id=f"crm-{turn}").metadata == {f"k{n}": n for n in range(12)}
    assert Customer.objects.count() == 5


def test_loads_of_the_same_keys_at_once_end_in_one_customer_a_key():
    project = make_shop().project
    rows = [CustomerData(source_id=f"crm-{n}", name="x") for n in range(500)]
    loaded = at_once(4, lambda n: services.upsert_many(project=project, rows=rows[::-1] if n % 2 else rows, at=NOON))
    assert sum(one.created for one in loaded) == 500
    assert sum(one.unchanged for one in loaded) == 1500
    assert Customer.objects.count() == 500


def start(project, content, **parameters):
    file = imports.upload(project=project, content=io.BytesIO(content.encode()), given_name="x.csv", at=NOON)
    mapping = imports.inspect(file).proposed_mapping
    action = imports.start(file, mapping=mapping, options=Options(), at=NOON)
    AsyncAction.objects.filter(pk=action.pk).update(parameters={**action.parameters, **parameters})
    return action


def work(action):
    jobs.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)
    action.refresh_from_db()
    return action


def many(count):
    lines = (f"crm-{n % (count * 3 // 4)},Name {n},{'1990-05-01' if n % 100 else 'x'}\n" for n in range(count))
    return "Source_id,Name,Birthdate\n" + "".join(lines)


def test_two_loaders_leave_what_one_leaves(data_folder):
    one, two = make_shop("One").project, make_shop("Two").project
    content = many(4000)
    serial = work(start(one, content, loaders=1, batch_rows=300))
    parallel = work(start(two, content, loaders=2, batch_rows=300))
    assert serial.status == parallel.status == "DONE"
    assert serial.result["failed"] == parallel.result["failed"]
    assert (parallel.result["done_count"], parallel.result["failed_count"]) == (3960, 40)
    names = [list(Customer.objects.of(project).order_by("source_id").values_list("source_id", "name", "birthdate"))
             for project in (one, two)]  # fmt: skip
    assert names[0] == names[1]


def test_the_same_file_twice_at_once(data_folder):
    project = make_shop().project
    actions = [start(project, many(2000), loaders=2, batch_rows=200) for _ in range(2)]
    done = at_once(2, lambda n: work(actions[n]))
    assert [action.status for action in done] == ["DONE", "DONE"]
    assert [action.result["done_count"] for action in done] == [1980, 1980]
    names = dict(Customer.objects.values_list("source_id", "name"))
    assert len(names) == 1485  # 15 keys have only bad lines
    assert names["crm-1"] == "Name 1501"


class Killed(BaseException):
    """Stands for the end of the process."""


def test_two_loaders_killed_in_the_middle_go_on_to_the_same_end(data_folder, monkeypatch):
    undisturbed, project = make_shop("Undisturbed").project, make_shop().project
    wanted = work(start(undisturbed, many(3000), loaders=2, batch_rows=200)).result
    action, real, loads = start(project, many(3000), loaders=2, batch_rows=200), SUBJECT.load, []

    def load(*args):
        loads.append(1)
        if len(loads) == 9:
            raise Killed
        return real(*args)

    monkeypatch.setattr(type(SUBJECT), "load", staticmethod(load))
    with pytest.raises(Killed):
        jobs.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)
    action.refresh_from_db()
    assert action.status == "IN_PROGRESS"
    assert work(action).result == wanted
    rows = [list(Customer.objects.of(each).order_by("source_id").values_list("source_id", "name", "birthdate"))
            for each in (undisturbed, project)]  # fmt: skip
    assert rows[0] == rows[1]
