"""The formula language of discounts: text → tree. Never evaluated by Python itself; depth, length and size are bounded.

    expr ::= and { OR and }          and  ::= comparison { AND comparison }
    comparison ::= sum [ operator sum ]   sum ::= product { (+|-) product }   product ::= sign { (*|/|%) sign }
    sign ::= ["-"] primary           primary ::= number | "text" | NAME [ "(" expr { ";" expr } ")" ] | "(" expr ")"

Source: vouchers, dynamic formula language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

LONGEST: Final = 2000
DEEPEST: Final = 24
MOST_NODES: Final = 400

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>[0-9]{1,15}(?:\.[0-9]{1,10})?)
    |"(?P<text>[^"\\]*)"
    |(?P<name>[A-Za-z][A-Za-z_]{0,60})
    |(?P<mark>>=|<=|!=|<>|[-+*/%÷×<>=();]))""",
    re.VERBOSE,
)
_SAME: Final = {"÷": "/", "×": "*", "<>": "!="}
COMPARISONS: Final = frozenset({">", "<", "=", ">=", "<=", "!="})
WORDS: Final = frozenset(
    {"IS", "ISNOT", "CONTAINS", "STARTSWITH", "ENDSWITH", "IN_ARRAY", "NOT_IN_ARRAY"}
    | {"DATE_IS", "DATE_IS_NOT", "IS_AFTER", "IS_BEFORE"}
)
"""Operators that are words, in capitals."""
METADATA: Final = frozenset(
    {"ORDER_METADATA", "CUSTOMER_METADATA", "REDEMPTION_METADATA", "PUBLICATION_METADATA", "REDEEMABLE_METADATA"}
    | {f"{line}ORDER_ITEM_{what}" for line in ("", "CHEAPEST_", "MOST_EXPENSIVE_")
       for what in ("METADATA", "PRODUCT_METADATA")}
)  # fmt: skip
"""Operands that take a key: NAME("key")."""
OPERANDS: Final = frozenset(
    {f"{line}ORDER_ITEM_{what}" for line in ("", "CHEAPEST_", "MOST_EXPENSIVE_")
     for what in ("PRICE", "AMOUNT", "SUBTOTAL", "UNITS_QUANTITY")}
    | {"ORDER_AMOUNT", "ORDER_ITEMS_QUANTITY", "ORDER_UNITS_QUANTITY"}
    | {"VOUCHER_REDEMPTION_QUANTITY", "VOUCHER_REDEEMED_QUANTITY", "VOUCHER_PUBLISH_COUNT"}
    | {"VOUCHER_START_DATE", "VOUCHER_EXPIRATION_DATE"}
    | {"PROMOTION_TIER_START_DATE", "PROMOTION_TIER_EXPIRATION_DATE", "CUSTOMER_BIRTHDATE", "TODAY", "NOW"}
    | {"TRUE", "FALSE"}
)  # fmt: skip
FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(("MIN", "MAX", "DEFAULT_TO"), (1, 50)),
    **dict.fromkeys(("AND", "OR"), (1, 50)),
    **dict.fromkeys(("POW", "DATE_IS", "DATE_IS_NOT", "IS_AFTER", "IS_BEFORE", "SWITCH_CASE"), (2, 2)),
    **dict.fromkeys(("ROUND", "FLOOR", "CEIL"), (1, 2)),
    **dict.fromkeys(("IN_ARRAY", "NOT_IN_ARRAY"), (2, 50)),
    "IF": (3, 3),
    "SWITCH": (2, 3),
    **dict.fromkeys(("DATE", "DATE_TIME", "DAY_OF_MONTH", "MONTH", "YEAR"), (1, 1)),
    **dict.fromkeys(("DAYS_SINCE", "MONTHS_SINCE", "YEARS_SINCE", "DAYS_UNTIL", "MONTHS_UNTIL"), (1, 1)),
}
"""Least and most arguments."""


class FormulaError(ValueError):
    """The text is no formula; the message says where."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a text."""

    value: Fraction | str


@dataclass(frozen=True, slots=True)
class Operand:
    """Something of the situation; key: of metadata."""

    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator with its arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """The SWITCH_CASE(…) of a SWITCH, one after the other."""

    cases: tuple[Call, ...]


Node = Literal | Operand | Call | Cases


def parse(text: object) -> Node:
    """Return the tree. Raises FormulaError, also for what is no text."""
    if not isinstance(text, str):
        raise FormulaError("should be string")
    if len(text) > LONGEST:
        raise FormulaError(f"is longer than {LONGEST} characters")
    return _parsed(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Node:
    parser = _Parser(_tokens(text))
    tree = parser.expression(0)
    if (rest := parser.peek()) is not None:
        raise FormulaError(f"has an unexpected '{rest[1]}'")
    return tree


def reads_line(node: Node) -> bool:
    """Whether the formula is about the current line, so that it has a value for each."""
    match node:
        case Operand(name):
            return name.startswith("ORDER_ITEM_")
        case Call(_, arguments):
            return any(reads_line(argument) for argument in arguments)
        case Cases(cases):
            return any(reads_line(case) for case in cases)
        case _:
            return False


Token = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"has an unexpected '{text[position:].strip()[:10]}'")
        kind = str(match.lastgroup)
        value = match.group(kind)
        tokens.append((kind, _SAME.get(value, value) if kind == "mark" else value))
        position = match.end()
    if not tokens:
        raise FormulaError("is empty")
    return tokens


