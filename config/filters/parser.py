"""JSON → tree. Reports every problem at once, each with its path and in the wire's words. Pure.

The grammar:  filter := {"junction": "and"|"or"|"none", <field>: {"conditions": {<op>: <value>, …}}, <group>: filter, …}
A key whose value has `junction` and no `conditions` is a nested group of free name. Several operators in one
`conditions` must all hold, whatever the junction. Source: segments.md §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.filters import values as wire
from config.filters.ast import AllOf, AnyOf, Compare, Node, Not, Value
from config.filters.fields import Field, FieldTable
from config.filters.operators import CANONICAL, NOT_YET, OPERATORS
from config.filters.values import Argument, WrongValue, convert
from config.kernel.errors import InvalidPayload

JUNCTIONS = ("and", "or", "none")
MOST_PROBLEMS = 100
NAMED_IN_ERRORS = (
    "$in, $not_in, $in_location, $not_in_location, $is, $is_days_ago, $is_days_in_future, $is_not, $has_value, "
    "$is_unknown, $contains, $not_contain, $starts_with, $ends_with, $more_than, $less_than, $more_than_ago, "
    "$less_than_ago, $more_than_future, $less_than_future, $more_than_equal, $less_than_equal, $after, $before, "
    "$count, $count_less, $count_more, $today, $tomorrow, $yesterday, $this_week, $last_week, $next_week, $this_month, "
    "$last_month, $next_month, $this_year, $next_year, $last_year, $is_day_of_month, $is_day, $is_month, $is_year, "
    "$today_md, $tomorrow_md, $yesterday_md, $this_week_md, $last_week_md, $next_week_md, $this_month_md, "
    "$last_month_md, $next_month_md, $is_days_ago_md, $is_more_days_ago_md, $is_less_days_ago_md, "
    "$is_days_in_future_md, $is_more_days_in_future_md, $is_less_days_in_future_md, $is_years_ago, $active, $failed, "
    "$in_progress, $expired, $before_start, $enabled, $disabled, $redeemed, $redeemable"
)
"""The list that the wire's error text gives, in its order."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a filter may be. depth: nested groups, the outermost counts as 1; size: characters of JSON, about."""

    depth: int = 5
    conditions: int = 200
    values: int = 5_000
    size: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """path: where, `.filter.name.conditions.$is[2]`; message: a whole sentence in the wire's words."""

    path: str
    message: str


class InvalidFilter(InvalidPayload):
    """Invalid payload"""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """details: all problems, each once; a sentence that does not name its place is followed by it."""
        self.problems = problems
        super().__init__("; ".join(dict.fromkeys(_located(problem) for problem in problems)))


def _located(problem: Problem) -> str:
    """The wire's sentence about operators names only the whole filter."""
    is_general = problem.message.endswith(NAMED_IN_ERRORS)
    return f"{problem.message} (found at {problem.path})" if is_general else problem.message


def parse(
    body: object,
    fields: FieldTable,
    *,
    path: str = ".filter",
    default_junction: str | None = None,
    limits: Limits | None = None,
    empty: str | None = None,
) -> Node:
    """Return the tree of a filter.

    default_junction: for lists and exports, where it may be missing. empty: the message for a filter without any
    condition. Raises InvalidFilter with every problem.
    """
    node, problems = read(body, fields, path=path, default_junction=default_junction, limits=limits, empty=empty)
    if problems or node is None:
        raise InvalidFilter(problems)
    return node


def read(
    body: object,
    fields: FieldTable,
    *,
    path: str = ".filter",
    default_junction: str | None = None,
    limits: Limits | None = None,
    empty: str | None = None,
) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree and no problems, or None and every problem."""
    reader = _Reader(fields, path, default_junction, limits or Limits())
    if size_of(body, reader.limits.size) > reader.limits.size:
        reader.add(path, f"Property {path} cannot be larger than {reader.limits.size // 1024} kB")
        return None, tuple(reader.problems)
    node = reader.group(body, path, 1, empty)
    if reader.conditions > reader.limits.conditions:
        reader.add(path, f"Property {path} must NOT have more than {reader.limits.conditions} conditions")
    return (None if reader.problems else node), tuple(reader.problems)


def size_of(body: object, enough: int) -> int:
    """About the length of the value's JSON; stops counting above `enough`. Does not recurse."""
    size, waiting = 0, [body]
    while waiting and size <= enough:
        match waiting.pop():
            case str() as text:
                size += len(text) + 3
            case Mapping() as mapping:
                size += 2
                for key, value in mapping.items():
                    size += len(str(key)) + 4
                    waiting.append(value)
            case list() | tuple() as items:
                size += 2 + len(items)
                waiting.extend(items)
            case bool() | None:
                size += 5
            case other:
                size += len(repr(other)) + 1 if not isinstance(other, int) else other.bit_length() // 3 + 2
    return size


