import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.filters.parser import parse
from tests.factories import NOW, ProductFactory, SkuFactory, make_project
from tracking import articles
from tracking.articles import ALL_PRODUCTS, Article, Collection
from tracking.catalogue_fields import PRODUCTS
from tracking.models import Product, ProductCollection, Sku
from tracking.services import collections


def moment() -> Any:
    return collections.moment_of(make_project(), NOW)


VALUES: dict[str, list[Any]] = {
    "source_id": ["p-1", "s-1", "p", ""],
    "name": ["Mug", "Mug red", "mu", "5", "Über"],
    "price": [0, 500, 1000, "1000", 10**20],
    "object": ["product", "sku"],
    "attributes": ["color", "size", "co"],
    "image_url": ["https://a.example/x.png", "https"],
    "skus": ["nobody"],
    "metadata.kind": ["clay", 5, "5", True, "true", "2026-01-15", "2026-01-15T10:00:00Z", "9.5"],
    "metadata.deep.er": ["x", 1],
    "metadata.tags": ["a", "b", "c"],
}
TEXTS = ("$is", "$is_not", "$in", "$not_in", "$contains", "$not_contain", "$starts_with", "$ends_with")
NUMBERS = ("$is", "$is_not", "$in", "$more_than", "$less_than", "$more_than_equal", "$less_than_equal")
LISTS = ("$count", "$count_more", "$count_less")


