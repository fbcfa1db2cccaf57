from __future__ import annotations

import csv
import io
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from config.imports import files, runner, upkeep
from config.imports.errors import FileChanged, FileTooLarge, HeaderOnly, WrongMapping
from config.imports.models import ImportBatch, ImportFailure, ImportFile
from config.imports.plan import Outcome
from config.imports.subjects import Options
from config.jobs import runner as jobs
from config.jobs.models import AsyncAction
from config.kernel import formulas
from customers import imports
from customers.models import Customer, ImportedCustomer
from customers.services import imported
from customers.services.importing import SUBJECT
from tests.config.imports.workbooks import workbook
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
KEEP, CLEAR = Options(), imports.API_OPTIONS


@pytest.fixture
def project(data_folder):
    return make_shop().project


def upload(project, content, **kwargs):
    content = content.encode() if isinstance(content, str) else content
    return imports.upload(project=project, content=io.BytesIO(content), given_name="crm.csv", at=NOON, **kwargs)


def run(file, *, mapping=None, options=KEEP, at=NOON, **parameters):
    """Queue the import and work on it here."""
    action = imports.start(file, mapping=mapping or imports.inspect(file).proposed_mapping, options=options, at=at)
    if parameters:
        AsyncAction.objects.filter(pk=action.pk).update(parameters={**action.parameters, **parameters})
    return work(action)


def work(action):
    jobs.run(lambda run: runner.run_import(run, SUBJECT), action_id=action.pk)
    action.refresh_from_db()
    return action


def counts(action):
    assert action.status == "DONE", action.failure
    return tuple(action.result[name] for name in ("created", "updated", "unchanged", "failed_count"))


def profiles():
    names = ("source_id", "name", "email", "email_key", "city", "state", "birthdate", "metadata")
    return list(Customer.objects.order_by("source_id", "name").values_list(*names))


FILE = (
    "Name,Source_id,City,Birthdate,customer_type\n"
    "Nora,crm-1,Berlin,1990-05-01,Corporate\n"
    "Ole,crm-2,Bonn,31/31/1990,Consumer\n"
    '"Pia\nLind",crm-3,Köln,,Consumer\n'
    "Quentin,crm-4,Bonn\n"
)


def test_good_rows_go_in_and_bad_ones_are_listed(project):
    file = upload(project, FILE)
    action = run(file)
    assert counts(action) == (2, 0, 0, 2)
    assert action.result["message"] == "2 customer(s) imported successfully, 2 failed."
    assert action.result["failed"] == [
        {"source_id": "crm-2", "row": 2, "reason": "Birthdate: 31/31/1990 is not a date; write 1990-12-31"},
        {"source_id": "", "row": 4, "reason": "has 3 cells, the header has 5"},
    ]
    assert (action.rows_done, action.rows_total) == (4, 4)
    failures = list(ImportFailure.objects.order_by("row").values_list("row", "line", "cells"))
    assert failures[0][:2] == (2, 3)
    assert failures[1] == (4, 6, ["Quentin", "crm-4", "Bonn"])
    nora = Customer.objects.get(source_id="crm-1")
    assert (nora.name, nora.city, str(nora.birthdate), nora.metadata) == (
        *("Nora", "Berlin", "1990-05-01"),
        {"customer_type": "Corporate"},
    )


