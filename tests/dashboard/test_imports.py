"""The wizard from upload to result, step by step as a browser without script goes."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.jobs import runner
from config.jobs.models import AsyncAction
from customers.models import Customer
from customers.services.importing import SUBJECT
from customers.tasks import preview_file
from tests.factories import make_customer

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
    assert Customer.objects.get().name == "Old name"

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
    assert set(Customer.objects.values_list("name", "metadata__tier")) == {("Ada", "gold"), ("Ben", None)}

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
