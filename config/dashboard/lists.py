"""Lists: columns as data, keyset paging with signed cursors, tabs, filter chips, search, a count up to 10,000.

`read(spec, rows, query)` turns a queryset and the URL's parameters into a `Listing` that `_list.html` draws. A list
never needs OFFSET or a full count, so a million rows cost what ten do. The same state is always the same URL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet

COUNT_LIMIT: Final = 10_000
PAGE_SIZE: Final = 50
SALT: Final = "dashboard.lists"
RESERVED: Final = ("q", "tab", "sort", "cursor")

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Column(Generic[ModelT]):
    """One column. cell: what stands in a row, text or safe markup. sort: key of the Sort its head switches to."""

    label: str
    cell: Callable[[ModelT], Any]
    sort: str = ""
    number: bool = False
    on_phone: bool = True


@dataclass(frozen=True)
class Sort:
    """An order with an index behind it; ties are broken by the row's id.

    column: a field or annotation of the queryset. nullable: rows without a value come last, in either direction.
    """

    key: str
    label: str
    column: str
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class Tab:
    """A part of the list under a name; the first tab has the key '' and is the default."""

    key: str
    label: str
    q: Q = field(default_factory=Q)


@dataclass(frozen=True)
class Filter:
    """A condition in the URL, shown as a chip. choices: (value, label) for a menu, empty for free text.

    apply: narrows the rows by the value; it may raise ValueError with a sentence, which stands above the list.
    """

    key: str
    label: str
    apply: Callable[[Any, str], Any]
    choices: tuple[tuple[str, str], ...] = ()
    words: Callable[[str], str] | None = None
    kind: str = "text"
    offered: bool = True

    def sentence(self, value: str) -> str:
        """Country is DE."""
        if self.words is not None:
            return self.words(value)
        return f"{self.label} is {dict(self.choices).get(value, value)}"


@dataclass(frozen=True, kw_only=True)
class ListSpec(Generic[ModelT]):
    """How a list looks and what it can do. sorts: the first one is the default."""

    one: str
    many: str
    columns: tuple[Column[ModelT], ...]
    sorts: tuple[Sort, ...]
    tabs: tuple[Tab, ...] = ()
    filters: tuple[Filter, ...] = ()
    search: Callable[[Any, str], Any] | None = None
    search_hint: str = ""
    page_size: int = PAGE_SIZE


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the URL without it."""

    words: str
    remove_url: str


@dataclass(frozen=True)
class Head:
    """A column's head: the URL that sorts by it, and how it is sorted now."""

    label: str
    number: bool
    on_phone: bool
    url: str = ""
    direction: str = ""


