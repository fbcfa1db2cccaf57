"""Settings › Project and Settings › Metadata schema."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.project import audit, schemas
from config.project.models import AuditEntry, MetadataSchema, Project
from tests.factories import NOW, make_customer, make_shop

pytestmark = pytest.mark.django_db
PROJECT = "dashboard:project-settings"


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


def shown(admin):
    """What a browser would send back unchanged."""
    form = admin.get(reverse(PROJECT)).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "on" if value is True else value for name, value in values.items() if value not in (None, False, "")}


def test_an_unchanged_form_changes_nothing(admin, project):
    assert admin.post(reverse(PROJECT), shown(admin)).status_code == 302
    assert not AuditEntry.objects.exists()


def test_settings_are_saved_and_audited(admin, project):
    typed = shown(admin) | {
        "name": "Shop two", "timezone": "Asia/Tokyo", "client_trusted_domains": "https://a.example\nhttps://b.example",
        "client_redeem_enabled": "on", "dynamic_segments": "5", "imported_orders": "2000",
    }  # fmt: skip
    del typed["client_protects_customers"]
    assert admin.post(reverse(PROJECT), typed)["Location"] == reverse(PROJECT)
    stored = Project.objects.get()
    assert (stored.name, stored.timezone, stored.client_redeem_enabled) == ("Shop two", "Asia/Tokyo", True)
    assert stored.client_trusted_domains == ["https://a.example", "https://b.example"]
    assert (stored.client_protects_customers, stored.vendor_caps) == (
        *(False, {"dynamic_segments": 5, "imported_orders": 2000}),
    )
    values = audit.values_of(AuditEntry.objects.get())
    assert values["after"]["client_redeem_enabled"] is True
    assert values["before"]["timezone"] == "Europe/Berlin"
    assert "Shop two" in admin.get(reverse("dashboard:audit")).content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 300}, "name"), ({"timezone": "Mars/Base"}, "timezone"),
        ({"currency": "12"}, "currency"), ({"dial_code": "abc"}, "dial_code"),
        ({"client_trusted_domains": "https://a.example/x"}, "client_trusted_domains"),
        ({"dynamic_segments": "-1"}, "dynamic_segments"), ({"description": "a\0b"}, "description"),
    ],
)  # fmt: skip
def test_a_refusal_stands_at_its_field_and_changes_nothing(admin, project, typed, field):
    answer = admin.post(reverse(PROJECT), shown(admin) | {"client_redeem_enabled": "on"} | typed)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert Project.objects.get().client_redeem_enabled is False
    assert not AuditEntry.objects.exists()


def test_two_people_do_not_overwrite_each_other(admin, project):
    typed = shown(admin)
    assert admin.post(reverse(PROJECT), typed | {"name": "One"}).status_code == 302
    answer = admin.post(reverse(PROJECT), typed | {"name": "Two"})
    assert answer.status_code == 409
    assert "Somebody else changed these settings meanwhile" in answer.content.decode()
    assert Project.objects.get().name == "One"


@pytest.mark.parametrize("role", ["user", "viewer", "merchant"])
@pytest.mark.parametrize("name", [PROJECT, "dashboard:metadata-schemas"])
def test_settings_are_for_admins(sign_in, project, role, name):
    browser = sign_in(role)
    assert browser.get(reverse(name)).status_code == 403
    assert browser.post(reverse(PROJECT), {"name": "Mine"}).status_code == 403
    assert Project.objects.get().name == "Shop"


def schema_page(name="customer"):
    return reverse("dashboard:metadata-schema", args=[name])


def key_page(key="", name="customer"):
    return reverse("dashboard:metadata-key", args=[name]) + (f"?key={key}" if key else "")


def define(admin, key="tier", page=None, **typed):
    return admin.post(page or key_page(), {"key": key, "type": "string"} | typed)


def test_a_key_is_defined_changed_and_taken_out(admin, project):
    assert define(admin, eq="gold\nsilver\n\ngold", required="on")["Location"] == schema_page()
    stored = MetadataSchema.objects.get()
    assert (stored.related_object, stored.properties["tier"]["eq"]) == ("customer", ["gold", "silver"])
    assert stored.properties["tier"]["optional"] is False
    assert "One of gold, silver" in admin.get(schema_page()).content.decode()
    define(admin, page=key_page("tier"), array="on")
    assert MetadataSchema.objects.get().properties["tier"] == {
        "type": "string", "array": True, "optional": True, "object_type": None,
    }  # fmt: skip
    admin.post(key_page("tier"), {"do": "remove"})
    assert schemas.schema_of(project, "customer").live() == {}
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["metadata_schema.created", *["metadata_schema.changed"] * 2]
    assert audit.values_of(AuditEntry.objects.earliest("pk"))["after"]["customer.tier"]["eq"] == ["gold", "silver"]


def test_bounds_that_the_page_does_not_show_stay(admin, project):
    body = {"related_object": "customer", "properties": {"n": {"type": "number", "gt": 2, "ne": [5]}}}
    schemas.create(project=project, body=body, at=NOW)
    define(admin, "n", key_page("n"), type="number", lte="9.5", eq="3\n4.5")
    stored = MetadataSchema.objects.get().properties["n"]
    assert {name: stored[name] for name in ("gt", "ne", "lte", "eq")} == {
        "gt": 2,
        "ne": [5],
        "lte": 9.5,
        "eq": [3, 4.5],
    }


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"type": "number", "eq": "1e999999999"}, "Write numbers"),
        ({"type": "number", "eq": "many"}, "Write numbers"),
        ({"type": "color"}, "is not one of the available choices"),
        ({"key": ""}, "This field is required"),
        ({"key": "x" * 256}, "at most 255 characters"),
        ({"min_length": "-1"}, "greater than or equal to 0"),
        ({"type": "number", "gte": "NaN"}, "Enter a number"),
    ],
)
def test_what_is_no_definition_is_said_at_the_form(admin, project, typed, sentence):
    answer = define(admin, **typed)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not MetadataSchema.objects.exists()


def test_the_type_of_a_defined_key_stays(admin, project):
    define(admin)
    define(admin, page=key_page("tier"), type="number")
    assert MetadataSchema.objects.get().properties["tier"]["type"] == "string"
    assert define(admin).status_code == 400


def test_keys_seen_in_data_are_counted_and_offered(admin, project):
    define(admin)
    for index in range(3):
        make_customer(
            project=project, source_id=f"c{index}", metadata={"tier": "gold", "visits": index} if index else {}
        )
    page = admin.get(schema_page())
    assert [(line.key, line.type, line.share) for line in page.context["unknown"]] == [("visits", "Number", "2 of 3")]
    assert [(line.key, line.share) for line in page.context["lines"]] == [("tier", "2 of 3")]
    form = admin.get(key_page("visits")).context["form"]
    assert (form["key"].value(), form["type"].value()) == ("visits", "number")


def test_undefined_keys_can_be_refused_for_all_doors(admin, project):
    shop = make_shop("Second")
    admin.post(schema_page(), {})
    assert MetadataSchema.objects.of(project).get().allow_defined_only is True
    assert shop.server().post("/v1/customers", {"metadata": {"a": 1}}).status_code == 200
    admin.post(schema_page(), {"unknown": "on"})
    assert MetadataSchema.objects.of(project).get().allow_defined_only is False


def test_a_nested_schema_is_made_offered_and_deleted(admin, project):
    page = admin.post(reverse("dashboard:metadata-schema-new"), {"related_object": "parcel"})["Location"]
    assert page == schema_page("parcel")
    assert "parcel" in admin.get(key_page()).content.decode()
    define(admin, "home", type="object", object_type="parcel")
    assert MetadataSchema.objects.get(related_object="customer").properties["home"]["object_type"] == "parcel"
    again = admin.post(reverse("dashboard:metadata-schema-new"), {"related_object": "Parcel"})
    assert again.status_code == 400
    assert admin.post(page, {"do": "delete"}).status_code == 302
    assert admin.get(page).status_code == 404


def test_schemas_of_other_projects_are_not_there(admin, project):
    other = make_shop("Other").project
    schemas.create(project=other, body={"related_object": "secret_thing", "properties": {}}, at=NOW)
    assert "secret_thing" not in admin.get(reverse("dashboard:metadata-schemas")).content.decode()
    assert admin.get(schema_page("secret_thing")).status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
def test_the_pages_cost_the_same_for_3_and_for_30_keys(admin, project, django_assert_num_queries, rows):
    properties = {f"key{index}": {"type": "string"} for index in range(rows)}
    schemas.create(project=project, body={"related_object": "customer", "properties": properties}, at=NOW)
    with django_assert_num_queries(8):
        assert admin.get(schema_page()).status_code == 200
    with django_assert_num_queries(7):
        assert admin.get(reverse("dashboard:metadata-schemas")).status_code == 200
