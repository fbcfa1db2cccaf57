"""`/admin/` for operators: Django's own pages behind the dashboard's door, its throttle and its forced passwords."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from config.dashboard.base import ErrorState, show_error

NOT_AN_OPERATOR = ErrorState(403, "For operators only", "Your account may use the dashboard, but not these pages.")


class OperatorsSite(AdminSite):
    """One door for the dashboard and these pages."""

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not getattr(request.user, "must_change_password", True)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_permission(request):
            return redirect("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if getattr(request.user, "must_change_password", False):
            return redirect("dashboard:password")
        return show_error(request, NOT_AN_OPERATOR)
