"""What Django asks when nobody else answers: pages for people below /dashboard/ and /admin/, the envelope elsewhere."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.api import errors

PAGES: Final = ("/dashboard/", "/admin/")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    if request.path_info.startswith(PAGES):
        return render(request, "404.html", {"title": "Nothing here"}, status=404)
    return errors.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; the page names the request, so that its line in the log can be found."""
    if request.path_info.startswith(PAGES):
        context = {"title": "Something broke", "request_id": request.META.get("REQUEST_ID", "")}
        return render(request, "500.html", context, status=500)
    return errors.server_error(request)
