"""What every page of the dashboard inherits: login, project, role, zone, and errors as pages or on forms."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from config.dashboard import navigation
from config.kernel import causes, instants
from config.kernel.causes import Cause
from config.kernel.errors import Conflict, DomainError, Forbidden, NotFound
from config.project import audit
from config.project.models import Member, Project, User
from config.project.permissions import Permission, may

READ_TIMEOUT_MS: Final = 5_000
"""How long one statement of a page that only reads may take (dashboard reads; services keep their own limits)."""

PROJECT_IN_SESSION: Final = "project"

log = logging.getLogger(__name__)


class RoleLacksPermission(Forbidden):
    """Your role does not allow this"""

    key = "missing_required_permission"

    def __init__(self, permission: Permission, role: str) -> None:
        super().__init__(f"This needs the permission to {permission.value}. Your role here is {role}.")


class NoProject(Forbidden):
    """You are not a member of any project"""

    key = "no_project"


@dataclass(frozen=True)
class Crumb:
    """One step of the way to a page."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class ErrorState:
    """What an error page or a broken widget says: what happened, and what to do."""

    status: int
    title: str
    text: str
    retry: bool = False


TIMED_OUT: Final = ErrorState(
    503,
    "This took too long",
    "The database needed more than its time for this page, so it was stopped. Nothing was changed. Narrow the list "
    "down with a search or a filter, or try again.",
    retry=True,
)
AWAY: Final = ErrorState(
    503,
    "The database is not answering",
    "Nothing was changed. This usually passes within seconds.",
    retry=True,
)
FASTER: Final = ErrorState(
    409,
    "Somebody else was faster",
    "What this refers to was created or deleted meanwhile. Nothing was changed. Go back, look again and repeat it.",
)
UNREADABLE: Final = ErrorState(
    400, "This address cannot be read", "A part of it holds characters that cannot be stored."
)
NOT_FOUND: Final = ErrorState(404, "Nothing here", "It may have been deleted, or the address is not complete.")
STATUS: Final[tuple[tuple[type[DomainError], int], ...]] = ((Forbidden, 403), (NotFound, 404), (Conflict, 409))


def sqlstate_of(error: BaseException) -> str | None:
    """PostgreSQL's code behind Django's error; None where the server said nothing, as when it is gone."""
    return getattr(error.__cause__, "sqlstate", None)


def state_of_database_error(error: DatabaseError) -> ErrorState | None:
    """The state a database error stands for, or None where it is a fault of ours."""
    sqlstate = sqlstate_of(error)
    if sqlstate == "57014":
        return TIMED_OUT
    if type(error).__name__ == "DataError":
        return UNREADABLE
    if sqlstate in ("23503", "23505"):
        return FASTER
    if (
        sqlstate is None
        or sqlstate[:2] in {"08", "53", "57"}
        or sqlstate in {"25P03", "25P04", "40001", "40P01", "55P03"}
    ):
        return AWAY
    return None


def limit_statements(milliseconds: int) -> None:
    """Bound every further statement of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])


def members_of(user: User) -> list[Member]:
    """The person's memberships. Superusers are admins of every project."""
    if user.is_superuser:
        return [
            Member(project=project, user=user, role=Member.Role.ADMIN)
            for project in Project.objects.filter(deleted_at=None).order_by("pk")
        ]
    return list(Member.objects.filter(user=user).select_related("project").order_by("project_id"))


