"""The `logic` text of validation rules: numbers, `and`, `or`, parentheses; `and` binds tighter.

    expr ::= term { OR term }    term ::= factor { AND factor }    factor ::= number | "(" expr ")"

Source: validation rules, grammar of `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vouchers.engine.rule_terms import All, AnyOf, Logic, Ref

LONGEST: Final = 4000
DEEPEST: Final = 32
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,6})(?![0-9A-Za-z])|(?P<word>and|or)(?![0-9A-Za-z])|(?P<mark>[()]))", re.I
)


class LogicError(ValueError):
    """The text is no logic; the message says where."""


def parse(text: str) -> Logic:
    """Return the tree of a logic text; an empty text is true for everything. Raises LogicError."""
    if len(text) > LONGEST:
        raise LogicError(f"is longer than {LONGEST} characters")
    tokens = _tokens(text)
    if not tokens:
        return All(())
    parser = _Parser(tokens)
    tree = parser.expression(0)
    if parser.peek() is not None:
        raise LogicError(f"has an unexpected '{parser.peek()}'")
    return tree


def every(numbers: Iterable[int]) -> Logic:
    """The logic that is filled in where none was sent: all rules hold."""
    return _joined(All, [Ref(number) for number in sorted(numbers)])


def to_text(logic: Logic) -> str:
    """Write a tree that `every` made: `1 and 2`."""
    match logic:
        case Ref(number):
            return str(number)
        case All(children):
            return " and ".join(_in_parentheses(child) for child in children)
        case AnyOf(children):
            return " or ".join(_in_parentheses(child) for child in children)


def numbers_of(logic: Logic) -> list[int]:
    """The rules that the logic mentions, in numeric order, each once."""
    match logic:
        case Ref(number):
            return [number]
        case All(children) | AnyOf(children):
            return sorted({number for child in children for number in numbers_of(child)})


def holds(logic: Logic, results: dict[int, bool]) -> bool:
    """Whether the logic is true for the rules' results by number."""
    match logic:
        case Ref(number):
            return results[number]
        case All(children):
            return all(holds(child, results) for child in children)
        case AnyOf(children):
            return any(holds(child, results) for child in children)


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise LogicError(f"has an unexpected '{text[position:].strip()[:10]}'")
        tokens.append(match.group().strip().lower())
        position = match.end()
    return tokens


def _joined(kind: type[All] | type[AnyOf], children: list[Logic]) -> Logic:
    return children[0] if len(children) == 1 else kind(tuple(children))


def _in_parentheses(logic: Logic) -> str:
    return str(logic.number) if isinstance(logic, Ref) else f"({to_text(logic)})"


class _Parser:
    """Recursive descent over the tokens; the depth of parentheses is bounded."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0

    def peek(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def expression(self, depth: int) -> Logic:
        children = [self._term(depth)]
        while self.peek() == "or":
            self._position += 1
            children.append(self._term(depth))
        return _joined(AnyOf, children)

    def _term(self, depth: int) -> Logic:
        children = [self._factor(depth)]
        while self.peek() == "and":
            self._position += 1
            children.append(self._factor(depth))
        return _joined(All, children)

    def _factor(self, depth: int) -> Logic:
        token = self.peek()
        self._position += 1
        if token is None:
            raise LogicError("ends too early")
        if token.isdigit():
            return Ref(int(token))
        if token != "(":  # noqa: S105
            raise LogicError(f"has an unexpected '{token}'")
        if depth >= DEEPEST:
            raise LogicError(f"is nested deeper than {DEEPEST} levels")
        inner = self.expression(depth + 1)
        if self.peek() != ")":
            raise LogicError("misses a ')'")
        self._position += 1
        return inner
