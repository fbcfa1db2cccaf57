"""Fields and operators as JSON for the builder, so that page and compiler cannot drift. Pure.

    {"fields":    [{"key": "address.city", "label": "City", "group": "Address", "type": "text", "array": false,
                    "unit": "", "hint": "", "declared": true, "template": false, "values": ["…"]}],
     "operators": {"text": [{"op": "$is", "label": "is", "arity": "many", "widget": "combobox", "negative": false}]},
     "groups":    ["Profile", "Address", …]}

type: text, number, date, datetime, boolean, any, segment; `list` for fields of many values and `event` for "how often".
`values` is there only where they are declared. A field with `template` has a part in angle brackets that the page asks
for (`events.<name>.count`). arity: 0, 1 or "many". widget: none, combobox, chips, number, days, date, month_day,
choice, segment, between. negative: matches customers without a value too. unit: of the number. turn: -1 and 1 where the
number counts days back from today or ahead.

An operator of several writes all of them into one `conditions`: of "$a $b" each takes one of two values, of "$a +$b"
the second is a flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from config.filters.fields import Field, FieldTable
from config.filters.operators import ROWS, Operator
from config.filters.values import DATES, Argument, Kind

GROUPS = (
    *("Profile", "Address", "Orders", "Redemptions", "Publications", "Gift cards and points", "Events", "Segments"),
    *("Metadata", "System"),
)
EVENT, LIST = "event", "list"
BETWEEN = "$more_than_equal $less_than_equal"
_CHIPS = frozenset({"$in", "$not_in", "$includes", "$intersects"})


def catalogue(fields: FieldTable, *, seen: Iterable[Field] = ()) -> dict[str, Any]:
    """The builder's data. seen: fields that exist only in stored data or have a name of their own (event names)."""
    rows = {row.key: render_field(row) for row in fields if row.offered}
    for row in seen:
        rows.setdefault(row.key, render_field(row))
    for pattern in fields.patterns:
        template = pattern.field(f"{pattern.prefix}{pattern.example}{pattern.suffix}")
        if template is not None:
            rows[template.key] = render_field(template) | {"template": True}
    return {"fields": list(rows.values()), "operators": operators(), "groups": list(GROUPS)}


def render_field(field: Field) -> dict[str, Any]:
    """One row of the field picker."""
    rendered: dict[str, Any] = {
        "key": field.key,
        "label": field.label,
        "group": field.group,
        "type": type_of(field),
        "array": field.array,
        "unit": field.unit,
        "hint": field.hint,
        "declared": field.declared,
        "template": False,
    }
    return rendered | ({"values": list(field.values)} if field.values else {})


def type_of(field: Field) -> str:
    """The key of the field's operators in the catalogue."""
    if field.array:
        return LIST
    return EVENT if field.unit == "times" else field.kind.value


def operators() -> dict[str, list[dict[str, Any]]]:
    """The operators of each type in the order of their rows."""
    offered = {
        kind.value: [
            rendered
            for row in ROWS
            if kind in row.kinds and kind not in row.hidden and (not row.for_lists or kind is Kind.ANY)
            for rendered in (_render(row, kind), *_with(row, kind))
        ]
        for kind in Kind
    }
    offered[LIST] = [
        _render(row, Kind.TEXT, chips=True)
        for row in ROWS
        if row.for_lists or row.key in ("$not_in", "$contains", "$not_contain", "$has_value", "$is_unknown")
    ]
    for row in offered[LIST]:
        if row["op"] == "$not_in":
            row["label"] = "includes none of"
    offered[EVENT] = [
        rendered
        for row in ROWS
        if row.event_label
        for rendered in (_render(replace(row, label=row.event_label), Kind.NUMBER), *_with(row, Kind.NUMBER))
    ]
    return offered


def _with(row: Operator, kind: Kind) -> Iterable[dict[str, Any]]:
    """Operators of several that stand after this one."""
    if row.key == "$less_than_equal":
        yield {"op": BETWEEN, "label": "is between", "arity": 2, "widget": "between", "negative": False}
    if row.negates and row.key != "$is_unknown" and kind is not Kind.SEGMENT:
        alone = _render(row, kind)
        words = f"{alone['label']}, and has a value"
        yield alone | {"op": f"{row.key} +$has_value", "label": words, "negative": False}


def _render(row: Operator, kind: Kind, *, chips: bool = False) -> dict[str, Any]:
    label = row.date_label if kind in DATES and row.date_label else row.label
    arity: int | str = 0 if row.argument is Argument.FLAG else 1 if row.argument.is_single else "many"
    widget = _widget(row, kind)
    if chips and arity == "many":
        widget = "chips"
    rendered = {"op": row.key, "label": label, "arity": arity, "widget": widget, "negative": bool(row.negates)}
    if widget == "days":
        rendered["unit"] = "years" if "years" in row.key else "days"
        if "years" not in row.key:
            rendered["turn"] = 1 if "future" in row.key else -1
    return rendered


def _widget(row: Operator, kind: Kind) -> str:
    match row.argument:
        case Argument.FLAG:
            return "none"
        case Argument.INSTANT:
            return "date"
        case Argument.MONTH_DAY:
            return "month_day"
        case Argument.DAYS:
            return "number" if row.for_lists else "days"
        case Argument.VALUES if row.key in _CHIPS and kind is not Kind.SEGMENT:
            return "chips"
        case Argument.VALUES:
            return _VALUE_WIDGETS[kind]
        case Argument.TEXTS:
            return "combobox"
        case _:
            return "number"


_VALUE_WIDGETS = {
    Kind.TEXT: "combobox",
    Kind.ANY: "combobox",
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "date",
    Kind.BOOLEAN: "choice",
    Kind.SEGMENT: "segment",
}