@dataclass(frozen=True)
class TabLink:
    """A tab as it is drawn."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Offer:
    """A filter that can be added: its control, and what is chosen now."""

    key: str
    label: str
    kind: str
    choices: tuple[tuple[str, str], ...]
    value: str


@dataclass(frozen=True)
class Listing(Generic[ModelT]):
    """A page of rows, ready to be drawn."""

    spec: ListSpec[ModelT]
    rows: list[ModelT]
    count: int | None
    heads: list[Head]
    tabs: list[TabLink]
    chips: list[Chip]
    offers: list[Offer]
    problems: list[str]
    search_text: str
    hidden: list[tuple[str, str]]
    next_url: str = ""
    previous_url: str = ""
    clear_url: str = "?"

    @property
    def count_words(self) -> str:
        """12 customers, 1 customer, More than 10,000 customers."""
        if self.count is None:
            return f"More than {COUNT_LIMIT:,} {self.spec.many}"
        return f"{self.count:,} {self.spec.one if self.count == 1 else self.spec.many}"

    @property
    def query(self) -> str:
        """Search, filters, tab and order as the end of an address: what an export of the list takes over."""
        pairs = [*self.hidden, *([("q", self.search_text)] if self.search_text else [])]
        return urlencode(pairs)

    @property
    def searchable(self) -> bool:
        """Whether there is a search. (A template would call `spec.search`.)"""
        return self.spec.search is not None

    @property
    def filtered(self) -> bool:
        """Whether a search or a filter is on."""
        return bool(self.search_text or self.chips)

    @property
    def narrowed(self) -> bool:
        """Whether a search, a filter or a tab is on."""
        return self.filtered or any(tab.current for tab in self.tabs[1:])

    def cells(self) -> Iterator[list[tuple[Column[ModelT], Any]]]:
        """Row by row, each cell with its column."""
        for row in self.rows:
            yield [(column, column.cell(row)) for column in self.spec.columns]


def read(spec: ListSpec[ModelT], rows: QuerySet[ModelT], query: Mapping[str, str]) -> Listing[ModelT]:
    """Return the page of `rows` that the URL's parameters ask for.

    One query for the rows (a second one only at the seam between rows with and without the sorted value), and one for
    the count where the page does not show everything already. Unknown parameters and forged cursors are ignored.
    """
    asked, found_rows = asked_of(spec, query), narrow(spec, rows, query)
    rows, tab, problems = found_rows.rows, found_rows.tab, found_rows.problems
    chips = [Chip(words, _url(asked, **{key: "", "cursor": ""})) for key, words in found_rows.words]
    sort, descending = _sort(spec, asked["sort"])
    cursor = _read_cursor(asked["cursor"], sort, descending)
    found, more = _fetch(rows, sort, descending, cursor, spec.page_size)
    backwards = cursor is not None and cursor.backwards
    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    return Listing(
        spec=spec,
        rows=found,
        count=_count(rows, found, whole=cursor is None and not more),
        heads=[_head(column, spec, sort, descending, asked) for column in spec.columns],
        tabs=[TabLink(t.label, _url(asked, tab=t.key, cursor=""), t is tab) for t in spec.tabs],
        chips=chips,
        offers=[Offer(f.key, f.label, f.kind, f.choices, asked[f.key]) for f in spec.filters if f.offered],
        problems=problems,
        search_text=asked["q"][:200],
        hidden=[(key, value) for key, value in asked.items() if value and key not in ("cursor", "q")],
        next_url=_url(asked, cursor=_cursor(found[-1], sort, descending, False)) if has_next and found else "",
        previous_url=_url(asked, cursor=_cursor(found[0], sort, descending, True)) if has_previous and found else "",
        clear_url=_url({key: asked[key] for key in ("tab", "sort")}),
    )


@dataclass(frozen=True)
class Narrowed(Generic[ModelT]):
    """The rows that a list's search, tab and filters leave. words: (key, sentence) of each filter that is on."""

    rows: QuerySet[ModelT]
    tab: Tab | None
    words: list[tuple[str, str]]
    problems: list[str]


def narrow(spec: ListSpec[ModelT], rows: QuerySet[ModelT], query: Mapping[str, str]) -> Narrowed[ModelT]:
    """What the URL's parameters leave of `rows`, on every page of the list; an export of it writes the same rows."""
    asked = asked_of(spec, query)
    problems: list[str] = []
    text = asked["q"][:200]
    if text and spec.search is not None:
        rows = spec.search(rows, text)
    tab = next((tab for tab in spec.tabs if tab.key == asked["tab"]), spec.tabs[0] if spec.tabs else None)
    if tab is not None:
        rows = rows.filter(tab.q)
    sentences: list[tuple[str, str]] = []
    for narrowing in spec.filters:
        if value := asked[narrowing.key]:
            try:
                rows = narrowing.apply(rows, value)
                words = narrowing.sentence(value)
            except ValueError as error:
                problems.append(str(error))
                rows, words = rows.none(), f"{narrowing.label}: not understood"
            sentences.append((narrowing.key, words))
    return Narrowed(rows, tab, sentences, problems)


def asked_of(spec: ListSpec[Any], query: Mapping[str, str]) -> dict[str, str]:
    """The parameters that the list knows, cleaned; the others are ignored."""
    return {key: query.get(key, "").replace("\x00", "").strip() for key in _parameters(spec)}


def sorted_by(spec: ListSpec[Any], query: Mapping[str, str]) -> tuple[Sort, bool]:
    """The order of the list, and whether it descends."""
    return _sort(spec, asked_of(spec, query)["sort"])


