"""The wizard from upload to result, step by step as a browser without script goes."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.urls import reverse

from config.api.bodies import BodyMiddleware
from config.imports import files
from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel.formulas import unguard
from customers.models import Customer
from customers.services.importing import SUBJECT
from customers.tasks import convert_file, import_customers, preview_file
from segments.models import Segment
from tests.config.imports.workbooks import workbook
from tests.factories import NOW, make_customer, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]
GOOD = b"Name,Source_id,City,tier,birthdate\nAda,c1,Berlin,gold,1990-12-31\nBen,c2,Bonn,,\nEve,c3,,silver,31/31/1990\n"


def upload(browser, content=GOOD, name="crm.csv"):
    file = SimpleUploadedFile(name, content, content_type="text/csv")
    return browser.post(reverse("dashboard:import-new"), {"file": file})


def at_step(name, file):
    return reverse(f"dashboard:{name}", args=[file.public_id])


def uploaded(browser, content=GOOD):
    upload(browser, content)
    return ImportFile.objects.get()


def chosen(file, **changes):
    columns = {f"column-{index}": target or "" for index, target in enumerate(file.mapping)}
    return {**columns, "title": "CRM", "empty": "keep", "existing": "both", "most_failed": "", **changes}


def work(action):
    runner.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)


def test_the_whole_way_of_a_file(marketer, project):
    make_customer(project=project, source_id="c1", name="Old name")
    make_customer(project=project, source_id="bystander")
    answer = upload(marketer)
    file = ImportFile.objects.get()
    assert answer["Location"] == at_step("import-map", file)

    page = marketer.get(at_step("import-map", file)).content.decode()
    assert "3 lines below the header, 5 columns" in page
    assert '<option value="metadata.tier" selected>Metadata: tier</option>' in page

    answer = marketer.post(at_step("import-map", file), chosen(file))
    assert answer["Location"] == at_step("import-preview", file)
    answer = marketer.get(answer["Location"], {"show": "changed"})
    page = answer.content.decode()
    assert [(label, count) for label, count, _ in answer.context["counts"]] == [
        *(("New", 1), ("Changed", 1), ("Same", 0), ("Failed", 1)),
    ]
    assert "Old name" in page
    assert "Import 2, skip 1" in page
    assert Customer.objects.get(source_id="c1").name == "Old name"

    answer = marketer.post(at_step("import-run", file), {"do": "start"})
    assert answer["Location"] == at_step("import", file)
    page = marketer.get(answer["Location"]).content.decode()
    assert "Queued" in page
    assert f'data-poll="{at_step("import", file)}"' in page

    work(AsyncAction.objects.get())
    answer = marketer.get(at_step("import", file))
    page = answer.content.decode()
    assert [count for _, count, _ in answer.context["counts"]] == [1, 1, 0, 1]
    assert "31/31/1990 is not a date; write 1990-12-31" in page
    assert "data-poll=" not in page
    shown = marketer.get(reverse("dashboard:customers"), {"import": file.public_id}).context["listing"]
    assert {(row.name, row.source_id) for row in shown.rows} == {("Ada", "c1"), ("Ben", "c2")}
    assert [chip.words for chip in shown.chips] == ["Added or changed by import “CRM”"]
    assert "See the 2 customers" in page
    kept = marketer.get(at_step("import-file", file))
    assert (kept["Content-Disposition"], b"".join(kept.streaming_content)) == ('attachment; filename="crm.csv"', GOOD)

    answer = marketer.get(at_step("import-failed", file))
    assert answer["Content-Disposition"] == 'attachment; filename="crm-failed.csv"'
    assert b"".join(answer.streaming_content).decode("utf-8-sig").splitlines() == [
        "Name,Source_id,City,tier,birthdate,_line,_error",
        "Eve,c3,,silver,31/31/1990,4,birthdate: 31/31/1990 is not a date; write 1990-12-31",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"Name,Source_id\n", "only a header"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "picture"),
        (b"a\x01\x02\x03b" * 10, "is not text"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(marketer, content, sentence):
    answer = upload(marketer, content)
    assert answer.status_code == 400
    assert sentence in answer.content.decode().lower()
    assert not ImportFile.objects.exists()


def test_no_file_is_said_too(marketer):
    answer = marketer.post(reverse("dashboard:import-new"), {})
    assert answer.status_code == 400
    assert "Choose a file first." in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column-2": "name"}, "name"),
        ({"column-1": ""}, "One column must be the source id or the id"),
        ({"column-0": "nonsense"}, "nonsense"),
        ({"existing": "nonsense"}, "is not one of the available choices"),
        ({"most_failed": "101"}, "less than or equal to 100"),
    ],
)
def test_a_mapping_that_cannot_run_is_refused_and_kept_on_the_page(marketer, changes, words):
    file = uploaded(marketer)
    answer = marketer.post(at_step("import-map", file), chosen(file, **changes))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    file.refresh_from_db()
    assert file.title == "crm.csv"


def test_a_column_can_be_left_out_and_is_named_again(marketer):
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file, **{"column-3": "", "column-4": ""}))
    page = marketer.get(at_step("import-preview", file)).content.decode()
    assert "Left out by your choice: tier, birthdate" in page
    assert "Import 3" in page


def test_the_way_it_is_read_can_be_changed(marketer):
    file = uploaded(marketer, "Name;Source_id\nZoë;c1\n".encode("latin-1"))
    assert file.delimiter == ";"
    marketer.post(at_step("import-map", file), {"encoding": "latin-1", "delimiter": ","})
    file.refresh_from_db()
    assert (file.delimiter, file.headers) == (",", ["Name;Source_id"])


def test_a_large_file_is_previewed_in_the_background(marketer, monkeypatch):
    monkeypatch.setattr("config.dashboard.imports.PREVIEW_AT_ONCE", 10)
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file))
    for _ in range(2):
        page = marketer.get(at_step("import-preview", file)).content.decode()
        assert "Looking at every row" in page
    action = AsyncAction.objects.get()
    runner.run(preview_file.func.__wrapped__, action_id=action.pk)
    answer = marketer.get(at_step("import-preview", file))
    assert "Import 2, skip 1" in answer.content.decode()
    marketer.post(at_step("import-map", file), chosen(file))
    file.refresh_from_db()
    assert file.options["preview"] is None
    assert not Customer.objects.exists()


def test_a_run_starts_once(marketer):
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file))
    for _ in range(2):
        marketer.post(at_step("import-run", file), {"do": "start"})
    assert AsyncAction.objects.count() == 1


def test_stop_and_go_on(marketer):
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file))
    marketer.post(at_step("import-run", file), {"do": "start"})
    marketer.post(at_step("import-run", file), {"do": "stop"})
    action = AsyncAction.objects.get()
    assert action.stop_requested
    AsyncAction.objects.update(status="FAILED", stopped=True, failure="Stopped before its end")
    assert "Go on" in marketer.get(at_step("import", file)).content.decode()
    marketer.post(at_step("import-run", file), {"do": "resume"})
    action.refresh_from_db()
    assert (action.status, action.stopped) == ("ENQUEUED", False)


def test_viewers_import_nothing(sign_in):
    assert upload(sign_in("viewer")).status_code == 403
    assert not ImportFile.objects.exists()


def run_job(action):
    runner.run(import_customers, action_id=action.pk)
    action.refresh_from_db()


def test_metadata_for_every_row_and_a_segment_of_them_are_said_and_made(marketer, project):
    make_customer(project=project, source_id="c1", name="Ada", metadata={"source": "shop"})
    file = uploaded(marketer)
    asked = chosen(file, metadata_key="source", metadata_value="fair", segment="From the fair", most_failed="50")
    marketer.post(at_step("import-map", file), asked)
    answer = marketer.get(at_step("import-preview", file), {"show": "changed"})
    page = answer.content.decode()
    assert "Every customer gets the metadata source = fair." in page
    assert "A new fixed segment “From the fair” holds the customers of this file." in page
    assert "It stops when more than 50 % of the rows fail." in page
    assert "Empty cells, and metadata that the file has no column for, keep what is stored." in page
    assert answer.context["summary"]["overwritten"] == 1
    assert '<span class="old">shop</span> → <span class="new">fair</span>' in page
    marketer.post(at_step("import-run", file), {"do": "start"})
    action = AsyncAction.objects.get()
    for _ in range(2):  # the second as after a kill
        run_job(action)
        AsyncAction.objects.update(status="ENQUEUED")
    assert set(Customer.objects.values_list("source_id", "metadata__source")) == {("c1", "fair"), ("c2", "fair")}
    segment = Segment.objects.get()
    assert (segment.name, segment.type, segment.memberships.count()) == ("From the fair", "static", 2)
    AsyncAction.objects.update(status="DONE")
    assert "Segment “From the fair”" in marketer.get(at_step("import", file)).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata_key": "x"}, "Give both the key and the value."),
        ({"metadata_value": "x"}, "Give both the key and the value."),
        ({"metadata_key": "tier", "metadata_value": "x"}, "tier and tier go to the same field"),
    ],
)
def test_metadata_for_every_row_needs_a_key_of_its_own_and_a_value(marketer, changes, words):
    file = uploaded(marketer)
    answer = marketer.post(at_step("import-map", file), chosen(file, **changes))
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_what_is_cleared_and_what_repeats_is_counted_before_the_run(marketer, project):
    make_customer(project=project, source_id="c1", name="Ada", phone="1", metadata={"old": "x", "tier": "gold"})
    file = uploaded(marketer, b"Name,Source_id,Phone,tier\nAda,c1,,gold\nBen,c2,,\nBea,c2,,\n")
    marketer.post(at_step("import-map", file), chosen(file, empty="clear"))
    answer = marketer.get(at_step("import-preview", file))
    assert (answer.context["summary"]["cleared"], answer.context["summary"]["repeated"]) == (2, 1)
    page = answer.content.decode()
    assert "2 stored values will be cleared." in page
    assert "1 row repeats the key of an earlier row; the later row wins." in page
    assert "Empty cells clear what is stored" in page


def test_the_mapping_of_a_former_file_with_the_same_columns_is_offered(marketer):
    first = uploaded(marketer)
    marketer.post(at_step("import-map", first), chosen(first, **{"column-3": "description", "existing": "add"}))
    marketer.post(at_step("import-run", first), {"do": "start"})
    upload(marketer, GOOD.replace(b"Ada", b"Abe"))
    second = ImportFile.objects.exclude(pk=first.pk).get()
    page = marketer.get(at_step("import-map", second)).content.decode()
    assert '<a href="?former=1">Use its mapping and options</a>' in page
    answer = marketer.get(at_step("import-map", second), {"former": "1"})
    assert [row.target for row in answer.context["rows"]] == [
        *("name", "source_id", "address.city", "description", "birthdate"),
    ]
    assert '<option value="add" selected>' in answer.content.decode()
    upload(marketer, b"Name,Source_id\nx,y\n")
    other = ImportFile.objects.exclude(pk__in=[first.pk, second.pk]).get()
    assert "had the same columns" not in marketer.get(at_step("import-map", other)).content.decode()


def test_an_upload_beyond_the_limit_is_refused_also_without_a_length(marketer, settings):
    settings.UPLOAD_LIMIT = 2000
    content = b"Name,Source_id\n" + b"x,y\n" * 1000
    assert upload(marketer, content).status_code == 413
    boundary = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\n"
    body = io.BytesIO(boundary + content + b"\r\n--b--\r\n")
    request = RequestFactory().generic("POST", reverse("dashboard:import-new"))
    request.environ |= {"wsgi.input": body, "HTTP_TRANSFER_ENCODING": "chunked"}
    request.META = request.environ
    request.META.pop("CONTENT_LENGTH", None)
    answer = BodyMiddleware(lambda request: pytest.fail("it went through"))(request)
    assert answer.status_code == 413
    assert body.tell() <= 70_000
    assert not ImportFile.objects.exists()


def test_a_file_that_changed_after_mapping_is_refused_by_the_run(marketer):
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file))
    files.original(file).write_bytes(GOOD.replace(b"gold", b"lead"))
    marketer.post(at_step("import-run", file), {"do": "start"})
    action = AsyncAction.objects.get()
    run_job(action)
    assert (action.status, action.failure) == ("FAILED", "The file changed after it was mapped; upload it again")
    assert not Customer.objects.exists()
    assert action.failure in marketer.get(at_step("import", file)).content.decode()


def test_rows_with_hostile_source_ids_fail_by_name(marketer):
    file = uploaded(marketer, b"Name,Source_id\nLong," + b"s" * 10_000 + b"\nNul,a\0b\nGood,c1\n")
    marketer.post(at_step("import-map", file), chosen(file))
    page = marketer.get(at_step("import-preview", file), {"show": "failed"}).content.decode()
    assert "Import 1, skip 2" in page
    assert "contains a NUL character" in page
    assert "is 10,000 characters long; 255 are the most" in page or "10,000 characters long" in page


def test_a_workbook_goes_the_same_way(marketer):
    upload(marketer, workbook(["Source_id", "Name"], ["c1", "Ada"], [], ["c2", "Ben"]), name="crm.xlsx")
    file = ImportFile.objects.get()
    page = marketer.get(at_step("import-map", file)).content.decode()
    assert "first sheet of the workbook" in page
    marketer.post(at_step("import-map", file), chosen(file))
    answer = marketer.get(at_step("import-preview", file))
    assert [row["line"] for row in answer.context["summary"]["samples"]["new"]] == [2, 4]


def test_a_segment_can_be_made_of_customers_that_stay_as_they_are(marketer, project):
    make_customer(project=project, source_id="c1", name="Ada")
    file = uploaded(marketer, b"Name,Source_id\nAda,c1\n")
    marketer.post(at_step("import-map", file), chosen(file, segment="Known"))
    assert "Make the segment" in marketer.get(at_step("import-preview", file)).content.decode()
    marketer.post(at_step("import-map", file), chosen(file))
    assert "Nothing to import" in marketer.get(at_step("import-preview", file)).content.decode()


def test_the_result_names_what_was_left_out_and_a_file_that_is_gone_is_not_offered(marketer):
    file = uploaded(marketer)
    marketer.post(at_step("import-map", file), chosen(file, **{"column-3": ""}))
    marketer.post(at_step("import-run", file), {"do": "start"})
    work(AsyncAction.objects.get())
    page = marketer.get(at_step("import", file)).content.decode()
    assert "Left out by your choice: tier." in page
    assert "The uploaded file" in page
    files.original(file).unlink()
    assert "The uploaded file" not in marketer.get(at_step("import", file)).content.decode()
    assert marketer.get(at_step("import-file", file)).status_code == 404


def test_files_and_imports_of_other_projects_are_unknown(marketer, sign_in):
    file = ImportFile.objects.create(
        project=make_project("Other"), subject="customers", path="x", size=1, sha256="", created_at=NOW
    )
    assert marketer.get(at_step("import-file", file)).status_code == 404
    listing = marketer.get(reverse("dashboard:customers"), {"import": file.public_id}).context["listing"]
    assert (listing.rows, listing.problems) == ([], ["This import does not exist any more."])
    assert sign_in("viewer").get(at_step("import-file", file)).status_code == 403


@pytest.fixture
def large(monkeypatch):
    """Every workbook counts as a large one."""
    monkeypatch.setattr("customers.imports.WORKBOOK_AT_ONCE", 10)


def test_a_large_workbook_is_read_in_the_background(marketer, large):
    content = workbook(["Source_id", "Name"], ["c1", "Ada"], ["c2", "Ben"])
    upload(marketer, content, name="crm.xlsx")
    file, action = ImportFile.objects.get(), AsyncAction.objects.get()
    assert (file.headers, files.is_waiting(file), files.original(file).read_bytes()) == ([], True, content)
    page = marketer.get(at_step("import-map", file)).content.decode()
    assert "Reading the first sheet" in page
    assert f'data-poll="{at_step("import-map", file)}"' in page
    assert marketer.get(at_step("import-preview", file))["Location"] == at_step("import-map", file)
    marketer.post(at_step("import-run", file), {"do": "start"})
    assert AsyncAction.objects.count() == 1
    for _ in range(2):  # the second as after a kill
        runner.run(convert_file.func.__wrapped__, action_id=action.pk)
        AsyncAction.objects.filter(result={"rows": 3}).update(status="ENQUEUED")
    file.refresh_from_db()
    assert (file.headers, file.mapping, files.is_waiting(file)) == (["Source_id", "Name"], ["source_id", "name"], False)
    polled = marketer.get(at_step("import-map", file), headers={"X-Requested-With": "poll"}).content.decode()
    assert "Choose where the columns go" in polled
    assert [path.name for path in files.original(file).parent.iterdir()] == [file.path]
    assert "first sheet of the workbook" in marketer.get(at_step("import-map", file)).content.decode()


def test_a_workbook_that_cannot_be_read_says_so_and_offers_another_file(marketer, large):
    upload(marketer, workbook(["Source_id", "Name"]), name="crm.xlsx")
    action, file = AsyncAction.objects.get(), ImportFile.objects.get()
    runner.run(convert_file.func.__wrapped__, action_id=action.pk)
    answer = marketer.get(at_step("import-map", file))
    assert answer.status_code == 400
    assert "only a header" in answer.content.decode()
    assert "Choose another file" in answer.content.decode()


def test_an_archive_that_is_no_workbook_is_refused_at_once(marketer, large):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "x" * 1000)
    assert upload(marketer, buffer.getvalue(), name="crm.xlsx").status_code == 400
    assert not ImportFile.objects.exists()


def test_failed_rows_come_back_without_formulas_and_mean_the_same(marketer):
    content = b"Source_id,Name,Birthdate\na,=1+1,x\nb,'=1+1,x\nc,-5,x\nd,@SUM(1),=x\n"
    file = uploaded(marketer, content)
    marketer.post(at_step("import-map", file), chosen(file))
    marketer.post(at_step("import-run", file), {"do": "start"})
    work(AsyncAction.objects.get())
    body = b"".join(marketer.get(at_step("import-failed", file)).streaming_content).decode("utf-8-sig")
    rows = [row[:3] for row in csv.reader(io.StringIO(body))][1:]
    assert rows == [["a", "'=1+1", "x"], ["b", "'=1+1", "x"], ["c", "-5", "x"], ["d", "'@SUM(1)", "'=x"]]
    for row, line in zip(rows, content.decode().splitlines()[1:], strict=True):
        assert [unguard(cell) for cell in row] == [unguard(cell) for cell in line.split(",")]
