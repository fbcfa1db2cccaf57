"""Settings › Members: who may open the project, in which role."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.passwords import PasswordAgain
from config.kernel.errors import DomainError
from config.project import members
from config.project.models import Member
from config.project.permissions import Permission

SETTINGS: Final = Crumb("Settings")
ROLE_WORDS: Final = {
    "admin": "Everything, also settings, keys and members",
    "user": "Creates, edits, imports and exports",
    "viewer": "Reads and exports",
    "merchant": "Sees redemptions and checks codes only",
}


class NewMemberForm(PasswordAgain):
    """Who, and what they may do."""

    email = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(
        label="Name", required=False, max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role", choices=Member.Role.choices, initial="user", widget=forms.RadioSelect)


class RoleForm(PasswordAgain):
    """Another role."""

    role = forms.ChoiceField(label="Role", choices=Member.Role.choices, widget=forms.RadioSelect)


class MembersPage(Page):
    """What the pages of members share."""

    permission = Permission.MANAGE_MEMBERS
    section = "members"
    crumbs = (SETTINGS,)

    def shell(self) -> dict[str, Any]:
        return super().shell() | {"role_words": ROLE_WORDS}

    @property
    def trace(self) -> dict[str, Any]:
        """Who asks for a change, and when."""
        return {"at": self.at, "actor": self.user, "request_id": self.request.META.get("REQUEST_ID", "")}


class MemberList(MembersPage):
    """Everybody of the project."""

    template_name = "dashboard/members/list.html"
    title = "Members and roles"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Member.objects.of(self.project).select_related("user").order_by("user__email")
        return self.render({"members": rows})


class MemberNew(MembersPage):
    """Let somebody in; the first password of a new person is shown once."""

    template_name = "dashboard/members/form.html"
    title = "Add a member"

    def way(self) -> dict[str, Any]:
        """Where one came from."""
        return {"crumbs": (SETTINGS, Crumb("Members", reverse("dashboard:members"))), "verb": "Add member"}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.way() | {"form": NewMemberForm(user=self.user)})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewMemberForm(request.POST, user=self.user)
        if form.is_valid():
            values = form.cleaned_data
            try:
                member, password = members.add(
                    project=self.project, email=values["email"], name=values["name"], role=values["role"], **self.trace
                )
            except DomainError as error:
                put_on_form(form, error)
            else:
                if not password:
                    messages.success(request, f"{member.user.email} may open this project now, with the own password.")
                    return redirect("dashboard:members")
                shown = {"member": member, "password": password, "title": "Member added"}
                return self.render(self.way() | shown, template="dashboard/members/added.html")
        return self.render(self.way() | {"form": form}, status=400)


class MemberRole(MembersPage):
    """Change the role, or remove the person."""

    template_name = "dashboard/members/edit.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        member = members.find(project=self.project, public_id=public_id)
        return self.show(member, RoleForm(user=self.user, initial={"role": member.role}))

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        member = members.find(project=self.project, public_id=public_id)
        removes = request.POST.get("do") == "remove"
        form = RoleForm(request.POST, user=self.user)
        if removes:
            form.fields["role"].required = False
        if not form.is_valid():
            return self.show(member, form, status=400)
        try:
            if removes:
                members.remove(project=self.project, member=member, **self.trace)
            else:
                members.change_role(project=self.project, member=member, role=form.cleaned_data["role"], **self.trace)
        except DomainError as error:
            put_on_form(form, error)
            return self.show(member, form, status=409)
        done = "can no longer open this project" if removes else f"is {form.cleaned_data['role']} now"
        messages.success(request, f"{member.user.email} {done}.")
        return redirect("dashboard:home" if member.user_id == self.user.pk else "dashboard:members")

    def show(self, member: Member, form: RoleForm, *, status: int = 200) -> HttpResponse:
        """The form with the person's name above it."""
        crumbs = (SETTINGS, Crumb("Members", reverse("dashboard:members")))
        context = {"form": form, "member_shown": member, "title": member.user.email, "crumbs": crumbs}
        return self.render(context, status=status)
