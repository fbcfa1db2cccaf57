import pytest
from django.http import QueryDict

from config.filters.query import from_query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("page=2&name=Ann", {}),
        ("filters[name][conditions][$is]=Ann", {"name": {"conditions": {"$is": ["Ann"]}}}),
        ("[filters][name][conditions][$is]=Ann", {"name": {"conditions": {"$is": ["Ann"]}}}),
        (
            "filters[name][conditions][$in][1]=b&filters[name][conditions][$in][0]=a&filters[junction]=or",
            {"junction": "or", "name": {"conditions": {"$in": ["a", "b"]}}},
        ),
        (
            "filters[name][conditions][$in][]=a&filters[name][conditions][$in][]=b",
            {"name": {"conditions": {"$in": ["a", "b"]}}},
        ),
        (
            "filters[events.cart+v1.2.count][conditions][$more_than]=1&filters[metadata.a[0]][conditions][$is]=b",
            {
                "events.cart v1.2.count": {"conditions": {"$more_than": ["1"]}},
                "metadata.a[0]": {"conditions": {"$is": ["b"]}},
            },
        ),
        ("filters[name][conditions][$has_value]=", {"name": {"conditions": {"$has_value": [""]}}}),
        ("filters[name]=Ann", {"name": "Ann"}),
        ("filters[name]=Ann&filters[name][conditions][$is]=Ann", {"name": "Ann"}),
        ("filters=x", {"filters": "x"}),
    ],
)
def test_from_query(query, expected):
    assert from_query(QueryDict(query)) == expected
