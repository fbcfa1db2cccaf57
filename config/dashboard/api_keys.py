"""Settings › API keys: make, rotate, revoke. A secret is shown once, right after it was made."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.passwords import PasswordAgain
from config.kernel.errors import DomainError
from config.project import api_keys
from config.project.models import ApiKey
from config.project.permissions import Permission

SETTINGS: Final = Crumb("Settings")
KIND_WORDS: Final = {
    "server": "For the shop's backend; never in a browser or an app",
    "client": "For browsers and apps, from allowed origins",
    "management": "For settings such as metadata schemas",
}


class NewKeyForm(PasswordAgain):
    """A name to know it by, and what it is for."""

    name = forms.CharField(label="Name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(label="Kind", choices=ApiKey.Kind.choices, initial="server", widget=forms.RadioSelect)


class KeysPage(Page):
    """What the pages of keys share."""

    permission = Permission.MANAGE_PROJECT
    section = "keys"
    crumbs: ClassVar[tuple[Crumb, ...]] = (SETTINGS, Crumb("API keys"))

    @property
    def trace(self) -> dict[str, Any]:
        """Who asks for a change, and when."""
        return {"at": self.at, "actor": self.user, "request_id": self.request.META.get("REQUEST_ID", "")}

    def reveal(self, key: ApiKey, secret: str, title: str) -> HttpResponse:
        """The only page that ever shows the secret."""
        context = {"title": title, "key": key, "secret": secret, "overlap": key.previous_valid_until}
        return self.render(context, template="dashboard/settings/secret.html")


class KeyList(KeysPage):
    """Every key, revoked ones last."""

    template_name = "dashboard/settings/keys.html"
    title = "API keys"
    crumbs = (SETTINGS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = ApiKey.objects.of(self.project).order_by("-active", "kind", "pk")
        return self.render({"keys": rows})


class KeyNew(KeysPage):
    """Make one."""

    template_name = "dashboard/settings/key_new.html"
    title = "New API key"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": NewKeyForm(user=self.user), "kind_words": KIND_WORDS})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewKeyForm(request.POST, user=self.user)
        if not form.is_valid():
            return self.render({"form": form, "kind_words": KIND_WORDS}, status=400)
        values = form.cleaned_data
        key, secret = api_keys.create(project=self.project, kind=values["kind"], name=values["name"], **self.trace)
        return self.reveal(key, secret, "Key made")


class KeyChange(KeysPage):
    """Rotate or revoke one."""

    template_name = "dashboard/settings/key.html"

    def get(self, request: HttpRequest, app_id: str) -> HttpResponse:
        return self.show(api_keys.find(project=self.project, app_id=app_id), PasswordAgain(user=self.user))

    def post(self, request: HttpRequest, app_id: str) -> HttpResponse:
        key = api_keys.find(project=self.project, app_id=app_id)
        form = PasswordAgain(request.POST, user=self.user)
        if not form.is_valid():
            return self.show(key, form, status=400)
        try:
            if request.POST.get("do") == "revoke":
                api_keys.revoke(project=self.project, key=key, **self.trace)
                messages.success(request, f"{key.name} is revoked. Calls with it are refused within half a minute.")
                return redirect("dashboard:keys")
            secret = api_keys.rotate(project=self.project, key=key, **self.trace)
        except DomainError as error:
            put_on_form(form, error)
            return self.show(key, form, status=409)
        return self.reveal(api_keys.find(project=self.project, app_id=app_id), secret, "Secret rotated")

    def show(self, key: ApiKey, form: PasswordAgain, *, status: int = 200) -> HttpResponse:
        """The key above the question for the password."""
        crumbs = (SETTINGS, Crumb("API keys", reverse("dashboard:keys")))
        return self.render({"key": key, "form": form, "title": key.name, "crumbs": crumbs}, status=status)
