"""What a filter would choose, while it is being written: a number at once, the exact one if it comes in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from psycopg.errors import QueryCanceled

from config.filters.ast import AllOf, Node
from config.filters.compiler import to_q
from config.filters.fields import Scope
from config.filters.parser import Problem
from config.filters.sentence import sentence
from config.project.models import Project
from customers.models import Customer
from customers.rendering import render_simple
from segments import definitions
from segments.models import Segment

EXACT_UP_TO: Final = 50_000
"""Customers of a project below which the first answer is exact already."""
SAMPLED_PERCENT: Final = 2
BUDGET_MS: Final = 2_000
SAMPLE_SIZE: Final = 5
TABLE: Final = Customer._meta.db_table
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Preview:
    """count: None where nothing could be counted in time; share: of all customers, 0 to 1; sample: the newest members.

    empties: paths of the top-level conditions that alone match nobody, where the exact count is 0.
    """

    count: int | None = None
    exact: bool = False
    share: float | None = None
    sample: tuple[Customer, ...] = ()
    problems: tuple[Problem, ...] = ()
    sentence: str = ""
    empties: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The answer for the builder.

        {"count": 620000|null, "exact": false, "share": 0.62|null, "sentence": "…", "empties": [".filter.name"],
         "sample": [{"id", "name", "email", "source_id", "metadata", "object"}], "problems": [{"path", "message"}]}
        """
        return {
            "count": self.count,
            "exact": self.exact,
            "share": self.share,
            "sample": [render_simple(customer) for customer in self.sample],
            "problems": [{"path": problem.path, "message": problem.message} for problem in self.problems],
            "sentence": self.sentence,
            "empties": list(self.empties),
        }


def preview(*, project: Project, filter: object, at: datetime, phase: int = 2) -> Preview:
    """Count whom a filter chooses. Never raises for a bad filter: `problems` says what is wrong.

    phase 1: at once, exact for small projects, else from a sample of the table and rounded to two digits. phase 2:
    exact, with the newest members; what does not come within the budget stays as in phase 1.
    """
    scope = definitions.scope_of(project, at)
    node, problems = definitions.read(project=project, body=filter, table=scope.fields)
    if node is None:
        return Preview(problems=problems)
    words = words_of(project, node, scope)
    condition = to_q(node, scope)
    small = within_budget(lambda: _total(project, EXACT_UP_TO + 1)) or 0
    if phase == 1 and small > EXACT_UP_TO:
        return _estimate(project, condition, words)
    counted = within_budget(lambda: _count(project, condition))
    if counted is None:
        return _estimate(project, condition, words)
    count, total = counted
    share = count / total if total else 0.0
    if phase == 1:
        return Preview(count, True, share, sentence=words)
    rows = within_budget(lambda: _newest(project, condition)) if count else ()
    empties = () if count else within_budget(lambda: _empties(project, node, scope)) or ()
    return Preview(count, True, share, rows or (), sentence=words, empties=empties)


def words_of(project: Project, node: Node, scope: Scope) -> str:
    """The filter as a sentence, with the names of segments."""
    named = definitions.segments_named(node, scope.fields)
    names = (
        dict(Segment.objects.of(project).filter(public_id__in=named).values_list("public_id", "name")) if named else {}
    )
    return sentence(node, scope.fields, zone=scope.moment.zone, names=names)


def _total(project: Project, most: int) -> int:
    return Customer.objects.of(project).alive().order_by()[:most].count()


def _count(project: Project, condition: Q) -> tuple[int, int]:
    """Members and all customers, each counted in the way that its own indexes serve."""
    customers = Customer.objects.of(project).alive().order_by()
    return customers.filter(condition).count(), customers.count()


def _newest(project: Project, condition: Q) -> tuple[Customer, ...]:
    members = Customer.objects.of(project).alive().filter(condition)
    return tuple(members.order_by("-created_at", "-pk")[:SAMPLE_SIZE])


def _empties(project: Project, node: Node, scope: Scope) -> tuple[str, ...]:
    if not isinstance(node, AllOf):
        return ()
    customers = Customer.objects.of(project).alive().order_by()
    return tuple(child.path for child in node.children if not customers.filter(to_q(child, scope)).exists())


def _estimate(project: Project, condition: Q, words: str) -> Preview:
    """From 2 % of the table's pages, which stand under the table's name in front of the same condition."""
    verdict = ExpressionWrapper(condition, BooleanField())
    rows = Customer.objects.of(project).alive().order_by().annotate(verdict=verdict).values_list("verdict")
    sql, params = rows.query.sql_with_params()
    counted = (
        f'WITH "{TABLE}" AS (SELECT * FROM "{TABLE}" TABLESAMPLE SYSTEM ({SAMPLED_PERCENT}))'  # noqa: S608
        f" SELECT count(*) FILTER (WHERE verdict), count(*) FROM ({sql}) AS sampled(verdict)"
    )

    def run() -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(counted, params)
            row = cursor.fetchone()
        return (row[0], row[1]) if row else (0, 0)

    found = within_budget(run)
    if found is None:
        return Preview(sentence=words)
    matched, seen = found
    about = two_digits(matched * 100 // SAMPLED_PERCENT)
    return Preview(about, False, matched / seen if seen else None, sentence=words)


def two_digits(number: int) -> int:
    """Rounded half up to two digits: 62,412 is about 62,000."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return (number + step // 2) // step * step


def within_budget(ask: Callable[[], Answer]) -> Answer | None:
    """The answer, or None where a statement took longer than the budget."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {BUDGET_MS}")
            return ask()
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise
