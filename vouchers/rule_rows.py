"""Validation rules as rows of a form, and back. Pure; what rows cannot say stays JSON.

A row is one condition: a name, maybe a key of metadata, one operator and its values as they are typed. Rules about
items may have one more condition on the items that match.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from vouchers import rule_words

MOST_ROWS: Final = 30
NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
WHOLE_SET: Final = "own"


@dataclass(frozen=True)
class Row:
    """One condition as it is typed. sub: a condition on the items that match."""

    name: str = ""
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    message: str = ""
    sub: Row | None = None

    @property
    def words(self) -> rule_words.RuleWords:
        """What the name is called, and what kind its values are."""
        return rule_words.words_of(self.name)

    @property
    def typed(self) -> str:
        """The values in one field."""
        return ", ".join(self.values)


@dataclass(frozen=True)
class Sheet:
    """All rows. match: all, any, or own for a logic that is written out."""

    rows: tuple[Row, ...] = ()
    match: str = "all"
    logic: str = ""


@dataclass
class Problems:
    """What is wrong, by the number of the row; 0 is the whole."""

    found: dict[int, list[str]] = field(default_factory=dict)

    def add(self, number: int, sentence: str) -> None:
        """Note it."""
        self.found.setdefault(number, []).append(sentence)


def read(rules: Mapping[str, Any]) -> Sheet | None:
    """The stored rules as rows; None where rows cannot say the same."""
    numbers = sorted(int(key) for key in rules if key != "logic")
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > MOST_ROWS:
        return None
    rows = [_row(rules[str(number)]) for number in numbers]
    if any(row is None for row in rows):
        return None
    logic = str(rules.get("logic") or "")
    return Sheet(tuple(row for row in rows if row is not None), _match(logic, len(numbers)), logic)


def write(sheet: Sheet) -> tuple[dict[str, Any], Problems]:
    """The wire's rules of the rows, and what is wrong with them."""
    problems = Problems()
    rules: dict[str, Any] = {}
    for number, row in enumerate(sheet.rows, start=1):
        rules[str(number)] = _rule(row, number, problems)
    if sheet.match == WHOLE_SET and sheet.logic.strip():
        rules["logic"] = sheet.logic.strip()
    elif rules:
        rules["logic"] = (" OR " if sheet.match == "any" else " AND ").join(rules)
    return rules, problems


def _match(logic: str, count: int) -> str:
    plain = logic.lower().replace("(", " ").replace(")", " ").split()
    numbers, between = plain[::2], set(plain[1::2])
    if numbers != [str(number) for number in range(1, count + 1)] and logic.strip():
        return WHOLE_SET
    if "or" not in between:
        return "all"
    return "any" if between == {"or"} else WHOLE_SET


def _row(rule: Any, *, nested: bool = False) -> Row | None:
    """None where a row cannot show it."""
    if not isinstance(rule, Mapping):
        return None
    conditions, inner = rule.get("conditions") or {}, rule.get("rules") or {}
    if len(conditions) != 1 or set(rule) - {"name", "property", "conditions", "rules", "error"}:
        return None
    ((operator, given),) = conditions.items()
    words = rule_words.words_of(str(rule.get("name")))
    values = [_shown(value, words.kind) for value in (given if isinstance(given, list) else [given])]
    if any(value is None or "," in value or "\n" in value for value in values):
        return None
    sub = None
    if deeper := set(inner) - {"logic"}:
        sub = None if nested or deeper != {"1"} else _row(inner["1"], nested=True)
        if sub is None:
            return None
    return Row(
        name=words.name,
        key=str(rule.get("property") or ""),
        operator=rule_words.SPELLINGS.get(operator, operator),
        values=tuple(value for value in values if value is not None),
        message=str((rule.get("error") or {}).get("message") or ""),
        sub=sub,
    )


def _shown(value: Any, kind: str) -> str | None:
    if kind == "product":
        if not isinstance(value, Mapping):
            return str(value)
        return (
            str(value["id"])
            if set(value) <= {"id", "object", "type", "source_id", "strict"} and "id" in value
            else None
        )
    if isinstance(value, Mapping | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "money":
        try:
            return f"{Decimal(str(value)) / 100:.2f}"
        except InvalidOperation:
            return None
    if kind == "any" and isinstance(value, str) and (NUMBER.fullmatch(value) or value in ("true", "false")):
        return f'"{value}"'
    return str(value)


def _rule(row: Row, number: int, problems: Problems) -> dict[str, Any]:
    words = row.words
    rule: dict[str, Any] = {"name": row.name}
    if not row.name:
        problems.add(number, "Choose what the condition is about.")
    if words.has_property:
        rule["property"] = row.key
        if not row.key:
            problems.add(number, "Say which key of the metadata.")
    operator = "$is" if words.kind == "flag" else row.operator
    values: Sequence[Any] = (
        [True] if words.kind == "flag" else [_value(v, words.kind, number, problems) for v in row.values]
    )
    if not operator:
        problems.add(number, "Choose how it is compared.")
    elif not values:
        problems.add(number, "Say with what it is compared.")
    rule["conditions"] = {operator: list(values)}
    rule["rules"] = {} if row.sub is None else {"1": _rule(row.sub, number, problems), "logic": "1"}
    if row.message:
        rule["error"] = {"message": row.message}
    return rule


OBJECTS: Final = {"prod_": "product", "sku_": "sku", "pc_": "products_collection"}


def _value(text: str, kind: str, number: int, problems: Problems) -> Any:
    if kind in ("money", "number"):
        plain = text.replace(" ", "")
        if not NUMBER.fullmatch(plain):
            problems.add(number, f"“{text}” is not a number.")
            return 0
        amount = Decimal(plain) * (100 if kind == "money" else 1)
        if kind == "money" and amount != amount.to_integral_value():
            problems.add(number, f"“{text}” has more than two decimals.")
        return int(amount) if amount == amount.to_integral_value() else float(amount)
    if kind == "product":
        sort = next((word for prefix, word in OBJECTS.items() if text.startswith(prefix)), "product")
        return {"id": text, "object": sort}
    if kind == "any":
        if len(text) >= 2 and text[0] == text[-1] == '"':
            return text[1:-1]
        if text in ("true", "false"):
            return text == "true"
        if NUMBER.fullmatch(text):
            return int(text) if "." not in text else float(text)
    return text
