"""Signing in and out."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from config.api import limits
from config.api.addresses import client_address
from config.dashboard import kit, sessions
from config.kernel import instants
from config.project import accounts, audit
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


ACCOUNT_RATE: Final = (5, 900)
"""Failures of one account from one address, seconds."""

ADDRESS_RATE: Final = (20, 3600)
"""Failures of one address, whatever the accounts."""


class SignIn(LoginView):
    """The dashboard's own door. Every try counts before the password is looked at; the right one is given back."""

    template_name = "dashboard/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    last_try = False

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, address = time.time(), limits.address_of(request)
        typed = str(request.POST.get("username", "")).strip().lower()
        self.account = limits.bucket_of("sign in", typed, address)
        self.address = limits.bucket_of("sign in", address)
        states = [limits.hit(self.account, ACCOUNT_RATE, now)]
        if states[0].allowed:
            states.append(limits.hit(self.address, ADDRESS_RATE, now))
        if not states[-1].allowed:
            return self.wait(typed, states[-1].retry_at - now)
        self.last_try = any(state.remaining == 0 for state in states)
        return super().post(request, *args, **kwargs)

    def wait(self, typed: str, seconds: float) -> HttpResponse:
        """Refused without a look at the password."""
        minutes = max(1, math.ceil(seconds / 60))
        words = f"Too many failed tries. Try again in {kit.plural(minutes, 'minute', 'minutes')}."
        form = self.authentication_form(self.request, initial={"username": typed})
        context = self.get_context_data(form=form, wait=words)
        answer = self.render_to_response(context, status=429)
        answer["Retry-After"] = str(max(1, math.ceil(seconds)))
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        limits.forgive(self.account)
        limits.give_back(self.address, ADDRESS_RATE, time.time())
        address = client_address(self.request)
        if address is None or not address.is_loopback:
            accounts.let_printed_password_expire(user=user)
        answer = super().form_valid(form)
        sessions.begin(self.request.session, instants.now())
        self.note(user, "user.signed_in")
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        typed = str(form.data.get("username", "")).strip().lower()
        user = None if "\0" in typed else User.objects.filter(email=typed).first()
        self.note(user, "user.sign_in_refused")
        if self.last_try:
            self.note(user, "user.sign_in_paused")
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
