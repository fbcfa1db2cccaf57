"""New and edited validation rules: rows of conditions, or the JSON of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import DomainError
from config.kernel.instants import to_wire
from config.project.permissions import Permission
from segments.models import Segment
from vouchers import audited, rule_rows, rule_words
from vouchers.dashboard.rules import PROMOTIONS, pretty
from vouchers.engine import rule_names
from vouchers.models import ValidationRule
from vouchers.rule_rows import Row, Sheet
from vouchers.services import validation_rules

LONGEST: Final = 512 * 1024
MOST_SEGMENTS: Final = 500
SEPARATORS: Final = re.compile(r"[\r\n\t,;]+")
WITH_SUB: Final = ("order.items.any", "order.items.every", "order.items.cheapest", "order.items.most_expensive")


class RuleForm:
    """What the editor holds: read from a stored rule or from what was posted, and written as the wire's body."""

    def __init__(self) -> None:
        self.name = self.message = self.version = ""
        self.sheet: Sheet | None = Sheet((Row(),))
        self.json = ""
        self.items, self.included, self.excluded = "none", "", ""
        self.stored_entries: dict[str, Mapping[str, Any]] = {}
        self.problems: dict[str, list[str]] = {}
        self.row_problems: dict[int, list[str]] = {}

    @property
    def rows(self) -> list[tuple[int, Row, list[str], bool]]:
        """Number, row, its problems, and whether it may have a condition on the matching items."""
        rows = self.sheet.rows if self.sheet else ()
        return [(n, row, self.row_problems.get(n, []), row.name in WITH_SUB) for n, row in enumerate(rows, start=1)]

    @classmethod
    def of(cls, rule: ValidationRule) -> RuleForm:
        """The form of a stored rule."""
        form = cls()
        form.name, form.message = rule.name, str((rule.error or {}).get("message") or "")
        form.version = to_wire(rule.updated_at or rule.created_at)
        form.sheet, form.json = rule_rows.read(rule.rules), pretty(rule.rules)
        given = rule.applicable_to or {}
        form.remember(rule)
        lists = [[str(e.get("id") or e.get("source_id")) for e in given.get(k) or []] for k in ("included", "excluded")]
        form.included, form.excluded = ("\n".join(entries) for entries in lists)
        form.items = "all" if given.get("included_all") else "some" if given.get("included") else "none"
        if form.items == "none" and form.excluded:
            form.items = "all"
        return form

    def remember(self, rule: ValidationRule) -> None:
        """Keep what entries say beside their id: limits and effects that the form does not show."""
        given = rule.applicable_to or {}
        for entry in [*(given.get("included") or []), *(given.get("excluded") or [])]:
            self.stored_entries[str(entry.get("id") or entry.get("source_id"))] = entry

    @classmethod
    def posted(cls, data: QueryDict) -> RuleForm:
        """The form as it was typed."""
        form = cls()

        def text(key: str, longest: int = 2000) -> str:
            return data.get(key, "").replace("\x00", "").strip()[:longest]

        form.name, form.message, form.version = text("name"), text("message"), text("version")
        form.items = text("items") if text("items") in ("none", "all", "some") else "none"
        form.included, form.excluded = text("included", LONGEST), text("excluded", LONGEST)
        form.json = text("rules", LONGEST)
        if text("view") == "json":
            form.sheet = None
            return form
        count = (
            min(rule_rows.MOST_ROWS, int(text("count"))) if text("count").isdecimal() and len(text("count")) < 4 else 0
        )
        rows = tuple(_row(data, f"row-{number}-") for number in range(1, count + 1))
        match = text("match") if text("match") in ("all", "any", "own") else "all"
        form.sheet = _acted(Sheet(rows, match, text("logic")), text("act"))
        return form

    def body(self) -> dict[str, Any]:
        """The wire's properties; what is wrong lands in `problems`."""
        if not self.name:
            self.problems["name"] = ["Give the rule a name."]
        if self.sheet is None:
            rules = self._from_json()
        else:
            rules, found = rule_rows.write(self.sheet)
            self.row_problems = found.found
            if found.found:
                self.problems["rules"] = ["Some conditions are not finished."]
        error = {"message": self.message} if self.message else None
        return {"name": self.name, "rules": rules, "error": error, "applicable_to": self._applicable()}

    def _from_json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.json or "{}")
        except (json.JSONDecodeError, RecursionError) as error:
            where = f" in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            self.problems["rules"] = [f"This is not JSON{where}."]
            return {}
        if not isinstance(found, dict):
            self.problems["rules"] = ["The rules should be a JSON object."]
            return {}
        return found

    def _applicable(self) -> dict[str, Any] | None:
        if self.items == "none":
            return None
        parts = {
            name: self._entries(typed) for name, typed in (("included", self.included), ("excluded", self.excluded))
        }
        if self.items == "all":
            return {"included": [], "excluded": parts["excluded"], "included_all": True}
        if not parts["included"]:
            self.problems["included"] = ["Name at least one product, SKU or collection."]
        return {**parts, "included_all": False}

    def _entries(self, typed: str) -> list[Mapping[str, Any]]:
        ids = dict.fromkeys(part.strip() for part in SEPARATORS.split(typed) if part.strip())
        return [self.stored_entries.get(one) or {"object": _object(one), "id": one} for one in ids]


