"""Static files that pages of other sites may load: the shops' library."""

from __future__ import annotations

from typing import Any, Final

FOR_SHOPS: Final = "/js/tessera."


def add_headers(headers: Any, path: str, url: str) -> None:
    """Our files are for our own pages; the shops' library is for everybody's."""
    if FOR_SHOPS in url:
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        headers["Access-Control-Allow-Origin"] = "*"
