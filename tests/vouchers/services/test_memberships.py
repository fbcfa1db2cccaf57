"""Rules ask segments live."""

import pytest

from customers.payloads import parse_customer
from tests.factories import NOW, make_customer, make_project, make_segment
from vouchers.services import memberships

pytestmark = pytest.mark.django_db


def test_rules_ask_dynamic_segments_with_the_data_that_was_sent():
    berlin = make_segment()
    elsewhere = make_segment(project=make_project("Other"))
    ann = make_customer(address={"city": "Bonn"})
    asked = {"project": ann.project, "segment_ids": [berlin.public_id, elsewhere.public_id, "seg_X"], "at": NOW}
    sent = parse_customer({"address": {"city": "Berlin"}})
    assert memberships.of(customer=ann, data=None, **asked) == frozenset()
    assert memberships.of(customer=ann, data=sent, **asked) == {berlin.public_id}
    assert memberships.of(customer=None, data=sent, **asked) == {berlin.public_id}
    assert memberships.of(customer=None, data=None, **asked) == frozenset()
