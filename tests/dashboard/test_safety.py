"""What the content security policy forbids is not in any template or module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "static/js").rglob("*.js"))
PYTHON = [
    path for app in ("config", "customers", "segments", "vouchers") for path in ROOT.glob(f"{app}/dashboard/**/*.py")
]
FORBIDDEN_MARKUP = {
    "inline style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE),
    "address of a foreign host": re.compile(r"(?:src|href|action)=[\"']?(?:https?:)?//", re.IGNORECASE),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+off"),
    "javascript address": re.compile(r"javascript:", re.IGNORECASE),
}
FORBIDDEN_SCRIPT = {
    "text as code": re.compile(r"\beval\(|new Function\("),
    "text as markup": re.compile(r"\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write"),
    "foreign host": re.compile(r"https?://(?!www\.w3\.org)"),
}
SCRIPT_BUDGET = 40_000
FOR_SHOPS = ("tessera.js", "browser_page.js")
"""Not of the dashboard; the first has a budget of its own."""
LIBRARY_BUDGET = 6_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("what", FORBIDDEN_MARKUP)
def test_templates_hold_nothing_that_the_policy_refuses(path, what):
    assert FORBIDDEN_MARKUP[what].findall(path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
@pytest.mark.parametrize("what", FORBIDDEN_SCRIPT)
def test_modules_never_turn_text_into_code_or_markup(path, what):
    assert FORBIDDEN_SCRIPT[what].findall(path.read_text()) == []


def without_comments_and_indentation(text: str) -> str:
    """What a browser has to parse; the rest is for readers."""
    lines = (line.strip() for line in re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def test_modules_stay_within_their_budget():
    code = [without_comments_and_indentation(path.read_text()) for path in MODULES if path.name not in FOR_SHOPS]
    assert sum(len(text.encode()) for text in code) <= SCRIPT_BUDGET


def test_the_shops_library_stays_within_its_budget():
    assert (ROOT / "static/js/tessera.js").stat().st_size < LIBRARY_BUDGET


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_markup_is_made_by_format_html_only(path):
    assert re.findall(r"mark_safe\(|SafeString\((?!['\"])", path.read_text()) == []
