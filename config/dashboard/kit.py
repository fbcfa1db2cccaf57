"""Small pieces of a page as functions: money, moments, statuses, codes. Templates reach them through the `kit` tags.

They are functions and not templates because a list of 50 rows calls them hundreds of times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from config.kernel import instants

SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "PLN": "zł "}
NONE: Final = SafeString('<span class="muted none">–</span>')
EMPTY: Final = SafeString("")
TONES: Final = {"ok": "check", "bad": "close", "warn": "warning", "run": "again", "off": "minus", "wait": "clock"}


@cache
def _sprite() -> str:
    return static("img/icons.svg")


def forget_addresses() -> None:
    """Ask the storage of static files anew; for when it is replaced."""
    _sprite.cache_clear()


def icon(name: str) -> SafeString:
    """One drawing of the sprite; always beside a word, so it is hidden from readers."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', _sprite(), name)


def number(value: float | None) -> str:
    """1,234,567; an unknown number is a dash."""
    return "–" if value is None else f"{value:,}"


def money_text(amount: int | None, currency: str = "") -> str:
    """Minor units as people write them: money_text(-123450, "EUR") == "−€1,234.50"."""
    if amount is None:
        return "–"
    text = f"{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return f"{'−' if amount < 0 else ''}{symbol}{text}"


def percent_text(value: Any) -> str:
    """A percentage without useless zeros: percent_text(12.50) == "12.5 %"."""
    return f"{float(value):g} %"


def exact(at: datetime) -> str:
    """The instant in the project's zone, in full: 21 Nov 2026, 14:03:09 (Europe/Berlin)."""
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M:%S} ({timezone.get_current_timezone_name()})"


def relative(at: datetime, now: datetime) -> str:
    """How long ago, or in how long; beyond a week the day itself."""
    seconds = int((now - at).total_seconds())
    past, size = seconds >= 0, abs(seconds)
    if size < 45:
        return "just now" if past else "in a moment"
    for limit, unit, word in ((3600, 60, "min"), (86_400, 3600, "h"), (7 * 86_400, 86_400, "day")):
        if size < limit:
            count = max(1, size // unit)
            words = f"{count} {word}{'s' if word == 'day' and count > 1 else ''}"
            return f"{words} ago" if past else f"in {words}"
    local, today = timezone.localtime(at), timezone.localtime(now)
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def moment(at: datetime | None, now: datetime | None = None) -> SafeString:
    """A `<time>`: relative in words, exact on hover and for readers of the source."""
    if at is None:
        return NONE
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        instants.to_wire(at),
        exact(at),
        relative(at, now or instants.now()),
    )


def day(at: datetime | None) -> SafeString:
    """A `<time>` that shows day and minute in the project's zone."""
    if at is None:
        return NONE
    local = timezone.localtime(at)
    words = f"{local.day} {local:%b %Y, %H:%M}"
    return format_html('<time datetime="{}" title="{}">{}</time>', instants.to_wire(at), exact(at), words)


def status(tone: str, words: str) -> SafeString:
    """Word, colour and shape together. tone: ok, bad, warn, run, off, wait."""
    return format_html('<span class="status {}">{}{}</span>', tone, icon(TONES.get(tone, "dot")), words)


def code(text: str | None, *, label: str = "Copy") -> SafeString:
    """A code or an id: monospaced, with a button that copies it."""
    if not text:
        return NONE
    return format_html(
        '<span class="copy"><span class="code">{}</span><button type="button" class="js-only" data-copy="{}" '
        'aria-label="{} {}" title="{}">{}</button></span>',
        *(text, text, label, text, label, icon("copy")),
    )


def link(url: str, words: Any, *, row: bool = False, above: bool = False, mono: bool = False) -> SafeString:
    """A link. row: the whole row of the table leads there; above: it is its own target in such a row."""
    classes = " ".join(name for name, on in (("row-link", row), ("above", above), ("code", mono)) if on)
    return format_html('<a href="{}" class="{}">{}</a>', url, classes, words)


def mono(words: str) -> SafeString:
    """A code that leads nowhere."""
    return format_html('<span class="code">{}</span>', words) if words else NONE


def muted(words: str) -> SafeString:
    """Quiet words."""
    return format_html('<span class="muted">{}</span>', words)


def with_note(main: Any, note: Any) -> SafeString:
    """A cell of two lines, the second one quiet."""
    if not note:
        return conditional_escape(main)
    return format_html('{}<span class="cell-note">{}</span>', main, note)


def chips(words: list[str]) -> SafeString:
    """Small labels in a row."""
    return format_html(
        '<span class="chips">{}</span>',
        format_html_join("", '<span class="chip">{}</span>', ((word,) for word in words)),
    )


def plural(count: int, one: str, many: str) -> str:
    """1 customer, 2 customers."""
    return f"{count:,} {one if count == 1 else many}"


def clock(at: datetime) -> SafeString:
    """A `<time>` that shows day and minute in the project's zone; the year stands above it."""
    local = timezone.localtime(at)
    words = f"{local.day} {local:%b, %H:%M}"
    return format_html('<time datetime="{}" title="{}">{}</time>', instants.to_wire(at), exact(at), words)


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Pieces of markup side by side."""
    return format_html_join("", "{}", ((part,) for part in parts))


def json_more(value: Any) -> SafeString:
    """JSON behind a word."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return format_html(
        '<details class="more above"><summary>Details</summary><pre class="json" tabindex="0">{}</pre></details>', text
    )