def capped_count(rows: QuerySet[Any]) -> int | None:
    """How many rows there are, None for more than COUNT_LIMIT."""
    count = rows.order_by()[: COUNT_LIMIT + 1].count()
    return count if count <= COUNT_LIMIT else None


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: beside this value and id, going forwards or backwards."""

    value: Any
    pk: int
    backwards: bool


def _parameters(spec: ListSpec[Any]) -> list[str]:
    return [*RESERVED, *(narrowing.key for narrowing in spec.filters)]


def _url(asked: Mapping[str, str], **changes: str) -> str:
    parts = {key: value for key, value in {**asked, **changes}.items() if value}
    return f"?{urlencode(parts)}"


def _sort(spec: ListSpec[Any], asked: str) -> tuple[Sort, bool]:
    for sort in spec.sorts:
        if asked.removeprefix("-") == sort.key:
            return sort, asked.startswith("-")
    return spec.sorts[0], spec.sorts[0].descending


def _head(column: Column[Any], spec: ListSpec[Any], sort: Sort, descending: bool, asked: Mapping[str, str]) -> Head:
    own = next((candidate for candidate in spec.sorts if candidate.key == column.sort), None)
    if own is None:
        return Head(column.label, column.number, column.on_phone)
    current = own.key == sort.key
    turned = not descending if current else own.descending
    url = _url(asked, sort=f"{'-' if turned else ''}{own.key}", cursor="")
    direction = ("descending" if descending else "ascending") if current else ""
    return Head(column.label, column.number, column.on_phone, url, direction)


def _read_cursor(text: str, sort: Sort, descending: bool) -> Cursor | None:
    if not text:
        return None
    try:
        key, was_descending, value, pk, backwards = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if key != sort.key or was_descending != descending:
        return None
    if isinstance(value, list):
        value = datetime.fromisoformat(value[0])
    return Cursor(value, pk, backwards)


def _cursor(row: Model, sort: Sort, descending: bool, backwards: bool) -> str:
    value = getattr(row, sort.column)
    if isinstance(value, datetime):
        value = [value.isoformat()]
    return signing.dumps([sort.key, descending, value, row.pk, backwards], salt=SALT)


def _fetch(
    rows: QuerySet[ModelT], sort: Sort, descending: bool, cursor: Cursor | None, size: int
) -> tuple[list[ModelT], bool]:
    """The rows of the page in reading order, and whether there are more in the direction gone."""
    backwards = cursor is not None and cursor.backwards
    down = descending != backwards
    found: list[ModelT] = []
    column = sort.column
    for part in _parts(rows, sort, cursor, down, backwards):
        missing = size + 1 - len(found)
        found += part.order_by(f"-{column}" if down else column, "-pk" if down else "pk")[:missing]
        if len(found) > size:
            break
    more = len(found) > size
    found = found[:size]
    return (found[::-1] if backwards else found), more


def _parts(
    rows: QuerySet[ModelT], sort: Sort, cursor: Cursor | None, down: bool, backwards: bool
) -> Iterator[QuerySet[ModelT]]:
    """The stretches of the list to read, in this order: rows with a value, and rows without one, which come last.

    `column >= x AND (column > x OR id > y)` and not the OR alone: PostgreSQL finds the start of the first by the index.
    """
    bound, past = ("lte", "lt") if down else ("gte", "gt")
    after_id = Q(**{f"pk__{past}": cursor.pk}) if cursor else Q()
    valued = rows.filter(**{f"{sort.column}__isnull": False}) if sort.nullable else rows
    empty = rows.filter(**{f"{sort.column}__isnull": True}) if sort.nullable else None
    if cursor is not None and cursor.value is None:
        if empty is not None:
            yield empty.filter(after_id)
            if backwards:
                yield valued
        return
    if cursor is not None:
        beside = Q(**{f"{sort.column}__{bound}": cursor.value})
        valued = valued.filter(beside & (Q(**{f"{sort.column}__{past}": cursor.value}) | after_id))
    yield valued
    if empty is not None and not backwards:
        yield empty


def _count(rows: QuerySet[Any], found: list[Any], *, whole: bool) -> int | None:
    """How many rows there are, None for more than COUNT_LIMIT; `whole`: the page shows all of them."""
    if whole:
        return len(found)
    return capped_count(rows)
