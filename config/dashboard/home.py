"""The start page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.dashboard.base import NOT_FOUND, Page
from config.project.permissions import Permission


class Overview(Page):
    """What happened lately, and what needs attention."""

    permission = Permission.SEE_OVERVIEW
    section = "overview"
    template_name = "dashboard/home.html"
    title = "Overview"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render()


class Nothing(Page):
    """Any other address under /dashboard/: the same page for people of every role."""

    permission = Permission.SEE_REDEMPTIONS

    def get(self, request: HttpRequest, rest: str) -> HttpResponse:
        return self.refuse(NOT_FOUND)