class _Parser:
    """Recursive descent; every level of depth is counted, so the stack is bounded."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._nodes = 0

    def peek(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def expression(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise FormulaError(f"is nested deeper than {DEEPEST} levels")
        return self._joined("OR", lambda: self._joined("AND", lambda: self._comparison(depth)))

    def _joined(self, word: str, part: Any) -> Node:
        node: Node = part()
        while self._is_word(word):
            self._position += 1
            node = self._made(Call(word, (node, part())))
        return node

    def _comparison(self, depth: int) -> Node:
        left = self._sum(depth)
        token = self.peek()
        if token is None:
            return left
        kind, value = token
        name = value if kind == "mark" and value in COMPARISONS else None
        if kind == "name" and value.upper() in WORDS:
            name = value.upper()
        if name is None:
            return left
        self._position += 1
        return self._made(Call(name, (left, self._sum(depth))))

    def _sum(self, depth: int) -> Node:
        node = self._product(depth)
        while (mark := self._mark("+", "-")) is not None:
            node = self._made(Call(mark, (node, self._product(depth))))
        return node

    def _product(self, depth: int) -> Node:
        node = self._sign(depth)
        while (mark := self._mark("*", "/", "%") or self._times()) is not None:
            node = self._made(Call(mark, (node, self._sign(depth))))
        return node

    def _sign(self, depth: int) -> Node:
        if self._mark("-") is not None:
            if depth > DEEPEST:
                raise FormulaError(f"is nested deeper than {DEEPEST} levels")
            return self._made(Call("-", (Literal(Fraction(0)), self._sign(depth + 1))))
        return self._primary(depth)

    def _primary(self, depth: int) -> Node:
        token = self.peek()
        if token is None:
            raise FormulaError("ends too early")
        self._position += 1
        kind, value = token
        if kind == "number":
            return self._made(Literal(Fraction(value)))
        if kind == "text":
            return self._made(Literal(value))
        if kind == "name":
            return self._named(value.upper(), value, depth)
        if value != "(":
            raise FormulaError(f"has an unexpected '{value}'")
        inner = self.expression(depth + 1)
        self._expect(")")
        return inner

    def _named(self, name: str, sent: str, depth: int) -> Node:
        if self._mark("(") is None:
            if name not in OPERANDS:
                raise FormulaError(f"has an unknown name '{sent}'")
            return self._made(Operand(name))
        arguments = self._arguments(depth + 1)
        if name in METADATA:
            key = arguments[0] if len(arguments) == 1 else None
            if not isinstance(key, Literal) or not isinstance(key.value, str):
                raise FormulaError(f'has {sent} without one key in quotes: {sent}("key")')
            return self._made(Operand(name, key.value))
        if name not in FUNCTIONS:
            raise FormulaError(f"has an unknown name '{sent}'")
        least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise FormulaError(f"has {sent} with {len(arguments)} arguments")
        if name == "SWITCH" and not isinstance(arguments[1], Cases):
            raise FormulaError("has SWITCH without SWITCH_CASE")
        return self._made(Call(name, tuple(arguments)))

    def _arguments(self, depth: int) -> list[Node]:
        arguments: list[Node] = []
        if self._mark(")") is not None:
            return arguments
        while True:
            node = self.expression(depth)
            if isinstance(node, Call) and node.name == "SWITCH_CASE":
                node = self._cases(node, depth)
            arguments.append(node)
            if self._mark(";") is None:
                break
        self._expect(")")
        return _gathered(arguments)

    def _cases(self, first: Call, depth: int) -> Node:
        cases = [first]
        while self._is_word("SWITCH_CASE"):
            node = self._primary(depth)
            if isinstance(node, Call):
                cases.append(node)
        return self._made(Cases(tuple(cases)))

    def _is_word(self, word: str) -> bool:
        token = self.peek()
        return token is not None and token[0] == "name" and token[1].upper() == word

    def _times(self) -> str | None:
        """The docs print `x` for times."""
        if not self._is_word("X"):
            return None
        self._position += 1
        return "*"

    def _mark(self, *marks: str) -> str | None:
        token = self.peek()
        if token is None or token[0] != "mark" or token[1] not in marks:
            return None
        self._position += 1
        return token[1]

    def _expect(self, mark: str) -> None:
        if self._mark(mark) is None:
            token = self.peek()
            raise FormulaError(f"misses a '{mark}'" + (f" before '{token[1]}'" if token else ""))

    def _made(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise FormulaError(f"has more than {MOST_NODES} parts")
        return node


def _gathered(arguments: list[Node]) -> list[Node]:
    """Cases that were separated by `;` become one, as those without."""
    gathered: list[Node] = []
    for node in arguments:
        if isinstance(node, Cases) and gathered and isinstance(gathered[-1], Cases):
            gathered[-1] = Cases(gathered[-1].cases + node.cases)
        else:
            gathered.append(node)
    return gathered
