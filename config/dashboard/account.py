"""What belongs to the person: name, theme, time zone and password."""

from __future__ import annotations

import zoneinfo
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.dashboard.base import Crumb, Page
from config.project import accounts
from config.project.permissions import Permission

PROFILE: Final = Crumb("Profile")


def zones(first: str) -> list[tuple[str, str]]:
    """Every time zone for a menu, under an empty one called `first`."""
    return [*([("", first)] if first else []), *((name, name) for name in sorted(zoneinfo.available_timezones()))]


class ProfileForm(forms.Form):
    """Name and time zone."""

    first_name = forms.CharField(label="Name", required=False, max_length=150)
    timezone = forms.ChoiceField(label="Time zone", required=False)

    def __init__(self, *args: Any, project_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["timezone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = zones(f"As the project: {project_zone}")
        zone.help_text = "Dates and times of the dashboard are shown in it."


class Profile(Page):
    """The person's own settings."""

    permission = Permission.USE_DASHBOARD
    section = "profile"
    template_name = "dashboard/account/profile.html"
    title = "Profile"
    crumbs = (Crumb("Settings"),)

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {"first_name": self.user.first_name, "timezone": self.user.timezone}
        return self.render({"form": ProfileForm(initial=initial, project_zone=self.project.timezone)})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProfileForm(request.POST, project_zone=self.project.timezone)
        if not form.is_valid():
            return self.render({"form": form}, status=400)
        accounts.save_profile(user=self.user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("dashboard:profile")


class Password(Page):
    """Another password; it ends every other session of this person."""

    permission = Permission.USE_DASHBOARD
    section = "profile"
    template_name = "dashboard/account/password.html"
    title = "Change password"
    crumbs = (Crumb("Settings"), PROFILE)
    for_fresh_passwords = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": PasswordChangeForm(self.user), "first": self.user.must_change_password})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordChangeForm(self.user, request.POST)
        if not form.is_valid():
            return self.render({"form": form, "first": self.user.must_change_password}, status=400)
        accounts.change_password(
            user=self.user,
            password=form.cleaned_data["new_password1"],
            at=self.at,
            project=self.project,
            request_id=request.META.get("REQUEST_ID", ""),
        )
        update_session_auth_hash(request, self.user)
        messages.success(request, "Your password was changed. Other browsers are signed out.")
        return redirect("dashboard:home")
