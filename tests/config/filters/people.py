"""Customers of every odd shape, as rows and as the oracle's persons; and random filters about them."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from customers.models import Customer
from tests.config.filters.oracle import Now, Person
from tests.factories import make_project
from tracking.models import EventCounter

NOW = datetime(2026, 2, 26, 22, 30, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
PRESENT = Now(NOW, ZONE)
TEXTS = (
    *(
        "",
        " ",
        "a",
        "A",
        "ab",
        "Berlin",
        "berlin",
        "Köln",
        "K",
        "100%",
        "%",
        "_",
        "a_b",
        "\\",
        "'; --",
        "é",
        "東京",
        "🎈",
    ),
    *("5", "05", "5.0", "5.5", "-3", "true", "false", "null", "[]", "{}", "2026-02-26", "2026-02-30", "2024-02-29"),
    *("2026-02-26T23:15:00Z", "2026-02-26T10:00:00.123+01:00", "2025-12-31 23:59", "0000-01-01", "9999-12-31"),
)
NUMBERS = (0, 1, 5, -3, 5.5, 48, 10**12, 0.1, 300)
MOMENTS = tuple(
    datetime.combine(day, clock, UTC)
    for day in (
        date(2026, 2, 26),
        date(2026, 2, 27),
        date(2025, 2, 27),
        date(2024, 2, 29),
        date(2026, 3, 1),
        date(1999, 12, 31),
    )
    for clock in (datetime.min.time(), NOW.time(), (NOW + timedelta(hours=1)).time())
)
DAYS = (
    date(1990, 2, 26),
    date(1990, 2, 27),
    date(2000, 2, 29),
    date(1985, 3, 1),
    date(2026, 3, 31),
    date(1970, 12, 31),
)
VALUES = (
    *TEXTS,
    *NUMBERS,
    True,
    False,
    None,
    [],
    ["Berlin", 5],
    [None],
    ["a", True, "5"],
    {},
    {"b": "a"},
    [["a"]],
    [{}],
)
NAMES = ("visited", "cart.abandoned v2", "ü")
KEYS = ("k", "a.b", "n", "ü key", "d")


def draw_person(source: random.Random) -> Person:
    """A customer with random gaps."""

    def maybe(values, gap=0.25):
        return None if source.random() < gap else source.choice(values)

    columns = {key: maybe(TEXTS) for key in ("name", "email", "phone", "description", "source_id")}
    columns |= {f"address.{key}": maybe(TEXTS) for key in ("city", "country", "postal_code")}
    columns |= {"created_at": source.choice(MOMENTS), "updated_at": maybe(MOMENTS), "birthdate": maybe(DAYS)}
    columns |= {"birthday": maybe(DAYS, 0.5), "city": columns["address.city"]}
    columns["summary.orders.last_order_date"] = maybe(MOMENTS)
    orders, gifts = source.choice((0, 1, 5)), source.choice((0, 0, 2))
    counters = {
        "summary.orders.total_count": (orders, orders > 0),
        "summary.orders.total_amount": (orders * 101, orders > 0),
        "summary.redemptions.gift.redeemed_amount": (source.choice((0, 5)) if gifts else 0, gifts > 0),
    }
    metadata = {key: source.choice(VALUES) for key in KEYS if source.random() < 0.6}
    if source.random() < 0.3:
        metadata["a"] = source.choice(({"b": "Berlin"}, {"b": [5, "a"]}, "a", ["b"], {"b": None}))
    events = {
        name: (source.choice((1, 2, 5)), *sorted(source.choices(MOMENTS, k=2)))
        for name in NAMES
        if source.random() < 0.5
    }
    system = source.choice(
        ({}, {"source": "web_widget"}, {"web_widget": {"widgets": ["general", "a"]}}, {"source": []})
    )
    return Person(columns, counters, maybe([metadata], 0.1), system, events)


def store(people: list[Person]) -> dict[int, Person]:
    """Every person as a customer; by primary key."""
    project = make_project(timezone=ZONE.key)
    stored = {}
    for number, person in enumerate(people):
        columns = person.columns
        address = {key.split(".")[1]: value for key, value in columns.items() if key.startswith("address.") and value}
        if columns["source_id"] is not None:
            columns["source_id"] += f"#{number}"
        customer = Customer.objects.create(
            project=project,
            **{key: columns[key] for key in ("name", "email", "phone", "description", "source_id", "birthdate")},
            **{key: columns[key] for key in ("birthday", "created_at", "updated_at")},
            email_key=columns["email"] and columns["email"].lower(),
            address={key.split(".")[1]: value for key, value in columns.items() if key.startswith("address.")}
            or address,
            metadata=person.metadata,
            system_metadata=person.system_metadata,
            orders_last_at=columns["summary.orders.last_order_date"],
            orders_total_count=person.counters["summary.orders.total_count"][0],
            orders_total_amount=person.counters["summary.orders.total_amount"][0],
            gift_redeemed_amount=person.counters["summary.redemptions.gift.redeemed_amount"][0],
            gift_redemptions=2 if person.counters["summary.redemptions.gift.redeemed_amount"][1] else 0,
        )
        EventCounter.objects.bulk_create(
            EventCounter(customer=customer, name=name, count=count, first_at=first, last_at=last)
            for name, (count, first, last) in person.events.items()
        )
        stored[customer.pk] = person
    return stored


texts = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
numbers = st.sampled_from(NUMBERS) | st.integers(-(10**20), 10**20) | st.sampled_from(["5", "-3", "5.5", "0"])
counts = st.integers(0, 800) | st.sampled_from([0, 1, 2, 366, "1", 3_000_000])
moments = st.sampled_from([*(day.isoformat() for day in DAYS), "2026-02-26T22:30:00.000Z", "2026-02-26", "2025-02-27"])
CALENDAR = [f"${a}" for a in ("today", "tomorrow", "yesterday")] + [
    f"${a}_{b}" for a in ("this", "last", "next") for b in ("week", "month")
]


def some(values):
    return values | st.lists(values, min_size=1, max_size=3)


def each(names, values):
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values))


anything = st.sampled_from([True, False]) | texts | numbers
texts_ops = each(["$is", "$is_not", "$in", "$not_in"], some(anything)) | each(
    ["$contains", "$not_contain", "$starts_with", "$ends_with"], some(texts)
)
number_ops = each(["$is", "$is_not", "$in", "$not_in"], some(numbers)) | each(
    ["$more_than", "$less_than", "$more_than_equal", "$less_than_or_equal"], numbers
)
date_flags = each(
    [*CALENDAR, *(f"{op}_md" for op in CALENDAR), "$this_year", "$last_year"], st.sampled_from([True, False])
)
date_counts = each(
    [
        *(
            "$more_than_ago",
            "$less_than_ago",
            "$is_more_days_ago",
            "$is_days_ago",
            "$more_than_future",
            "$less_than_future",
        ),
        *("$is_days_in_future", "$is_days_ago_md", "$is_days_in_future_md", "$is_less_days_ago_md"),
        *("$is_less_days_in_future_md", "$is_more_days_ago_md", "$is_more_days_in_future_md"),
    ],
    st.integers(0, 800),
)
date_parts = st.one_of(
    each(["$before", "$after", "$before_equal", "$after_equal"], moments),
    each(["$is_day_of_month"], st.integers(1, 31)),
    each(["$is_month"], st.integers(1, 12)),
    each(["$is_year"], st.sampled_from([1990, 2026, "2024"])),
    each(["$is_years_ago"], st.integers(0, 60)),
    each(["$is_day"], st.sampled_from(["02-28", "02-29", "03-01", "1990-02-26"])),
)
dates_ops = st.one_of(
    date_flags,
    date_counts,
    date_parts,
    each(["$is", "$is_not"], some(moments | st.integers(0, 3))),
    each(["$more_than", "$less_than"], counts.filter(lambda n: n != 3_000_000)),
)
list_ops = each(["$includes", "$intersects"], st.lists(anything, min_size=1, max_size=3)) | each(
    ["$count", "$count_more", "$count_less"], st.integers(0, 3)
)
known_ops = each(["$has_value", "$is_unknown"], st.sampled_from([True, False, [True]]))
any_ops = st.one_of(
    *(texts_ops, list_ops, known_ops, date_flags, date_counts, date_parts),
    each(["$more_than", "$less_than", "$more_than_equal", "$less_than_equal"], numbers | texts),
)


def rules(keys, operators):
    conditions = st.lists(operators, min_size=1, max_size=2).map(lambda found: {"conditions": dict(found)})
    return st.tuples(st.sampled_from(keys), conditions)


TEXT_KEYS = ["name", "email", "phone", "description", "source_id", "address.city", "address.country", "city"]
rule = st.one_of(
    rules(TEXT_KEYS, texts_ops | known_ops | each(["$more_than_equal"], numbers)),
    rules([f"metadata.{key}" for key in (*KEYS, "a", "missing")], any_ops),
    rules(["system_metadata.source", "system_metadata.web_widget.widgets"], texts_ops | list_ops | known_ops),
    rules(
        ["created_at", "updated_at", "birthdate", "birthday", "summary.orders.last_order_date"], dates_ops | known_ops
    ),
    rules(
        [
            *("summary.orders.total_count", "summary.orders.total_amount", "summary.redemptions.gift.redeemed_amount"),
            *(f"events.{name}.count" for name in NAMES),
            "loyalty.campaigns.Gold 2.0.points",
        ],
        number_ops | known_ops,
    ),
    rules([f"events.{name}.{part}" for name in NAMES for part in ("first", "last")], dates_ops | known_ops),
)


def groups(children):
    """Groups of conditions and of groups, under any junction."""
    junction = st.sampled_from(["and", "or", "none", "AND"])
    named = st.lists(children, min_size=1, max_size=3).map(
        lambda found: {key if key is not None else f"g{n}": value for n, (key, value) in enumerate(found)}
    )
    return st.tuples(junction, named).map(lambda pair: {"junction": pair[0], **pair[1]})


level_1 = groups(rule)
level_2 = groups(rule | level_1.map(lambda group: (None, group)))
filters = groups(rule | level_2.map(lambda group: (None, group)))
