"""Settings › Event schemas: what each custom event carries, and the events that arrived without being defined."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from tracking.custom_events import LONGEST_NAME
from tracking.models import EventName, EventSchema
from tracking.services import event_schemas

SETTINGS: Final = Crumb("Settings")
MOST_UNKNOWN: Final = 200
TYPE_WORDS: Final = {
    "string": "Text",
    "number": "Number",
    "boolean": "Yes or no",
    "date": "Date",
    "datetime": "Date and time",
}


class EventForm(forms.Form):
    """The name of an event."""

    name = forms.CharField(
        label="Name", max_length=LONGEST_NAME, help_text="As the shop sends it, such as wishlist_saved.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip


class PropertyForm(forms.Form):
    """One property of an event's metadata."""

    key = forms.CharField(
        label="Property", max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip
    type = forms.ChoiceField(label="Type", choices=list(TYPE_WORDS.items()))
    required = forms.BooleanField(label="Required", required=False, help_text="An event without it is refused.")


class EventSchemasPage(Page):
    """What these pages share."""

    permission = Permission.MANAGE_PROJECT
    section = "event-schemas"
    crumbs: ClassVar[tuple[Crumb, ...]] = (SETTINGS, Crumb("Event schemas"))

    def way(self) -> dict[str, Any]:
        """Where one came from."""
        return {"crumbs": (SETTINGS, Crumb("Event schemas", reverse("dashboard:event-schemas")))}


class EventSchemaList(EventSchemasPage):
    """Every defined event, then the names that arrived without being defined."""

    template_name = "dashboard/event_schemas/list.html"
    title = "Event schemas"
    crumbs = (SETTINGS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = EventSchema.objects.of(self.project).order_by("name")
        defined = EventSchema.objects.of(self.project).filter(name=OuterRef("name"))
        unknown = EventName.objects.of(self.project).exclude(Exists(defined)).order_by("name")[:MOST_UNKNOWN]
        lines = [{"schema": row, "count": len(_live(row))} for row in rows]
        new = reverse("dashboard:event-schema-new")
        names = [{"row": row, "url": f"{new}?{urlencode({'name': row.name})}"} for row in unknown]
        return self.render({"lines": lines, "unknown": names})


class EventSchemaNew(EventSchemasPage):
    """Define an event."""

    template_name = "dashboard/event_schemas/new.html"
    title = "Define an event"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.way() | {"form": EventForm(initial={"name": request.GET.get("name", "")})})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EventForm(request.POST)
        if form.is_valid():
            body = {"name": form.cleaned_data["name"], "schema": {"properties": {}}}
            try:
                with transaction.atomic():
                    schema = event_schemas.create(project=self.project, body=body, at=self.at)
                    self.note("event_schema.created", "event_schema", schema.public_id, name=schema.name)
            except DomainError as error:
                put_on_form(form, error)
            else:
                return redirect("dashboard:event-schema", schema.public_id)
        return self.render(self.way() | {"form": form}, status=400)


class EventSchemaPage(EventSchemasPage):
    """One event: its properties, one more, one less, or the whole schema gone."""

    template_name = "dashboard/event_schemas/page.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return self.show(event_schemas.find(project=self.project, public_id=public_id), PropertyForm())

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        schema = event_schemas.find(project=self.project, public_id=public_id)
        match request.POST.get("do"):
            case "delete":
                return self.delete_schema(schema)
            case "remove":
                key = request.POST.get("key", "")
                former = schema.properties.get(key)
                if former is None:
                    raise NotFound.of("event property", key)
                self.write(schema, {key: former | {"deleted": True}})
                messages.success(request, f"{key} is no longer checked.")
                return redirect("dashboard:event-schema", public_id)
        form = PropertyForm(request.POST)
        if form.is_valid():
            values = form.cleaned_data
            try:
                self.write(schema, {values["key"]: {"type": values["type"], "optional": not values["required"]}})
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"{values['key']} is defined.")
                return redirect("dashboard:event-schema", public_id)
        return self.show(schema, form, status=400)

    def write(self, schema: EventSchema, properties: dict[str, Any]) -> None:
        """Change properties and write that down. Raises InvalidPayload."""
        before = event_schemas.facts(schema)
        with transaction.atomic():
            changed = event_schemas.update(
                project=self.project, schema=schema, body={"schema": {"properties": properties}}, at=self.at
            )
            after = event_schemas.facts(changed)
            self.note(
                "event_schema.changed", "event_schema", schema.public_id, name=schema.name, before=before, after=after
            )

    def delete_schema(self, schema: EventSchema) -> HttpResponse:
        """Remove it; events stay."""
        public_id, before = schema.public_id, event_schemas.facts(schema)
        with transaction.atomic():
            event_schemas.delete(project=self.project, schema=schema)
            self.note("event_schema.deleted", "event_schema", public_id, name=schema.name, before=before)
        messages.success(self.request, f"The schema of {schema.name} is deleted. Recorded events stay.")
        return redirect("dashboard:event-schemas")

    def show(self, schema: EventSchema, form: PropertyForm, *, status: int = 200) -> HttpResponse:
        """The page."""
        lines = [
            {"key": key, "type": TYPE_WORDS[part["type"]], "required": part.get("optional") is False}
            for key, part in sorted(_live(schema).items())
        ]
        context = {"schema": schema, "lines": lines, "form": form, "title": schema.name}
        return self.render(self.way() | context, status=status)


def _live(schema: EventSchema) -> dict[str, Any]:
    return {key: part for key, part in schema.properties.items() if not part.get("deleted")}