def random_filter(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {"junction": chance.choice(["and", "or", "none"])}
    for number in range(chance.randint(1, 3)):
        if depth < 2 and chance.random() < 0.2:
            found[f"g{number}"] = random_filter(chance, depth + 1)
        else:
            key, conditions = random_condition(chance)
            found[key] = {"conditions": conditions}
    return found


def random_condition(chance: random.Random) -> tuple[str, dict[str, Any]]:
    key = chance.choice([*VALUES, "created_at", "updated_at"])
    if chance.random() < 0.15:
        return key, {chance.choice(["$has_value", "$is_unknown"]): [True]}
    if key in ("created_at", "updated_at"):
        day = (NOW + timedelta(days=chance.randint(-5, 2))).date().isoformat()
        operator = chance.choice(["$after", "$before", "$is", "$more_than_ago", "$less_than_ago"])
        return key, {operator: [chance.randint(0, 5) if operator.endswith("_ago") else day]}
    if key.startswith("metadata") and chance.random() < 0.3:
        operand = {"$after": "2026-01-20", "$before": "2026-02-10T11:00:00Z", "$is_days_ago": 19, "$this_month": True}
        operator = chance.choice(list(operand))
        return key, {operator: [operand[operator]]}
    if chance.random() < 0.15:
        return key, {chance.choice(LISTS): [chance.randint(0, 3)]}
    operators = NUMBERS if key == "price" else TEXTS if not key.startswith("metadata") else (*TEXTS, *NUMBERS)
    operator = chance.choice(operators)
    many = operator in ("$in", "$not_in", "$contains", "$starts_with", "$ends_with")
    if operator.startswith(("$more", "$less")):
        return key, {operator: [chance.choice([0, 5, 500, "9.5"])]}
    values = chance.sample(VALUES[key], k=min(len(VALUES[key]), chance.randint(1, 3) if many else 1))
    return key, {operator: values}


def random_metadata(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, options in (
        ("kind", ["clay", 5, 5.0, "5", True, "true", None, [], "2026-01-15", "2026-02-10T10:00:00Z", 9.5, {"a": 1}]),
        ("tags", [["a"], ["a", "b"], ["a", "b", "c"], "a", []]),
        ("deep", [{"er": "x"}, {"er": 1}, {"er": [1, "x"]}, "er"]),
        ("deep.er", ["x", 2]),
    ):
        if chance.random() < 0.5:
            found[key] = chance.choice(options)
    return found


@pytest.mark.django_db
def test_the_evaluator_and_the_database_choose_the_same_articles():
    chance = random.Random(20260203)
    project = make_project()
    for number in range(25):
        common = {
            "price": chance.choice([None, 0, 500, 1000, 1500]),
            "image_url": chance.choice([None, "https://a.example/x.png"]),
            "created_at": NOW - timedelta(days=chance.randint(0, 6), hours=chance.randint(0, 23)),
            "updated_at": chance.choice([None, NOW - timedelta(days=1)]),
        }
        product = ProductFactory(
            project=project,
            source_id=chance.choice([None, f"p-{number}"]),
            name=chance.choice([None, "Mug", "Über", "5"]),
            attributes=chance.choice([[], ["color"], ["color", "size"]]),
            metadata=random_metadata(chance),
            **common,
        )
        if chance.random() < 0.7:
            attributes = chance.choice([{}, {"color": "red"}, {"color": "red", "size": 1}])
            SkuFactory(
                product=product,
                source_id=f"s-{number}",
                sku=chance.choice([None, "Mug red"]),
                attributes=attributes,
                metadata=random_metadata(chance),
                **{**common, "price": chance.choice([None, 500])},
            )
    known: dict[tuple[str, int], Article] = {}
    for product in Product.objects.of(project):
        skus = list(product.skus.values_list("public_id", flat=True))
        known["product", product.pk] = collections.article_of_product(product, skus)
    for sku in Sku.objects.of(project).select_related("product"):
        known["sku", sku.pk] = collections.article_of_sku(sku)
    chosen = 0
    for _ in range(150):
        body = random_filter(chance)
        row = ProductCollection(project=project, type="AUTO_UPDATE", filter=body, public_id="pc_x", name="x")
        members = collections.members(project=project, collection=row, at=NOW)
        found = {(member["object"], member["key"]) for member in members}
        read = collections.read(row)
        assert {key for key, article in known.items() if read.holds(article, PRODUCTS, moment())} == found, body
        chosen += 0 < len(found) < len(known)
    assert chosen > 40


def filtered(**conditions: Any) -> Collection:
    body = {"junction": "and", **{key.replace("__", "."): {"conditions": value} for key, value in conditions.items()}}
    return Collection("pc_1", node=parse(body, PRODUCTS))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("_case", "line", "collection", "belongs"),
    [
        ("by the name it says", {"product": {"name": "Mug"}}, filtered(name={"$is": ["Mug"]}), True),
        ("by the price of the line", {"price": 5, "product": {}}, filtered(price={"$less_than": [6]}), True),
        ("by the price inside", {"product": {"price": 7}}, filtered(price={"$is": [7]}), True),
        ("by metadata", {"sku": {"metadata": {"a": [1]}}}, filtered(metadata__a={"$is": [1]}), True),
        ("as a sku", {"sku_id": "s"}, filtered(object={"$is": ["sku"]}), True),
        ("as a product", {"product_id": "p"}, filtered(object={"$is": ["sku"]}), False),
        ("by its source id", {"source_id": "x"}, filtered(source_id={"$starts_with": ["x"]}), True),
        ("unknown is not anything", {}, filtered(name={"$is_not": ["Mug"]}), True),
        ("listed", {"product_id": "p"}, Collection("pc_1", frozenset({("product", "p")})), True),
        ("a sku of what is listed", {"sku_id": "s", "product_id": "p"},
         Collection("pc_1", frozenset({("product", "p")})), True),
        ("another", {"product_id": "q"}, Collection("pc_1", frozenset({("product", "p")})), False),
        ("everything", {}, Collection(ALL_PRODUCTS), True),
        ("odd", {"product": 5, "sku": [], "price": "x", "source_id": 7}, filtered(price={"$is": [5]}), False),
    ],
)  # fmt: skip
def test_a_line_that_the_catalogue_does_not_know_is_taken_at_its_word(_case, line, collection, belongs):
    assert collection.holds(articles.of_line(line), PRODUCTS, moment()) is belongs


@pytest.mark.django_db
def test_collections_of_a_line_are_read_with_one_query(django_assert_num_queries):
    project = make_project()
    product = ProductFactory(project=project, public_id="prod_1", price=5)
    sku = SkuFactory(product=product, price=9)
    at = datetime(2026, 2, 3, tzinfo=UTC)
    cheap = {"junction": "and", "price": {"conditions": {"$less_than": [6]}}}
    ProductCollection.objects.create(
        project=project, public_id="pc_cheap", name="c", type="AUTO_UPDATE", filter=cheap, created_at=at
    )
    listed = [{"id": "prod_1", "object": "product"}]
    ProductCollection.objects.create(project=project, public_id="pc_list", name="l", products=listed, created_at=at)
    with django_assert_num_queries(1):
        known = collections.read_many(project=project, public_ids=["pc_cheap", "pc_list", ALL_PRODUCTS, "pc_nope"])
    of_product = collections.of_line(known, {"product_id": "prod_1"}, moment(), product=product)
    assert of_product == {"pc_cheap", "pc_list", ALL_PRODUCTS}
    assert collections.of_line(known, {}, moment(), product=product, sku=sku) == {"pc_list", ALL_PRODUCTS}
    assert collections.of_line(known, {"price": 3}, moment()) == {"pc_cheap", ALL_PRODUCTS}
