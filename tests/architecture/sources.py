"""The project's source files, parsed."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from config.paths import BASE_DIR

ROOTS = ("config", "customers", "tracking", "segments", "vouchers")


def python_files(*roots: str) -> list[Path]:
    """Every module of the product, migrations left out; paths relative to the project."""
    found = []
    for root in roots or ROOTS:
        found += [
            path.relative_to(BASE_DIR) for path in (BASE_DIR / root).rglob("*.py") if "migrations" not in path.parts
        ]
    return sorted(found)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse((BASE_DIR / path).read_text())


def matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path.as_posix(), pattern) for pattern in patterns)


def imported(path: Path) -> Iterator[str]:
    """Names of the modules a module imports, those only for type checking left out."""
    only_types = {
        id(child)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree(path)):
        if id(node) in only_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
