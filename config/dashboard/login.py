"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpResponse

from config.api import limits
from config.kernel import instants
from config.project import audit
from config.project.models import Member, Project, User


class SignInForm(AuthenticationForm):
    """E-mail and password; the same answer for an unknown person and a wrong password."""

    error_messages = {  # noqa: RUF012
        "invalid_login": "This e-mail and password do not match. Check both and try again.",
        "inactive": "This account is switched off. Ask an admin.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = forms.EmailField(
            label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        )

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class SignIn(LoginView):
    """The dashboard's own door."""

    template_name = "dashboard/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        self.note(form.get_user(), "user.signed_in")
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        typed = str(form.data.get("username", "")).strip().lower()
        self.note(User.objects.filter(email=typed).first(), "user.sign_in_refused")
        return super().form_invalid(form)

    def note(self, user: User | None, action: str) -> None:
        """Into the audit log of each project the person may open; of the installation where that is none."""
        members = Member.objects.filter(user=user).select_related("project") if user is not None else []
        projects: list[Project | None] = [member.project for member in members]
        with transaction.atomic():
            for project in projects or [None]:
                audit.record(
                    project=project,
                    actor=audit.of_user(user),
                    action=action,
                    object_type="user",
                    object_id=user.public_id if user is not None else "",
                    after={"address": limits.address_of(self.request)},
                    at=instants.now(),
                    channel=audit.Channel.DASHBOARD,
                    request_id=self.request.META.get("REQUEST_ID", ""),
                )