def _object(identifier: str) -> str:
    return next((word for prefix, word in rule_rows.OBJECTS.items() if identifier.startswith(prefix)), "product")


def _row(data: QueryDict, prefix: str, *, nested: bool = False) -> Row:
    def text(key: str) -> str:
        return data.get(prefix + key, "").replace("\x00", "").strip()[:2000]

    values = [part for given in data.getlist(f"{prefix}values") for part in SEPARATORS.split(given.replace("\x00", ""))]
    sub = None if nested or not text("sub-name") else _row(data, f"{prefix}sub-", nested=True)
    row = Row(
        text("name"), text("key"), text("operator"), tuple(v.strip() for v in values if v.strip()), text("message"), sub
    )
    if row.name and row.operator not in operators_of(row.name):
        row = replace(row, operator=usual_operator(row))
    return row if row.name in WITH_SUB else replace(row, sub=None)


def _acted(sheet: Sheet, act: str) -> Sheet:
    """The rows after a button was pressed."""
    if act == "add":
        return replace(sheet, rows=(*sheet.rows, Row())[: rule_rows.MOST_ROWS])
    if act.startswith("remove-") and act[7:].isdecimal():
        gone = int(act[7:])
        return replace(sheet, rows=tuple(row for n, row in enumerate(sheet.rows, start=1) if n != gone))
    return sheet


def usual_operator(row: Row) -> str:
    """What one means most often: an amount is at least so much, a counter at most."""
    offered = operators_of(row.name)
    counts = row.words.group in (rule_words.CAMPAIGN, rule_words.USES)
    usual = "$less_than_or_equal" if counts else "$more_than_or_equal"
    return usual if usual in offered and row.words.kind in ("money", "number") else next(iter(offered), "")


def operators_of(name: str) -> dict[str, str]:
    """Operator → label, in the order of the menu; of a name that the engine does not know, all."""
    known = rule_names.row_of(name)
    offered = set(known.operators) if known is not None else set(rule_words.OPERATORS)
    return {operator: label for operator, label in rule_words.OPERATORS.items() if operator in offered}


def groups(*, nested: bool = False) -> list[tuple[str, list[rule_words.RuleWords]]]:
    """The names that can be chosen, under their headings."""
    found: dict[str, list[rule_words.RuleWords]] = {}
    for row in rule_words.WORDS.values():
        if row.sub == nested and row.name in rule_names.RULE_NAMES:
            found.setdefault(row.group, []).append(row)
    return list(found.items())


