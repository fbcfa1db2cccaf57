"""Settings › Event schemas."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.project.models import AuditEntry
from tests.factories import NOW
from tracking.models import EventSchema
from tracking.services import event_schemas

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


@pytest.fixture
def schema(project):
    return event_schemas.create(project=project, body={"name": "review", "schema": {"properties": {}}}, at=NOW)


def test_an_event_that_arrived_undefined_is_offered_and_defined(admin, project):
    event_schemas.note_name(project=project, name="wishlist saved", from_client=True, at=NOW)
    page = admin.get(reverse("dashboard:event-schemas")).content.decode()
    assert "wishlist saved" in page
    assert "name=wishlist+saved" in page
    form = admin.get(reverse("dashboard:event-schema-new") + "?name=wishlist+saved").content.decode()
    assert 'value="wishlist saved"' in form
    made = admin.post(reverse("dashboard:event-schema-new"), {"name": "wishlist saved"})
    assert made.url == reverse("dashboard:event-schema", args=[EventSchema.objects.get().public_id])
    assert "Arrived without" not in admin.get(reverse("dashboard:event-schemas")).content.decode()


def test_properties_are_added_and_taken_out(admin, schema):
    address = reverse("dashboard:event-schema", args=[schema.public_id])
    admin.post(address, {"key": "stars", "type": "number", "required": "on"})
    schema.refresh_from_db()
    assert schema.properties == {"stars": {"type": "number", "optional": False}}
    changed = admin.post(address, {"key": "stars", "type": "string"})
    assert changed.status_code == 400
    assert "type cannot be changed" in changed.content.decode()
    admin.post(address, {"do": "remove", "key": "stars"})
    schema.refresh_from_db()
    assert schema.properties["stars"]["deleted"] is True
    admin.post(address, {"do": "delete"})
    assert not EventSchema.objects.exists()
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["event_schema.changed", "event_schema.changed", "event_schema.deleted"]


def test_a_name_that_is_taken_is_refused(admin, schema):
    answer = admin.post(reverse("dashboard:event-schema-new"), {"name": "review"})
    assert answer.status_code == 400
    assert "exists with name review" in answer.content.decode()
    assert (
        admin.post(reverse("dashboard:event-schema", args=[schema.public_id]), {"do": "remove", "key": "x"}).status_code
        == 404
    )
