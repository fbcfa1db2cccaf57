"""Templates and static files obey the content security policy, and nothing asks a foreign host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.paths import BASE_DIR

TEMPLATES = sorted(path.relative_to(BASE_DIR) for path in (BASE_DIR / "templates").rglob("*.html"))
STATIC = sorted(
    path.relative_to(BASE_DIR) for path in (BASE_DIR / "static").rglob("*") if path.suffix in (".js", ".css", ".svg")
)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)
STYLE = re.compile(r"<style\b|<[^>{]*\sstyle\s*=", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.IGNORECASE | re.DOTALL)
HOST = re.compile(r"""(?:https?:)?//(?![/*\s])[\w.-]+\.[a-z]{2,}""", re.IGNORECASE)
NAMESPACE = "http://www.w3.org/"


def without_comments(text: str) -> str:
    return re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<!--.*?-->|/\*.*?\*/", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_templates_have_nothing_inline(path: Path):
    text = without_comments((BASE_DIR / path).read_text())
    assert HANDLER.search(text) is None
    assert STYLE.search(text) is None
    for attributes, body in SCRIPT.findall(text):
        assert "src=" in attributes or 'type="application/json"' in attributes
        assert not body.strip() or "application/json" in attributes
    assert "|safe" not in text
    assert "javascript:" not in text


@pytest.mark.parametrize("path", [*TEMPLATES, *STATIC], ids=str)
def test_nothing_is_loaded_from_a_foreign_host(path: Path):
    text = without_comments((BASE_DIR / path).read_text())
    loaded = re.findall(r"""(?:src|href|action|url|import|from|fetch)\s*[=(]?\s*["'(]\s*([^"')\s]+)""", text)
    assert [address for address in loaded if HOST.match(address) and not address.startswith(NAMESPACE)] == []


@pytest.mark.parametrize("path", [path for path in STATIC if path.suffix == ".js"], ids=str)
def test_scripts_build_no_code_and_no_markup_from_text(path: Path):
    text = re.sub(r"^\s*//.*$", "", without_comments((BASE_DIR / path).read_text()), flags=re.MULTILINE)
    assert re.findall(r"\beval\s*\(|new Function\s*\(|document\.write|\.innerHTML\s*=|insertAdjacentHTML", text) == []