class RuleEditor(Page):
    """The form around a rule."""

    permission = Permission.EDIT_VOUCHERS
    section = "rules"
    template_name = "dashboard/rules/edit.html"
    title = "New validation rule"

    def show(self, form: RuleForm, *, stored: ValidationRule | None = None, status: int = 200) -> HttpResponse:
        rows = Segment.objects.of(self.project).only("public_id", "name").order_by("-id")[:MOST_SEGMENTS]
        named = {value for _, row, _, _ in form.rows for value in row.values if row.words.kind == "segment"}
        choices = [(row.public_id, row.name) for row in rows]
        missing = named - {public_id for public_id, _ in choices}
        return self.render(
            {
                "title": f"Edit {stored.name}" if stored else self.title,
                "crumbs": (PROMOTIONS, Crumb("Validation rules", reverse("dashboard:rules"))),
                "form": form,
                "stored": stored,
                "rows": [(*entry, operators_of(entry[1].name), _sub_operators(entry[1])) for entry in form.rows],
                "groups": groups(),
                "sub_groups": groups(nested=True),
                "segments": [*choices, *((one, one) for one in sorted(missing))],
                "can_add": len(form.rows) < rule_rows.MOST_ROWS,
            },
            status=status,
        )

    def get(self, request: HttpRequest) -> HttpResponse:
        source = request.GET.get("from", "")
        form = RuleForm()
        if source:
            rule = validation_rules.find(project=self.project, public_id=source)
            form = RuleForm.of(rule)
            form.name = f"Copy of {rule.name}"[:300]
        if request.GET.get("view") == "json":
            form.sheet = None
        return self.show(form)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RuleForm.posted(request.POST)
        if request.POST.get("act", "save") != "save":
            return self.show(form)
        body = form.body()
        if not form.problems:
            try:
                with transaction.atomic():
                    rule = validation_rules.create(project=self.project, data=body, at=self.at)
                    after = audited.of_rule(rule)
                    self.note("validation_rule.created", "validation_rule", rule.public_id, name=rule.name, after=after)
            except DomainError as error:
                form.problems["rules"] = [sentence_of(error)]
            else:
                messages.success(request, f"Rule {rule.name} is saved. Assign it to what it should guard.")
                return redirect("dashboard:rule", rule.public_id)
        return self.show(form, status=400)


def _sub_operators(row: Row) -> dict[str, str]:
    return operators_of(row.sub.name) if row.sub else {}


class RuleEdit(RuleEditor):
    """Change a rule; it counts at once for everything that it guards."""

    def found(self, public_id: str) -> ValidationRule:
        return validation_rules.find(project=self.project, public_id=public_id)

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:  # type: ignore[override]
        rule = self.found(public_id)
        form = RuleForm.of(rule)
        if request.GET.get("view") == "json":
            form.sheet = None
        return self.show(form, stored=rule)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:  # type: ignore[override]
        rule = self.found(public_id)
        form = RuleForm.posted(request.POST)
        form.remember(rule)
        if request.POST.get("act", "save") != "save":
            return self.show(form, stored=rule)
        body = form.body()
        if form.version != to_wire(rule.updated_at or rule.created_at):
            form.problems["name"] = [
                "Somebody else saved this rule meanwhile. Save again to replace theirs with yours."
            ]
            form.version = to_wire(rule.updated_at or rule.created_at)
        if not form.problems:
            try:
                with transaction.atomic():
                    before = audited.of_rule(rule)
                    changed = validation_rules.update(project=self.project, rule=rule, data=body, at=self.at)
                    after = audited.of_rule(changed)
                    self.note(
                        "validation_rule.changed",
                        "validation_rule",
                        public_id,
                        name=rule.name,
                        before=before,
                        after=after,
                    )
            except DomainError as error:
                form.problems["rules"] = [sentence_of(error)]
            else:
                messages.success(request, f"Rule {changed.name} is saved and counts at once.")
                return redirect("dashboard:rule", public_id)
        return self.show(form, stored=rule, status=400)