class Page(View):
    """A page of the dashboard. Subclasses name their permission, section and template, and write `get` and `post`.

    What reads (GET) runs in one transaction whose statements are bounded by READ_TIMEOUT_MS; what writes calls a
    service, which opens its own.
    """

    permission: ClassVar[Permission]
    section: ClassVar[str] = ""
    template_name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    crumbs: ClassVar[tuple[Crumb, ...]] = ()
    read_in_transaction: ClassVar[bool] = True
    for_fresh_passwords: ClassVar[bool] = False
    """Whether somebody may open it who must change the first password."""

    project: Project
    member: Member
    memberships: list[Member]
    at: datetime

    @property
    def user(self) -> User:
        """Who is signed in."""
        return cast(User, self.request.user)

    def needs(self) -> Permission:
        """What this request needs; pages whose POST needs more than their GET override it."""
        return self.permission

    def may(self, permission: Permission) -> bool:
        """Whether this person may do it here."""
        return may(self.member.role, permission)

    def require(self, permission: Permission) -> None:
        """Raises RoleLacksPermission."""
        if not self.may(permission):
            raise RoleLacksPermission(permission, self.member.get_role_display())

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.at = instants.now()
        try:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            self.memberships = members_of(self.user)
            if not self.memberships:
                return show_error(request, ErrorState(403, "No project yet", "Ask an admin to add you to a project."))
            wanted = request.session.get(PROJECT_IN_SESSION)
            self.member = next((row for row in self.memberships if row.project_id == wanted), self.memberships[0])
            self.project = self.member.project
            if self.user.must_change_password and not self.for_fresh_passwords:
                return redirect("dashboard:password")
            with timezone.override(zone_of(self.user, self.project)):
                return self._answer(request, *args, **kwargs)
        except DatabaseError as error:
            if (state := state_of_database_error(error)) is None:
                raise
            log.warning("dashboard page met a database error", extra={"sqlstate": sqlstate_of(error)})
            return self.refuse(state)
        except UnicodeEncodeError:
            return self.refuse(UNREADABLE)

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.require(self.needs())
            if request.method in ("GET", "HEAD") and self.read_in_transaction:
                with transaction.atomic():
                    limit_statements(READ_TIMEOUT_MS)
                    return super().dispatch(request, *args, **kwargs)
            return super().dispatch(request, *args, **kwargs)
        except Http404:
            return self.refuse(NOT_FOUND)
        except DomainError as error:
            return self.refuse(state_of(error))

    @property
    def cause(self) -> Cause:
        """What this request is for the event log."""
        return causes.of_person(self.user.public_id, self.request.META.get("REQUEST_ID", ""))

    def note(
        self,
        action: str,
        object_type: str,
        object_id: str = "",
        *,
        name: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write into the audit log what this person did; inside the transaction of the change, at its end."""
        audit.record(
            project=self.project,
            actor=audit.of_user(self.user),
            action=action,
            object_type=object_type,
            object_id=object_id,
            name=name,
            before=before,
            after=after,
            at=self.at,
            channel=audit.Channel.DASHBOARD,
            request_id=self.request.META.get("REQUEST_ID", ""),
        )

    def refuse(self, state: ErrorState) -> HttpResponse:
        """The error as a page, inside the shell where we know who asks."""
        shell = self.shell() if hasattr(self, "member") else {}
        return show_error(self.request, state, shell)

    def shell(self) -> dict[str, Any]:
        """What base.html needs."""
        return {
            "project": self.project,
            "projects": [row.project for row in self.memberships] if len(self.memberships) > 1 else [],
            "member": self.member,
            "who": self.user.get_short_name() or self.user.email.split("@")[0],
            "navigation": list(navigation.links(self.member.role, self.section)),
            "title": self.title,
            "crumbs": self.crumbs,
            "at": self.at,
            "can": {permission.name.lower() for permission in Permission if self.may(permission)},
        }

    def render(self, context: dict[str, Any] | None = None, *, template: str = "", status: int = 200) -> HttpResponse:
        """The page's template with the shell around it."""
        return render(self.request, template or self.template_name, self.shell() | (context or {}), status=status)


def zone_of(user: User, project: Project) -> ZoneInfo:
    """The person's zone, else the project's."""
    return ZoneInfo(user.timezone or project.timezone or "UTC")


def state_of(error: DomainError) -> ErrorState:
    """A refused request as a page."""
    status = next((status for family, status in STATUS if isinstance(error, family)), 400)
    return ErrorState(status, error.message, sentence_of(error) if error.details else "")


def sentence_of(error: DomainError) -> str:
    """What the error says to a person: the marketer's own words, else the details, else the general sentence."""
    return error.custom_message or error.details or error.message


def show_error(request: HttpRequest, state: ErrorState, shell: dict[str, Any] | None = None) -> HttpResponse:
    """An error page; with the sidebar where `shell` is given."""
    context = {
        "state": state,
        "request_id": request.META.get("REQUEST_ID", ""),
        "base": "base.html" if shell else "dashboard/bare.html",
        **(shell or {}),
        "title": state.title,
        "crumbs": (),
    }
    response = render(request, "dashboard/error.html", context, status=state.status)
    if state.status == 503:
        response["Retry-After"] = "2"
    return response


def put_on_form(form: forms.BaseForm, error: DomainError, fields: Iterable[str] = ()) -> None:
    """The refused request as a message on the form: at the field its details name, else above the form.

    fields: names to look for, in this order; all fields of the form by default.
    """
    text = sentence_of(error)
    details = error.details or ""
    named = next((name for name in (fields or form.fields) if f".{name}" in details or f"'{name}'" in details), None)
    form.add_error(named, text)
