"""Growth of a segment and the fixed list made of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from config.kernel import instants
from config.kernel.errors import LimitExceeded
from segments.models import Membership, Segment, SegmentDay
from segments.services import freezing, growth
from tests.factories import NOW, make_customer, make_segment

pytestmark = pytest.mark.django_db


def growth_of(client, segment):
    return client.get(reverse("dashboard:segment-growth", args=[segment.public_id]))


def test_growth_shows_members_entered_and_left_a_day(project, marketer):
    segment = make_segment(
        project=project, type=Segment.Type.AUTO_UPDATE, filled_at=NOW, pass_to=None, created_at=NOW - timedelta(days=9)
    )
    SegmentDay.objects.create(segment=segment, day=growth.day_of(project, instants.now()), filled=40, entered=3, left=1)
    text = growth_of(marketer, segment).content.decode()
    assert "42 members now." in text
    assert "3 entered and 1 left" in text
    assert "<svg" in text


def test_growth_that_is_not_known_yet_is_a_state_and_never_a_zero(project, marketer):
    counting = make_segment(project=project, type=Segment.Type.AUTO_UPDATE)
    assert "Counting…" in growth_of(marketer, counting).content.decode()
    passive = make_segment(project=project)
    assert "No record" in growth_of(marketer, passive).content.decode()


def test_freezing_makes_a_fixed_list_of_this_moment(project, marketer):
    segment = make_segment(project=project, name="Berliners")
    ann = make_customer(project=project, address={"city": "Berlin"})
    make_customer(project=project, address={"city": "Bonn"})
    answer = marketer.post(reverse("dashboard:segment-freeze", args=[segment.public_id]))
    frozen = Segment.objects.get(type=Segment.Type.STATIC)
    assert answer.url == reverse("dashboard:segment", args=[frozen.public_id])
    assert frozen.name.startswith("Berliners, ")
    assert list(Membership.objects.values_list("segment", "customer")) == [(frozen.pk, ann.pk)]


def test_a_cap_on_fixed_lists_holds_for_frozen_ones(project):
    project.vendor_caps = {"static_segment_customers": 1}
    segment = make_segment(project=project)
    for _ in range(2):
        make_customer(project=project, address={"city": "Berlin"})
    with pytest.raises(LimitExceeded):
        freezing.freeze(segment=segment, name="F", at=NOW)
    assert Segment.objects.count() == 1
