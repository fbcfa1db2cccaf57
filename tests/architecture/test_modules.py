"""What kinds of module may do, read from their source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Refused
from config.paths import BASE_DIR
from tests.architecture.sources import imported, matches, python_files, tree

PURE = (
    "config/kernel/*.py",
    "config/filters/ast.py",
    "config/filters/parser.py",
    "config/filters/sentence.py",
    "config/imports/reader.py",
    "config/imports/plan.py",
    "config/project/metadata.py",
    "config/project/origins.py",
    "*/errors.py",
    "customers/columns.py",
    "customers/payloads.py",
    "tracking/payloads.py",
    "tracking/tokens.py",
    "vouchers/columns.py",
    "vouchers/payloads.py",
    "vouchers/engine/*.py",
)
"""Standard library, the kernel and each other; `config/api/errors.py` is the edge that renders errors."""
EDGES = (
    "config/api/*",
    "config/operations/*",
    "config/dashboard/*",
    "config/launcher.py",
    "config/keeper.py",
    "config/embedded.py",
    "config/logs.py",
    "config/jobs/runner.py",
    "config/jobs/stalled.py",
    "config/kernel/instants.py",
    "config/kernel/ids.py",
    "config/project/keys.py",
    "*/management/commands/*",
    "*/tasks.py",
    "*/apps.py",
    "*/admin.py",
    "*/api/*",
    "*/dashboard/*",
)
CLOCK = re.compile(r"\b(instants\.now|timezone\.now|datetime\.now|datetime\.utcnow|date\.today|time\.time)$")
FOREIGN = ("django", "rest_framework", "psycopg", "procrastinate", "import_export", "tablib")


def test_imports_go_one_way():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [path for path in python_files() if matches(path, PURE)], ids=str)
def test_pure_modules_import_no_framework(path):
    if path.as_posix() == "config/api/errors.py":
        return
    assert [name for name in imported(path) if name.split(".")[0] in FOREIGN] == []


def test_nothing_below_an_edge_asks_the_clock():
    asked = [
        f"{path}:{node.lineno}"
        for path in python_files()
        if not matches(path, EDGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and CLOCK.search(ast.unparse(node.func))
    ]
    assert asked == []


def test_functions_have_at_most_60_lines_and_modules_400():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 60
    ]
    long += [str(path) for path in python_files() if len((BASE_DIR / path).read_text().splitlines()) > 400]
    assert long == []


def test_modules_are_named_for_their_subject():
    assert [str(path) for path in python_files() if path.stem in ("utils", "helpers", "common", "misc")] == []


def test_our_modules_do_not_talk_by_signals():
    """`post_migrate` is Django's way to run after `migrate`, not a talk between modules of ours."""
    assert [
        f"{path}: {name}"
        for path in python_files()
        for name in imported(path)
        if name.startswith(("django.db.models.signals", "django.dispatch")) and not name.endswith(".post_migrate")
    ] == []


def test_a_stored_row_is_saved_by_named_columns():
    """`save()` without update_fields writes back every column as it was read, counters of other requests included."""
    whole = [
        f"{path}:{node.lineno}"
        for path in python_files()
        if not matches(path, ("*/forms.py", "*/admin.py", "config/project/models.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "save"
        and ast.unparse(node.func.value) not in ("form", "self.form", "super()")
        and not {"update_fields", "force_insert"} & {keyword.arg for keyword in node.keywords}
    ]
    assert whole == []


KEY_OF_THE_REASON = ("VoucherRefused",)
"""Their key is that of the first reason, per instance."""


def every_error(family: type[DomainError] = DomainError) -> list[type[DomainError]]:
    return [family, *(error for child in family.__subclasses__() for error in every_error(child))]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__qualname__)
def test_every_error_says_what_it_means_and_concrete_ones_have_a_key(error):
    assert (error.__doc__ or "").strip()
    if error not in (DomainError, Invalid, Refused, Conflict) and error.__qualname__ not in KEY_OF_THE_REASON:
        assert re.fullmatch(r"[a-z_]+", error.key)
    assert issubclass(error, Invalid | Refused | Forbidden | NotFound | Conflict) or error is DomainError
