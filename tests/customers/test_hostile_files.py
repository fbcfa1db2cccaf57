"""T11: broken CSV files and workbooks that are bombs, through every door: a report or a refusal, never a 500."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from config.imports import services
from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.jobs import runner as jobs
from config.jobs.models import AsyncAction
from config.project.models import User
from customers.models import Customer
from customers.services.importing import SUBJECT
from tests.config.imports.workbooks import BOMBS, cell_at
from tests.factories import PASSWORD, make_member, make_shop

pytestmark = pytest.mark.django_db

GOOD = b"Source_id,Name\ng,Good\n"
BROKEN = {
    "empty": b"",
    "blanks": b" \r\n\t\r\n",
    "only a mark": b"\xef\xbb\xbf",
    "only NULs": b"\0" * 1000,
    "NUL in a cell": GOOD + b"a,A\0B\n",
    "NUL in the header": b"Source_id,Na\0me\na,A\n",
    "open quote": GOOD + b'a,"A\nb,B\n',
    "open quote in the header": b'Source_id,"Name\na,A\n',
    "quote inside": GOOD + b'a,A"B"\n',
    "only quotes": b'"' * 1001,
    "too few cells": GOOD + b"a\n",
    "too many cells": GOOD + b"a,A,x,y\n",
    "no name in the header": b"Source_id,,Name\na,b,c\n",
    "same header twice": b"Source_id,Name,Name\na,A,B\n",
    "301 columns": b",".join(b"c%d" % number for number in range(301)) + b"\n" + b"," * 300 + b"\n",
    "1,000,000 commas": b"Source_id,Name\n" + b"," * 1_000_000 + b"\n",
    "1,000,000 commas above": b"," * 1_000_000 + b"\na,b\n",
    "a cell of 100,000": GOOD + b"a," + b"x" * 100_000 + b"\n",
    "a record of 2,000,000": GOOD + b"a," + b"x" * 2_000_000 + b"\n",
    "a source id of 10,000": GOOD + b"s" * 10_000 + b",A\n",
    "one line without end": b"x" * 3_000_000,
    "latin bytes": "Source_id,Name\na,Jürgen\n".encode("latin-1"),
    "half a character": GOOD + b"a,\xc3",
    "surrogates": GOOD + b"a,\xed\xa0\x80\n",
    "utf-16": "Source_id,Name\na,A\n".encode("utf-16"),
    "utf-16 cut off": "Source_id,Name\na,A\n".encode("utf-16")[:-1],
    "old line ends": b"Source_id,Name\ra,A\rb,B\r",
    "mixed line ends": b"Source_id,Name\na,A\r\nb,B\rc,C",
    "control characters": GOOD + b"a,\x01\x02\x1b[31m\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "compressed": b"\x1f\x8b\x08" + b"\0" * 100,
    "a dictionary": b'{"customers": [{"name": "A"}]}',
    "dates from nowhere": b"Source_id,Birthdate\na,99999-99-99\nb,2026-02-30\n",
    "unknown ids": b"Id,Name\ncust_none,A\n\xf0\x9f\x92\xa3,B\n",
}
FILES = {
    **{name: lambda name=name: BROKEN[name] for name in BROKEN},
    **BOMBS,
    "XFD1048576": lambda: cell_at("XFD1048576"),
}


@pytest.fixture
def shop(data_folder, monkeypatch):
    """One thread does everything: loaders of their own would not see what this test has not committed."""
    monkeypatch.setattr(services, "SMALL_FILE", 10**9)
    with override_settings(UPLOAD_LIMIT=20_000_000):
        yield make_shop()


@pytest.fixture(scope="module", params=FILES)
def content(request):
    return FILES[request.param]()


def work_on(action):
    jobs.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)
    action.refresh_from_db()
    assert action.status in ("DONE", "FAILED")
    assert action.status == "DONE" or "wrong encoding" in action.failure


def test_the_api_reports_or_refuses(shop, content):
    file = SimpleUploadedFile("file.csv", content)
    answer = shop.server().post("/v1/customers/importCSV", {"file": file}, format="multipart")
    assert answer.status_code in (202, 400), answer.content
    if answer.status_code == 202:
        work_on(AsyncAction.objects.get())
    else:
        assert answer.json()["details"]
        assert not ImportFile.objects.exists()


def test_the_wizard_reports_or_refuses(shop, content):
    browser = Client()
    browser.force_login(make_member(shop.project, "admin", "a@shop.example"))
    answer = browser.post(reverse("dashboard:import-new"), {"file": SimpleUploadedFile("file", content)})
    if answer.status_code == 400:
        assert "Nothing was imported" in answer.content.decode()
        assert not ImportFile.objects.exists()
        return
    page = browser.get(answer["Location"])
    assert page.status_code == 200
    file = ImportFile.objects.get()
    columns = {f"column-{index}": target for index, target in enumerate(file.mapping)}
    chosen = {**columns, "title": "x", "empty": "keep", "existing": "both"}
    answer = browser.post(answer["Location"], chosen)
    if answer.status_code == 400:
        assert "One column must be the source id or the id" in answer.content.decode()
        return
    preview = browser.get(answer["Location"])
    assert preview.status_code in (200, 400)
    browser.post(reverse("dashboard:import-run", args=[file.public_id]), {"do": "start"})
    work_on(AsyncAction.objects.get())
    assert browser.get(reverse("dashboard:import", args=[file.public_id])).status_code == 200
    if preview.status_code == 200:
        failed = preview.context["summary"]["failed"]
        assert failed == file.failures.count()


def test_the_operators_page_reports_or_refuses(shop, content):
    browser = Client()
    browser.force_login(User.objects.create_superuser("op@shop.example", PASSWORD))
    kind = "2" if content.startswith(b"PK") else "0"
    answer = browser.post(
        "/admin/customers/customer/import/",
        {"resource": "0", "format": kind, "import_file": SimpleUploadedFile("file.csv", content),
         "project": shop.project.pk},
    )  # fmt: skip
    assert answer.status_code == 200
    assert not Customer.objects.exists()
