"""Settings › Metadata schema: what the metadata of each kind of object looks like, and which keys nobody defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import metadata_samples
from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.metadata_forms import TYPE_WORDS, DefinitionForm, NestedForm
from config.kernel.errors import DomainError, NotFound
from config.project import schemas
from config.project.models import MetadataSchema, Project
from config.project.permissions import Permission

SETTINGS: Final = Crumb("Settings")
MOST_UNKNOWN: Final = 100


@dataclass(frozen=True)
class Line:
    """A key as the page lists it."""

    key: str
    type: str
    rule: str
    required: bool
    share: str
    url: str


def label_of(related_object: str) -> str:
    """`order_item` → Order item; nested schemas keep their own spelling."""
    return related_object.replace("_", " ").capitalize() if related_object in schemas.STANDARD else related_object


def rule_of(definition: Mapping[str, Any]) -> str:
    """What values are allowed, in words."""
    parts = []
    if definition.get("eq"):
        parts.append("One of " + ", ".join(str(value) for value in definition["eq"]))
    if definition.get("ne"):
        parts.append("None of " + ", ".join(str(value) for value in definition["ne"]))
    for name, words in (("gt", "more than"), ("gte", "at least"), ("lt", "less than"), ("lte", "at most")):
        if definition.get(name) is not None:
            parts.append(f"{words} {definition[name]:g}")
    for name, words in (("min_length", "at least"), ("max_length", "at most"), ("exact_length", "exactly")):
        if definition.get(name) is not None:
            parts.append(f"{words} {definition[name]} characters")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def type_of(definition: Mapping[str, Any]) -> str:
    """The type in words: `List of text`, `Nested object (address)`."""
    word = TYPE_WORDS.get(definition["type"], definition["type"])
    if definition.get("object_type"):
        word = f"{word} ({definition['object_type']})"
    return f"List: {word.lower()}" if definition.get("array") else word


class SchemasPage(Page):
    """What the pages of schemas share."""

    permission = Permission.MANAGE_PROJECT
    section = "metadata"
    crumbs: ClassVar[tuple[Crumb, ...]] = (SETTINGS, Crumb("Metadata schema"))

    def way(self, related_object: str = "") -> dict[str, Any]:
        """Where one came from."""
        above = Crumb("Metadata schema", reverse("dashboard:metadata-schemas"))
        one = Crumb(label_of(related_object), reverse("dashboard:metadata-schema", args=[related_object or "x"]))
        return {"crumbs": (SETTINGS, above, one) if related_object else (SETTINGS, above)}

    def stored(self, related_object: str) -> MetadataSchema | None:
        """The schema, None for a kind of object that has none yet. Raises NotFound for what is no kind."""
        found = find(self.project, related_object)
        if found is None and related_object not in schemas.STANDARD:
            raise NotFound.of("metadata schema", related_object)
        return found

    def write(self, related_object: str, stored: MetadataSchema | None, body: Mapping[str, Any]) -> None:
        """Create or change the schema and write that down. Raises InvalidPayload."""
        with transaction.atomic():
            if stored is None:
                body = {"related_object": related_object, "properties": {}, **body}
                made = schemas.create(project=self.project, body=body, at=self.at)
                facts = schemas.facts(made)
                self.note(
                    "metadata_schema.created", "metadata_schema", made.public_id, name=related_object, after=facts
                )
                return
            before = schemas.facts(stored)
            changed = schemas.update(project=self.project, schema=stored, body=body, at=self.at)
            after = schemas.facts(changed)
            if before != after:
                public_id, name = changed.public_id, changed.related_object
                action = "metadata_schema.changed"
                self.note(action, "metadata_schema", public_id, name=name, before=before, after=after)


class SchemaList(SchemasPage):
    """Every kind of object, with a schema or without; nested schemas after them."""

    template_name = "dashboard/metadata/list.html"
    title = "Metadata schema"
    crumbs = (SETTINGS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = {row.related_object: row for row in MetadataSchema.objects.of(self.project).order_by("related_object")}
        names = [*schemas.STANDARD, *(name for name in rows if name not in schemas.STANDARD)]
        lines = [
            {
                "label": label_of(name),
                "url": reverse("dashboard:metadata-schema", args=[name]),
                "schema": rows.get(name),
                "keys": len(live(rows[name])) if name in rows else 0,
                "nested": name not in schemas.STANDARD,
            }
            for name in names
        ]
        return self.render({"lines": lines})


class SchemaNew(SchemasPage):
    """A schema for nested objects, under a name of one's own."""

    template_name = "dashboard/metadata/new.html"
    title = "New nested schema"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.way() | {"form": NestedForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NestedForm(request.POST)
        if form.is_valid():
            name = form.cleaned_data["related_object"]
            try:
                self.write(name, None, {})
            except DomainError as error:
                put_on_form(form, error)
            else:
                return redirect("dashboard:metadata-schema", name)
        return self.render(self.way() | {"form": form}, status=400)


class SchemaPage(SchemasPage):
    """The keys of one kind of object: defined, only seen in data, taken out."""

    template_name = "dashboard/metadata/detail.html"

    def get(self, request: HttpRequest, related_object: str) -> HttpResponse:
        return self.show(related_object)

    def post(self, request: HttpRequest, related_object: str) -> HttpResponse:
        stored = self.stored(related_object)
        if request.POST.get("do") == "delete" and stored is not None:
            with transaction.atomic():
                before = schemas.facts(stored)
                public_id = stored.public_id
                schemas.delete(project=self.project, schema=stored)
                self.note("metadata_schema.deleted", "metadata_schema", public_id, name=related_object, before=before)
            messages.success(
                request, f"The schema of {label_of(related_object).lower()} is deleted. Stored values stay."
            )
            return redirect("dashboard:metadata-schemas")
        self.write(related_object, stored, {"allow_defined_only": request.POST.get("unknown") != "on"})
        messages.success(request, "Saved.")
        return redirect("dashboard:metadata-schema", related_object)

    def show(self, related_object: str) -> HttpResponse:
        """The page."""
        stored = self.stored(related_object)
        sample = metadata_samples.sample_of(self.project, related_object)
        properties = stored.properties if stored else {}
        lines = [self.line(related_object, key, value, sample) for key, value in sorted(properties.items())]
        gone = {key for key, value in properties.items() if value.get("deleted")}
        unknown = [key for key, _ in sorted(sample.counts.items(), key=lambda one: (-one[1], one[0]))]
        context = {
            "title": label_of(related_object),
            "related_object": related_object,
            "schema": stored,
            "allows_unknown": stored is None or not stored.allow_defined_only,
            "sample": sample,
            "lines": [line for line in lines if line.key not in gone],
            "gone": [line for line in lines if line.key in gone],
            "unknown": [
                self.line(related_object, key, guessed(sample.values.get(key)), sample)
                for key in unknown
                if key not in properties
            ][:MOST_UNKNOWN],
            "new_url": key_url(related_object),
        }
        return self.render(self.way() | context)

    def line(self, kind: str, key: str, value: Mapping[str, Any], sample: metadata_samples.Sample) -> Line:
        """One key."""
        required = value.get("optional") is False
        return Line(key, type_of(value), rule_of(value), required, sample.share(key), key_url(kind, key))


class KeyPage(SchemasPage):
    """Define a key, change its definition, or take it out."""

    template_name = "dashboard/metadata/key.html"

    def get(self, request: HttpRequest, related_object: str) -> HttpResponse:
        return self.show(related_object, self.form(related_object, request.GET.get("key", "")))

    def post(self, request: HttpRequest, related_object: str) -> HttpResponse:
        stored = self.stored(related_object)
        key = request.GET.get("key", "")
        if request.POST.get("do") == "remove":
            former = (stored.properties if stored else {}).get(key)
            if former is None:
                raise NotFound.of("metadata key", key)
            self.write(related_object, stored, {"properties": {key: former | {"deleted": True}}})
            messages.success(request, f"{key} is no longer defined. Stored values stay.")
            return redirect("dashboard:metadata-schema", related_object)
        form = self.form(related_object, key, request.POST)
        if form.is_valid():
            name = form.cleaned_data["key"]
            if form.former is None and name in live(stored):
                form.add_error("key", "This key is defined already.")
            else:
                try:
                    self.write(related_object, stored, {"properties": {name: form.definition()}})
                except DomainError as error:
                    put_on_form(form, error, [field for field in form.fields if field != "key"])
                else:
                    messages.success(request, f"{name} is defined.")
                    return redirect("dashboard:metadata-schema", related_object)
        return self.show(related_object, form, status=400)

    def form(self, related_object: str, key: str, typed: Any = None) -> DefinitionForm:
        """The form of a key: as defined, else as its values look."""
        stored = self.stored(related_object)
        former = (stored.properties if stored else {}).get(key)
        rows = MetadataSchema.objects.of(self.project).exclude(related_object__in=schemas.STANDARD)
        nested = rows.order_by("related_object").values_list("related_object", flat=True)
        initial = {}
        if former is None and key and typed is None:
            seen = metadata_samples.sample_of(self.project, related_object).values.get(key)
            initial = {"initial": {"key": key, **guessed(seen)}}
        return DefinitionForm(typed, nested=nested, former=former, key=key, **initial)

    def show(self, related_object: str, form: DefinitionForm, *, status: int = 200) -> HttpResponse:
        """The form, under the kind of object it belongs to."""
        key = self.request.GET.get("key", "")
        defined = form.former is not None
        context = {
            "form": form,
            "title": key if defined else "Define a key",
            "defined": defined and not (form.former or {}).get("deleted"),
            "related_object": related_object,
            "kind": label_of(related_object).lower(),
        }
        return self.render(self.way(related_object) | context, status=status)


def find(project: Project, related_object: str) -> MetadataSchema | None:
    """The project's schema of a kind of object."""
    return MetadataSchema.objects.of(project).filter(related_object__iexact=related_object).first()


def live(schema: MetadataSchema | None) -> list[str]:
    """The keys that are defined and were not taken out."""
    return [key for key, value in (schema.properties if schema else {}).items() if not value.get("deleted")]


def guessed(value: object) -> dict[str, Any]:
    """A definition as the value suggests it."""
    kind, array = metadata_samples.guess(value)
    return {"type": kind, "array": array}


def key_url(related_object: str, key: str = "") -> str:
    """The page of a key, or of a new one."""
    address = reverse("dashboard:metadata-key", args=[related_object])
    return f"{address}?{urlencode({'key': key})}" if key else address