class _Reader:
    """Walks one filter and gathers its problems."""

    def __init__(self, fields: FieldTable, path: str, default_junction: str | None, limits: Limits) -> None:
        self.fields = fields
        self.path = path
        self.default_junction = default_junction
        self.limits = limits
        self.problems: list[Problem] = []
        self.conditions = 0

    def add(self, path: str, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, message))

    def group(self, body: object, path: str, depth: int, empty: str | None = None) -> Node | None:
        if depth > self.limits.depth:
            self.add(path, f"Property {path} cannot be nested deeper than {self.limits.depth} groups")
            return None
        if not isinstance(body, Mapping):
            self.add(path, f"Property {path} should be object")
            return None
        junction = self._junction(body, path)
        children = [self._child(str(key), value, path, depth) for key, value in body.items() if key != "junction"]
        if not children:
            self.add(path, empty or f"Property {path} should contain at least one condition")
        found = tuple(child for child in children if child is not None)
        if junction is None or not found or len(found) < len(children):
            return None
        if junction == "and":
            return AllOf(found, path)
        return AnyOf(found, path) if junction == "or" else Not(AnyOf(found, path), path)

    def _junction(self, body: Mapping[object, object], path: str) -> str | None:
        junction = body.get("junction", self.default_junction)
        if isinstance(junction, str) and junction.lower() in JUNCTIONS:
            return junction.lower()
        self.add(path, f"Property {path} has wrong `junction` property. It must be one of: {', '.join(JUNCTIONS)}")
        return None

    def _child(self, key: str, value: object, path: str, depth: int) -> Node | None:
        here = f"{path}.{key}"
        if isinstance(value, Mapping) and "junction" in value and "conditions" not in value:
            return self.group(value, here, depth + 1)
        field = self.fields.get(key) if _is_storable(key) else None
        if field is None:
            shown = key if _is_storable(key) else key.encode("ascii", "replace").decode().replace("\0", "?")
            self.add(f"{path}.{shown}", f"Property {path} has unknown field `{shown[:200]}`")
            return None
        if not isinstance(value, Mapping):
            self.add(here, f"Property {here} should be object")
            return None
        if "conditions" not in value:
            self.add(here, f"Property {here} should have required property 'conditions'")
            return None
        for extra in value:
            if extra != "conditions":
                self.add(here, f"Property {here} should NOT have additional property '{str(extra)[:80]}'")
        return self._conditions(field, value["conditions"], f"{here}.conditions")

    def _conditions(self, field: Field, conditions: object, path: str) -> Node | None:
        if not isinstance(conditions, Mapping):
            self.add(path, f"Property {path} should be object")
            return None
        if not conditions:
            self.add(path, f"Property {path} should NOT have fewer than 1 properties")
            return None
        self.conditions += len(conditions)
        if self.conditions > self.limits.conditions:
            return None
        found = [self._condition(field, str(op), raw, f"{path}.{op}") for op, raw in conditions.items()]
        nodes = tuple(node for node in found if node is not None)
        if len(nodes) < len(found):
            return None
        return nodes[0] if len(nodes) == 1 else AllOf(nodes, path)

    def _condition(self, field: Field, written: str, raw: object, path: str) -> Node | None:
        if written in NOT_YET:
            self.add(path, f"Property {path} is not supported: there are no locations yet")
            return None
        key = CANONICAL.get(written)
        if key is None:
            shown = written.encode("ascii", "replace").decode().replace("\0", "?")[:80]
            self.add(f"{path.removesuffix(written)}{shown}", self._wrong_operator())
            return None
        operator = OPERATORS[key]
        if field.kind not in operator.kinds:
            self.add(path, f"Property {path} cannot be used: `{field.key}` is a {field.kind} field")
            return None
        values = self._values(raw, operator.argument, field, path)
        if values is None:
            return None
        if operator.argument is Argument.FLAG:
            node = Compare(field.key, key, (True,), path)
            return node if values[0] is True else Not(node, path)
        return Compare(field.key, key, values, path)

    def _wrong_operator(self) -> str:
        return (
            f"Property {self.path} should match either `filters[${{field}}][conditions][${{condition}}][${{index}}]` "
            "or `filters[${field}][conditions][${condition}]` format and condition must be one of: " + NAMED_IN_ERRORS
        )

    def _values(self, raw: object, argument: Argument, field: Field, path: str) -> tuple[Value, ...] | None:
        items = list(raw) if isinstance(raw, list | tuple) else [raw]
        if not items:
            self.add(path, f"Property {path} should NOT have fewer than 1 items")
            return None
        if argument.is_single and len(items) > 1:
            self.add(path, f"Property {path} should NOT have more than 1 items")
            return None
        if len(items) > self.limits.values:
            self.add(path, f"Property {path} must NOT have more than {self.limits.values} items")
            return None
        return self._converted(items, argument, field, path, indexed=isinstance(raw, list | tuple))

    def _converted(
        self, items: list[object], argument: Argument, field: Field, path: str, *, indexed: bool
    ) -> tuple[Value, ...] | None:
        found: list[Value] = []
        wrong = False
        for index, item in enumerate(items):
            try:
                value = convert(item, argument, field.kind, as_stored=field.exact)
            except WrongValue as complaint:
                here = f"{path}[{index}]" if indexed else path
                self.add(here, f"Property {here} {complaint}")
                wrong = True
            else:
                found.append(value.lower() if field.lowered and isinstance(value, str) else value)
        return None if wrong else _distinct(found)


def _distinct(values: list[Value]) -> tuple[Value, ...]:
    """Without repetitions; True and 1 stay apart."""
    return tuple({(type(value), value): value for value in values}.values())


def _is_storable(key: str) -> bool:
    try:
        wire.convert(key, Argument.TEXTS, wire.Kind.TEXT)
    except WrongValue:
        return False
    return True
