"""The pages of segments: who may open them, what they show, what they cost, what they refuse."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from segments.dashboard import language
from segments.models import Membership, Segment
from tests.factories import NOW, make_customer, make_project, make_rule, make_segment

pytestmark = pytest.mark.django_db

BERLIN = '{"junction":"and","address.city":{"conditions":{"$is":["Berlin"]}}}'


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def in_berlin(project, **fields):
    return make_customer(project=project, address={"city": "Berlin", "country": "DE"}, **fields)


def page(client, name, *args, **query):
    return client.get(reverse(f"dashboard:{name}", args=args), query)


def queries_of(client, url):
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(url).status_code == 200
    return len(found)


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("admin", {"segments": 200, "segment": 200, "segment-definition": 200, "segment-usage": 200, "segment-new": 200,
                   "segment-list": 200, "segment-edit": 200, "segment-values": 200, "segment-customers": 200}),
        ("user", {"segments": 200, "segment-new": 200, "segment-edit": 200, "segment-list": 200}),
        ("viewer", {"segments": 200, "segment": 200, "segment-definition": 200, "segment-new": 403, "segment-list": 403,
                    "segment-edit": 403}),
        ("merchant", {"segments": 403, "segment": 403, "segment-usage": 403, "segment-new": 403, "segment-values": 403,
                      "segment-customers": 403}),
    ],
)  # fmt: skip
def test_roles_open_what_they_may(sign_in, project, role, statuses):
    segment = make_segment(project=project)
    client = sign_in(role)
    own = {"segment", "segment-definition", "segment-usage", "segment-edit"}
    found = {name: page(client, name, *([segment.public_id] if name in own else [])).status_code for name in statuses}
    assert found == statuses


@pytest.mark.parametrize("role", ["viewer", "merchant"])
def test_who_may_not_edit_changes_nothing(sign_in, project, role):
    segment = make_segment(project=project)
    client = sign_in(role)
    body = {"name": "Mine", "filter": BERLIN, "customers": "x", "version": "1"}
    for name in ("segment-new", "segment-list"):
        assert client.post(reverse(f"dashboard:{name}"), body).status_code == 403
    for name in ("segment-edit", "segment-delete"):
        assert client.post(reverse(f"dashboard:{name}", args=[segment.public_id]), body).status_code == 403
    assert list(Segment.objects.values_list("name", "version")) == [(segment.name, 1)]


def test_another_project_s_segment_is_not_there(marketer, project):
    foreign = make_segment(project=make_project("Other"))
    for name in ("segment", "segment-definition", "segment-usage", "segment-edit", "segment-count"):
        assert page(marketer, name, foreign.public_id).status_code == 404
    assert marketer.post(reverse("dashboard:segment-delete", args=[foreign.public_id])).status_code == 404
    assert Segment.objects.filter(pk=foreign.pk).exists()


def test_the_list_says_type_definition_and_members(marketer, project):
    in_berlin(project)
    in_berlin(project)
    make_customer(project=project)
    make_segment(project=project, name="Berliners", definition=BERLIN)
    fixed = make_segment(project=project, name="Friends", type="static", definition=None)
    Membership.objects.create(segment=fixed, customer=in_berlin(project), entered_at=NOW)
    text = page(marketer, "segments").content.decode()
    for words in ("Berliners", "City is Berlin", "Updates itself", "Friends", "Fixed list", "2 segments"):
        assert words in text
    assert '<td data-label="Members" class="number">3</td>' in text
    assert '<td data-label="Members" class="number">1</td>' in text


def test_an_empty_list_says_what_a_segment_is(marketer, sign_in):
    text = page(marketer, "segments").content.decode()
    assert "No segments yet" in text
    assert reverse("dashboard:segment-new") in text
    assert "New segment" not in page(sign_in("viewer"), "segments").content.decode()


def test_the_list_costs_the_same_for_3_and_30_segments(marketer, project):
    url = reverse("dashboard:segments")
    for number in range(3):
        make_segment(project=project, definition=BERLIN, name=f"S{number}")
    few = queries_of(marketer, url)
    for number in range(27):
        make_segment(project=project, definition=BERLIN, name=f"T{number}")
    assert queries_of(marketer, url) == few + 1  # the count of a second page
    assert few <= 10


def test_the_members_cost_the_same_for_3_and_30_customers(marketer, project):
    segment = make_segment(project=project, definition=BERLIN)
    url = reverse("dashboard:segment", args=[segment.public_id])
    for _ in range(3):
        in_berlin(project)
    few = queries_of(marketer, url)
    for _ in range(27):
        in_berlin(project)
    assert queries_of(marketer, url) == few
    assert few <= 10


def test_the_members_are_those_who_fit_now(marketer, project):
    segment = make_segment(project=project, definition=BERLIN)
    in_berlin(project, name="Anna")
    make_customer(project=project, name="Bert")
    text = page(marketer, "segment", segment.public_id).content.decode()
    assert "Anna" in text
    assert "Bert" not in text
    assert "1 member" in text


def test_nobody_in_is_said(marketer, project):
    text = page(marketer, "segment", make_segment(project=project, definition=BERLIN).public_id).content.decode()
    assert "Nobody is in" in text


def test_the_definition_stands_in_words_and_as_sent(marketer, project):
    segment = make_segment(project=project, definition=BERLIN)
    text = page(marketer, "segment-definition", segment.public_id).content.decode()
    assert "City is Berlin" in text
    assert "&quot;$is&quot;: [" in text


def test_a_big_project_counts_each_segment_on_its_own(marketer, project, monkeypatch):
    monkeypatch.setattr("segments.dashboard.language.SMALL", 0)
    in_berlin(project)
    segment = make_segment(project=project, definition=BERLIN)
    url = reverse("dashboard:segment-count", args=[segment.public_id])
    assert f'data-poll="{url}"' in page(marketer, "segments").content.decode()
    counted = marketer.get(url).content.decode()
    assert f'id="count-{segment.public_id}"' in counted
    assert ">1<" in counted
    assert "data-poll" not in counted


def test_a_segment_in_use_is_not_deleted_and_the_page_lists_where(marketer, project):
    segment = make_segment(project=project, name="Inner", definition=BERLIN)
    make_rule(project=project, name="Only Berliners", segment_ids=[segment.public_id])
    answer = marketer.post(reverse("dashboard:segment-delete", args=[segment.public_id]), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("dashboard:segment-usage", args=[segment.public_id])
    text = answer.content.decode()
    assert "Only Berliners" in text
    assert "Validation rule" in text
    assert "is in use by" in text
    assert Segment.objects.filter(pk=segment.pk).exists()


def test_deleting_says_so_and_keeps_the_customers(marketer, project):
    customer = in_berlin(project)
    segment = make_segment(project=project, name="Berliners", definition=BERLIN)
    answer = marketer.post(reverse("dashboard:segment-delete", args=[segment.public_id]), follow=True)
    assert "Segment Berliners is deleted" in answer.content.decode()
    assert not Segment.objects.exists()
    customer.refresh_from_db()


def test_an_unused_segment_says_so(marketer, project):
    text = page(marketer, "segment-usage", make_segment(project=project).public_id).content.decode()
    assert "Not used yet" in text


def test_saving_keeps_the_filter_and_who_made_it(marketer, project):
    answer = marketer.post(
        reverse("dashboard:segment-new"), {"name": " Berliners ", "description": "From Berlin", "filter": BERLIN}
    )
    segment = Segment.objects.get()
    assert answer["Location"] == reverse("dashboard:segment", args=[segment.public_id])
    assert (segment.name, segment.description, segment.type) == ("Berliners", "From Berlin", "passive")
    assert json.loads(segment.definition or "") == json.loads(BERLIN)
    assert segment.created_by is not None
    assert segment.created_by.email == "user@shop.example"


def test_a_segment_that_reports_is_auto_update(marketer):
    marketer.post(reverse("dashboard:segment-new"), {"name": "B", "filter": BERLIN, "reports": "on"})
    assert Segment.objects.get().type == "auto-update"


@pytest.mark.parametrize(
    ("_case", "body", "sentence"),
    [
        ("no name", {"filter": BERLIN}, "This field is required."),
        ("no filter", {"name": "B"}, "everyone is not a segment"),
        ("no JSON", {"name": "B", "filter": '{"junction":\n and}'}, "Expecting value in line 2, column 2."),
        ("a list", {"name": "B", "filter": "[]"}, "The definition should be a JSON object."),
        ("too deep", {"name": "B", "filter": '{"a":' * 50_000}, "nested too deep"),
        ("no condition", {"name": "B", "filter": '{"junction":"and"}'}, "must contain valid filter"),
        ("unknown field", {"name": "B", "filter": '{"junction":"and","color":{"conditions":{"$is":["x"]}}}'}, "color"),
        ("unknown operator", {"name": "B", "filter": BERLIN.replace("$is", "$like")}, "condition must be one of"),
        ("empty group", {"name": "B", "filter": '{"junction":"and","g1":{"junction":"or"}}'}, ".filter.g1"),
        ("unknown segment", {"name": "B", "filter": BERLIN.replace("address.city", "segments")}, "does not exist"),
        ("null character", {"name": "B", "filter": BERLIN.replace("Berlin", "\\u0000")}, "U+0000"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_said_and_nothing_is_stored(marketer, _case, body, sentence):
    answer = marketer.post(reverse("dashboard:segment-new"), body)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Segment.objects.exists()


def test_problems_of_the_filter_reach_the_builder_with_their_path(marketer):
    body = {"name": "B", "filter": BERLIN.replace("$is", "$like")}
    answer = marketer.post(reverse("dashboard:segment-new"), body)
    assert [problem["path"] for problem in answer.context["page"]["problems"]] == [
        ".filter.address.city.conditions.$like"
    ]


def test_editing_moves_the_version(marketer, project):
    segment = make_segment(project=project, name="Berliners", definition=BERLIN)
    url = reverse("dashboard:segment-edit", args=[segment.public_id])
    assert 'name="version" value="1"' in marketer.get(url).content.decode()
    changed = BERLIN.replace("Berlin", "Bonn")
    answer = marketer.post(url, {"name": "Bonners", "filter": changed, "version": "1"})
    assert answer["Location"] == reverse("dashboard:segment", args=[segment.public_id])
    segment.refresh_from_db()
    assert (segment.name, segment.version, json.loads(segment.definition or "")) == ("Bonners", 2, json.loads(changed))


def test_somebody_else_s_save_is_shown_and_kept_until_confirmed(marketer, project):
    segment = make_segment(project=project, name="Theirs", definition=BERLIN, version=5)
    url = reverse("dashboard:segment-edit", args=[segment.public_id])
    body = {"name": "Mine", "filter": BERLIN.replace("Berlin", "Bonn"), "version": "4"}
    answer = marketer.post(url, body)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "Somebody else saved this segment meanwhile" in text
    assert "City is Berlin" in text
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("Theirs", 5)
    assert 'name="version" value="5"' in text
    assert marketer.post(url, body | {"version": "5"}).status_code == 302


def test_a_segment_that_reports_is_duplicated_instead_of_edited(marketer, project):
    segment = make_segment(project=project, name="Berliners", type="auto-update", definition=BERLIN)
    url = reverse("dashboard:segment-edit", args=[segment.public_id])
    answer = marketer.get(url, follow=True)
    assert answer.redirect_chain[-1][0] == f"{reverse('dashboard:segment-new')}?from={segment.public_id}"
    text = answer.content.decode()
    assert 'value="Copy of Berliners"' in text
    assert "Berlin&quot;" in text
    assert marketer.post(url, {"name": "X", "filter": BERLIN, "version": "1"}).status_code == 302
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("Berliners", 1)


def test_the_page_of_a_frozen_segment_offers_the_copy(marketer, project):
    frozen = make_segment(project=project, type="auto-update", definition=BERLIN)
    text = page(marketer, "segment", frozen.public_id).content.decode()
    assert "Duplicate and edit" in text
    assert reverse("dashboard:segment-edit", args=[frozen.public_id]) not in text


def test_a_fixed_list_takes_ids_and_source_ids_once_each(marketer, project):
    first, second = make_customer(project=project), make_customer(project=project)
    listed = f"{first.public_id}, {second.source_id};{first.public_id}\n\n{first.source_id}"
    answer = marketer.post(reverse("dashboard:segment-list"), {"name": "Friends", "customers": listed})
    segment = Segment.objects.get()
    assert answer["Location"] == reverse("dashboard:segment", args=[segment.public_id])
    assert segment.type == "static"
    assert set(segment.memberships.values_list("customer_id", flat=True)) == {first.pk, second.pk}


@pytest.mark.parametrize(("listed", "sentence"), [("crm-404", "crm-404"), (" ,; ", "List at least one customer.")])
def test_a_list_that_names_nobody_is_refused(marketer, project, listed, sentence):
    answer = marketer.post(reverse("dashboard:segment-list"), {"name": "Friends", "customers": listed})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Segment.objects.exists()


def test_the_builder_page_names_no_stored_value_in_its_markup_unescaped(marketer, project):
    make_customer(project=project, metadata={"</script><b>": "x"})
    text = page(marketer, "segment-new").content.decode()
    assert "</script><b>" not in text
    assert "\\u003C/script\\u003E\\u003Cb\\u003E" in text


def test_a_list_whose_counts_take_too_long_is_a_state_and_no_error(marketer, project, monkeypatch):
    def slowly(**_given):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(5)")

    make_segment(project=project, definition=BERLIN)
    monkeypatch.setattr(language, "counts", slowly)
    answer = page(marketer, "segments")
    assert answer.status_code == 503
    assert "took too long" in answer.content.decode()