def test_a_second_run_changes_nothing(project):
    run(upload(project, FILE))
    before = list(Customer.objects.order_by("pk").values())
    assert counts(run(upload(project, FILE), at=NOON + timedelta(days=1))) == (0, 0, 2, 2)
    assert counts(run(upload(project, FILE), options=CLEAR)) == (0, 0, 2, 2)
    assert list(Customer.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_gives_the_same_customers(project, encoding):
    action = run(upload(project, "Source_id,Name\na,Jürgen\n".encode(encoding)))
    assert counts(action) == (1, 0, 0, 0)
    assert Customer.objects.get().name == "Jürgen"


def test_a_broken_quote_in_line_500_costs_that_line(project):
    lines = ["Source_id,Name"] + [f"crm-{n},Name {n}" for n in range(2, 1000)]
    lines[499] = 'crm-500,"Name "500'
    action = run(upload(project, "\n".join(lines) + "\n"))
    assert counts(action) == (997, 0, 0, 1)
    failure = ImportFailure.objects.get()
    assert failure.line == 500
    assert files.failed_rows_csv(ImportFile.objects.get())
    rows = list(csv.reader(files.failed_rows_csv(ImportFile.objects.get())))
    assert rows[0] == ["Source_id", "Name", "_line", "_error"]
    assert rows[1][2:] == ["500", "has a quote in the middle of a cell; write it twice to mean one"]


def test_a_workbook_is_imported_by_its_first_sheet_and_reported_by_its_rows(project, data_folder):
    born = datetime(1990, 12, 31)  # noqa: DTZ001  a sheet knows no zones
    book = workbook(
        ["Source_id", "Name", "Birthdate", "vip", "visits", "seen"],
        ["a", "Ada\nLind", born, True, 7, datetime(2026, 1, 31, 9, 15)],  # noqa: DTZ001
        [],
        ["b", "Ben", "31/31/1990"],
        [17, "Eve"],
    )
    file = upload(project, book)
    assert (file.headers[0], file.delimiter, imports.inspect(file).lines) == ("Source_id", ",", 5)
    assert len(list((data_folder / "uploads").iterdir())) == 1
    action = run(file)
    assert counts(action) == (2, 0, 0, 1)
    assert [failure.line for failure in file.failures.all()] == [4]
    ada = Customer.objects.get(source_id="a")
    assert (ada.name, str(ada.birthdate)) == ("Ada\nLind", "1990-12-31")
    assert ada.metadata == {"vip": "true", "visits": "7", "seen": "2026-01-31T09:15:00.000"}
    assert Customer.objects.get(source_id="17").name == "Eve"
    rows = list(csv.reader(files.failed_rows_csv(file)))
    assert rows[1] == [
        "b",
        "Ben",
        "31/31/1990",
        "",
        "",
        "",
        "4",
        "Birthdate: 31/31/1990 is not a date; write 1990-12-31",
    ]


def test_a_tab_separated_file_is_read_as_such(project):
    file = upload(project, "Source_id\tName\na\tAda, Countess\n")
    assert file.delimiter == "\t"
    assert counts(run(file)) == (1, 0, 0, 0)
    assert Customer.objects.get().name == "Ada, Countess"


def test_failed_rows_can_be_mended_and_uploaded_again(project):
    file = upload(project, FILE)
    run(file)
    mended = "".join(files.failed_rows_csv(file)).replace("31/31/1990", "1990-12-31").replace("Bonn,,", "Bonn,,x")
    again = upload(project, mended)
    mapping = [*imports.inspect(again).proposed_mapping[:5], None, None]
    assert counts(run(again, mapping=mapping)) == (2, 0, 0, 0)
    assert Customer.objects.count() == 4


@pytest.mark.parametrize(
    ("_case", "content", "sentence"),
    [
        ("empty", b"", "The file is empty"),
        ("header only", b"Name,Source_id\n", "The file has only a header; there is no row below it"),
        ("binary", bytes(range(256)) * 4, "The file is not text; save it as CSV"),
        ("workbook", b"PK\x03\x04xxxx", "The file is a broken archive; save the workbook anew, or as CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_at_once_and_nothing_is_kept(project, data_folder, _case, content, sentence):
    with pytest.raises(Exception, match=sentence.replace("(", r"\(")):
        upload(project, content)
    assert not ImportFile.objects.exists()
    assert not list((data_folder / "uploads").iterdir())


def test_a_file_beyond_the_limit_is_refused_while_it_streams(project, data_folder):
    with pytest.raises(FileTooLarge, match="larger than 1,000 bytes"):
        upload(project, b"Name\n" + b"x\n" * 10_000, limit=1_000)
    assert not list((data_folder / "uploads").iterdir())


def test_an_upload_is_kept_under_a_random_name_for_the_owner_only(project, data_folder):
    file = upload(project, FILE)
    path = files.original(file)
    assert path.parent == data_folder / "uploads"
    assert "crm" not in path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (file.given_name, file.encoding, file.delimiter, file.size) == ("crm.csv", "utf-8", ",", len(FILE.encode()))


def test_a_look_into_a_file_shows_samples_and_proposals(project):
    found = imports.inspect(upload(project, "Kunde;Source ID;Tier\nNora;crm-1;gold\nOle;crm-2;\n"))
    assert found.delimiter == ";"
    assert found.lines == 3
    assert [(column.header, list(column.samples), column.filled, column.proposed) for column in found.columns] == [
        ("Kunde", ["Nora", "Ole"], 1.0, "metadata.Kunde"),
        ("Source ID", ["crm-1", "crm-2"], 1.0, "source_id"),
        ("Tier", ["gold"], 0.5, "metadata.Tier"),
    ]


def test_a_file_that_changed_after_mapping_is_refused(project):
    file = upload(project, FILE)
    files.original(file).write_bytes(b"Name,Source_id\nEvil,crm-1\n")
    action = run(file, mapping=["name", "source_id", None, None, None])
    assert (action.status, action.failure) == ("FAILED", "The file changed after it was mapped; upload it again")
    assert not Customer.objects.exists()


def test_a_file_that_is_gone_says_so(project):
    file = upload(project, FILE)
    files.original(file).unlink()
    with pytest.raises(FileChanged):
        imports.inspect(file)


def test_a_wrong_mapping_is_refused_before_anything_starts(project):
    file = upload(project, FILE)
    with pytest.raises(WrongMapping, match="One column must be the source id or the id"):
        imports.start(file, mapping=["name", None, None, None, None], options=KEEP, at=NOON)
    with pytest.raises(WrongMapping, match="The mapping has 1 columns, the file 5"):
        imports.start(file, mapping=["name"], options=KEEP, at=NOON)
    assert not AsyncAction.objects.exists()


def test_keep_and_clear(project):
    body = "Source_id,Name,Phone,City,tier\ncrm-1,,,,\n"
    stored = {"phone": "1", "address": {"city": "Berlin", "country": "DE"}, "metadata": {"tier": "gold", "x": 1}}
    customer = make_customer(project=project, source_id="crm-1", name="Nora", email="n@example.com", **stored)
    assert counts(run(upload(project, body))) == (0, 0, 1, 0)
    assert counts(run(upload(project, body), options=CLEAR)) == (0, 1, 0, 0)
    customer.refresh_from_db()
    assert (customer.name, customer.phone, customer.email) == (None, None, "n@example.com")
    assert (customer.address, customer.metadata) == ({"country": "DE"}, {})


def test_rows_with_an_id_update_and_unknown_ids_fail(project):
    customer = make_customer(project=project, source_id="crm-1", name="Nora", metadata={"a": "1"})
    body = f"Id,Source_id,Name,b\n{customer.public_id},other,Nora L.,2\ncust_nobody,,X,\n,crm-9,New,\n"
    action = run(upload(project, body), options=CLEAR)
    assert counts(action) == (1, 1, 0, 1)
    assert action.result["failed"] == [
        {"source_id": "", "row": 2, "reason": "Cannot find customer with id cust_nobody"}
    ]
    customer.refresh_from_db()
    assert (customer.source_id, customer.name, customer.metadata) == ("crm-1", "Nora L.", {"a": "1", "b": "2"})


@pytest.mark.parametrize("parameters", [{"loaders": 1, "batch_rows": 100}, {"loaders": 1, "batch_rows": 2}])
def test_the_later_line_about_a_customer_wins_within_and_across_batches(project, parameters):
    body = "Source_id,Name,Phone\n" + "".join(f"crm-{n % 3},Name {n},{n or ''}\n" for n in range(9))
    action = run(upload(project, body), **parameters)
    assert sum(counts(action)) == 9
    assert [name for _, name, *_ in profiles()] == ["Name 6", "Name 7", "Name 8"]


@pytest.mark.parametrize(("existing", "expected"), [("add", (1, 0, 1, 0)), ("update", (0, 1, 1, 0))])
def test_only_new_or_only_known_customers(project, existing, expected):
    make_customer(project=project, source_id="crm-1", name="Nora")
    file = upload(project, "Source_id,Name\ncrm-1,Nora L.\ncrm-2,Ole\n")
    assert counts(run(file, options=Options(existing=existing))) == expected


def test_a_dry_run_says_what_the_run_then_does(project):
    make_customer(project=project, source_id="crm-1", name="Nora", metadata={"customer_type": "Corporate"})
    make_customer(project=project, source_id="crm-3", name="Pia", address={"city": "Bonn"})
    file = upload(project, FILE + "Same,crm-9,,,\nSame,crm-9,,,\n")
    mapping = imports.inspect(file).proposed_mapping
    summary = imports.dry_run(file, mapping=mapping, options=KEEP)
    shown = summary.as_json()
    assert (shown["new"], shown["changed"], shown["same"], shown["failed"]) == (1, 2, 1, 2)
    assert summary.overwritten == 2
    changes = {change["target"]: (change["old"], change["new"]) for change in shown["samples"]["changed"][1]["changes"]}
    assert changes == {
        "name": ("Pia", "Pia\nLind"),
        "address.city": ("Bonn", "Köln"),
        "metadata.customer_type": (None, "Consumer"),
    }
    assert shown["samples"]["failed"][0]["line"] == 3
    assert not ImportBatch.objects.exists()
    assert counts(run(file)) == (1, 2, 1, 2)


def test_a_value_that_only_the_database_refuses_fails_alone(project, monkeypatch):
    body = "Source_id,Name\n" + "".join(f"crm-{n},Name {n}\n" for n in range(20))
    real = SUBJECT.load

    def load(project, rows, options, at):
        rows = [row._replace(birthdate="9999-99-99", given=255) if row.source_id == "crm-7" else row for row in rows]
        return real(project, rows, options, at)

    monkeypatch.setattr(type(SUBJECT), "load", staticmethod(load))
    action = run(upload(project, body))
    assert counts(action) == (19, 0, 0, 1)
    assert action.result["failed"] == [
        {"source_id": "crm-7", "row": 8, "reason": "holds a value that cannot be stored"}
    ]


def test_a_run_that_was_killed_goes_on_to_the_same_end(project, monkeypatch):
    body = "Source_id,Name\n" + "".join(f"crm-{n % 40},Name {n}\n" for n in range(95)) + "bad\n"
    undisturbed = make_shop("Undisturbed").project
    expected = counts(run(upload(undisturbed, body), batch_rows=10, loaders=1))
    wanted = [row[1:] for row in profiles()]
    Customer.objects.all().delete()

    class Killed(BaseException):
        pass

    real, loads = SUBJECT.load, []

    def load(project, rows, options, at):
        loads.append(1)
        applied = real(project, rows, options, at)
        if len(loads) == 5:
            raise Killed
        return applied

    monkeypatch.setattr(type(SUBJECT), "load", staticmethod(load))
    file = upload(project, body)
    with pytest.raises(Killed):
        run(file, batch_rows=10, loaders=1)
    action = AsyncAction.objects.get(import_file=file)
    assert action.status == "IN_PROGRESS"
    assert ImportBatch.objects.filter(import_file=file).count() == 4
    assert counts(work(action)) == expected
    assert [row[1:] for row in profiles()] == wanted
    assert len(loads) == 11
    assert work(action).result == action.result


def test_a_stopped_run_shows_what_it_did_and_can_go_on(project, monkeypatch):
    monkeypatch.setattr(runner, "PROGRESS_SECONDS", 0)
    file = upload(project, "Source_id,Name\n" + "".join(f"crm-{n},Name {n}\n" for n in range(50)))
    action = imports.start(file, mapping=["source_id", "name"], options=KEEP, at=NOON)
    AsyncAction.objects.filter(pk=action.pk).update(
        parameters={**action.parameters, "batch_rows": 10}, stop_requested=True
    )
    work(action)
    assert (action.status, action.stopped, action.rows_done) == ("FAILED", True, 10)
    assert action.result["done_count"] == 10
    assert Customer.objects.count() == 10
    assert imports.resume(file, at=NOON)
    assert counts(work(action)) == (50, 0, 0, 0)


def test_too_many_failures_stop_the_run(project, monkeypatch):
    monkeypatch.setattr(runner, "PROGRESS_SECONDS", 0)
    body = "Source_id,Birthdate\n" + "".join(f"crm-{n},nonsense\n" for n in range(300))
    action = run(upload(project, body), options=Options(most_failed=50), batch_rows=100, loaders=1)
    assert (action.status, action.failure) == ("FAILED", "More than 50 % of the rows failed; the import was stopped")


def test_outcomes_have_the_words_of_the_page():
    assert [outcome.value for outcome in Outcome] == ["ready", "new", "changed", "same", "failed"]
    assert issubclass(HeaderOnly, Exception)


def test_uploads_are_kept_for_30_days_and_while_they_run(project, data_folder):
    old, running, recent = (upload(project, FILE) for _ in range(3))
    run(old)
    ImportFile.objects.filter(pk=recent.pk).update(created_at=NOON + timedelta(days=2))
    imports.start(running, mapping=imports.inspect(running).proposed_mapping, options=KEEP, at=NOON)
    stray = data_folder / "uploads" / "stray"
    stray.write_bytes(b"x")
    os.utime(stray, (0, 0))
    assert upkeep.forget_old(at=NOON + timedelta(days=29)) == 1
    assert upkeep.forget_old(at=NOON + timedelta(days=31)) == 1
    left = {path.name for path in (data_folder / "uploads").iterdir()}
    assert left == {running.path, recent.path}
    assert old.failures.count() == 2
    with pytest.raises(FileChanged, match="no longer there"):
        imports.inspect(old)


@pytest.mark.parametrize("existing", ["both", "add", "update"])
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("batch_rows", [1, 3, 1000])
def test_the_preview_says_what_the_run_says_also_where_keys_repeat(project, monkeypatch, existing, stored, batch_rows):
    monkeypatch.setattr("config.imports.files.COMPARED_ROWS", 2)
    if stored:
        make_customer(project=project, source_id="a", name="Ann")
    names = ("Ann", "Ann", "Ben", "Ann", "", "Ben")
    body = "Source_id,Name\n" + "".join(f"a,{name}\nb{n % 2},{name}\n" for n, name in enumerate(names))
    file, options = upload(project, body), Options(existing=existing)
    found = imports.inspect(file)
    summary = imports.dry_run(file, mapping=found.proposed_mapping, options=options).as_json()
    action = run(file, options=options, batch_rows=batch_rows)
    assert counts(action) == (summary["new"], summary["changed"], summary["same"], 0)
    assert summary["repeated"] == 9
    if existing == "both":
        assert dict(Customer.objects.values_list("source_id", "name")) == {"a": "Ben", "b0": "Ben", "b1": "Ben"}
    if existing == "add":
        assert set(Customer.objects.values_list("source_id", "name")) == {("a", "Ann"), ("b0", "Ann"), ("b1", "Ann")}


def test_rows_by_id_may_repeat_too(project):
    ann = make_customer(project=project, source_id="a", name="Ann")
    file = upload(project, f"Id,Name\n{ann.public_id},Ben\n{ann.public_id},Ben\ncust_x,A\ncust_x,B\n")
    summary = imports.dry_run(file, mapping=imports.inspect(file).proposed_mapping, options=KEEP).as_json()
    assert [summary[name] for name in ("new", "changed", "same", "failed")] == [0, 1, 1, 2]
    assert counts(run(file)) == (0, 1, 1, 2)


def test_the_mended_file_of_failed_rows_comes_back_as_it_is(project):
    file = upload(project, "Source_id,Name,Birthdate\na,Ann,31/31/1990\nb,Ben,1990-01-01\n")
    assert counts(run(file)) == (1, 0, 0, 1)
    failed = "".join(files.failed_rows_csv(file))
    again = upload(project, failed.replace("31/31/1990,2", "1990-12-31,2"))
    proposed = imports.inspect(again).proposed_mapping
    assert proposed == ["source_id", "name", "birthdate", None, None]
    assert counts(run(again, mapping=proposed)) == (1, 0, 0, 0)
    assert Customer.objects.get(source_id="a").metadata is None


def test_who_came_or_changed_with_an_import_is_known(project):
    make_customer(project=project, source_id="old", name="Old")
    make_customer(project=project, source_id="same", name="Same")
    file = upload(project, "Source_id,Name\nold,New\nsame,Same\nnew,New\nnew,Newer\n")
    run(file, batch_rows=2)
    rows = ImportedCustomer.objects.filter(import_file=file).order_by("customer__source_id")
    assert list(rows.values_list("customer__source_id", "created")) == [("new", True), ("old", False)]
    assert {person.source_id for person in imported.customers_of(file)} == {"new", "old"}


def test_300_columns_come_in(project):
    names = [f"c{number}" for number in range(299)]
    body = ",".join(["Source_id", *names]) + "\n" + ",".join(["a", *("x" for _ in names)]) + "\n"
    assert counts(run(upload(project, body))) == (1, 0, 0, 0)
    assert Customer.objects.get().metadata == dict.fromkeys(names, "x")


@pytest.mark.parametrize("unescape", [True, False])
@pytest.mark.parametrize("cell", ["=1+1", "'=1+1", "''=1+1", "@x", "+49 30 1", "-1", "\t=1", "Ann"])
def test_failed_rows_hold_nothing_that_runs_and_lose_nothing(project, cell, unescape):
    file = upload(project, f"Source_id,Name,Birthdate\na,{cell},nonsense\n")
    run(file, options=Options(unescape=unescape))
    written = list(csv.reader(io.StringIO("".join(files.failed_rows_csv(file)))))[1][1]
    meant = formulas.unguard(cell) if unescape else cell
    assert written == formulas.guard(meant)
    assert formulas.unguard(written) == meant
