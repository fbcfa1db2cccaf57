"""What names and operators of validation rules are called by people: one table for sentences and the editor. Pure.

Source: validation-rules.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RuleWords:
    """One rule name. kind: of its values, money is typed in major units. subject: begins the sentence of a refusal.

    has_property: it reads one key of metadata, which the rule names.
    """

    name: str
    label: str
    group: str
    kind: str
    subject: str = "Here"
    has_property: bool = False
    sub: bool = False


CUSTOMER, ORDER, ITEMS = "Customer", "Order", "Items of the order"
CAMPAIGN, USES, PUBLICATION = "Limits of the campaign", "Limits of the code", "Publication"
_PERIODS: Final = {"daily": "today", "weekly": "this week", "monthly": "this month"}


def _counts(name: str, label: str, group: str) -> list[RuleWords]:
    """A counter in all, and per calendar period."""
    subject = "With this one it would be number"
    return [
        RuleWords(name, label, group, "number", subject),
        *(RuleWords(f"{name}.{key}", f"{label} {when}", group, "number", subject) for key, when in _PERIODS.items()),
    ]


_ALL: Final = (
    RuleWords("customer.segment", "Customer's segment", CUSTOMER, "segment", "This customer"),
    RuleWords("customer.metadata", "Customer's metadata", CUSTOMER, "any", "This customer", has_property=True),
    RuleWords("customer.loyalty_tier", "Customer's loyalty tier", CUSTOMER, "text", "This customer"),
    RuleWords("order.amount", "Order amount", ORDER, "money", "This order"),
    RuleWords("order.total_amount", "Order amount after the discount", ORDER, "money", "This order"),
    RuleWords("order.initial_amount", "Order amount before all discounts", ORDER, "money", "This order"),
    RuleWords("order.metadata", "Order's metadata", ORDER, "any", "This order", has_property=True),
    RuleWords("order.items.count", "Number of units in the cart", ITEMS, "number", "This order"),
    RuleWords("order.items.any", "At least one item is", ITEMS, "product", "This order"),
    RuleWords("order.items.every", "Every item is", ITEMS, "product", "This order"),
    RuleWords("order.items.none", "No item is", ITEMS, "product", "This order"),
    RuleWords("order.items.cheapest", "The cheapest item is", ITEMS, "product", "This order"),
    RuleWords("order.items.most_expensive", "The dearest item is", ITEMS, "product", "This order"),
    RuleWords("order.items.price_any", "Price of at least one item", ITEMS, "money", "This order"),
    RuleWords("order.items.price_each", "Price of every item", ITEMS, "money", "This order"),
    RuleWords(
        "order.items.metadata_any", "Metadata of at least one item", ITEMS, "any", "This order", has_property=True
    ),
    RuleWords("order.items.metadata_each", "Metadata of every item", ITEMS, "any", "This order", has_property=True),
    RuleWords("order.items.aggregated_amount", "Amount of the matching items", ITEMS, "money", "This order", sub=True),
    RuleWords(
        "order.items.aggregated_quantity", "Units of the matching items", ITEMS, "number", "This order", sub=True
    ),
    RuleWords("order.items.price", "Price of the matching items", ITEMS, "money", "This order", sub=True),
    RuleWords("order.items.quantity", "Quantity of the matching items", ITEMS, "number", "This order", sub=True),
    RuleWords(
        "order.items.metadata",
        "Metadata of the matching items",
        ITEMS,
        "any",
        "This order",
        has_property=True,
        sub=True,
    ),
    RuleWords("product.id", "Product in the cart", ITEMS, "product", "This order"),
    RuleWords("sku.id", "SKU in the cart", ITEMS, "product", "This order"),
    RuleWords("product.price", "Price of a product", ITEMS, "money", "This order"),
    RuleWords("sku.price", "Price of a SKU", ITEMS, "money", "This order"),
    RuleWords("product.quantity", "Quantity of a product", ITEMS, "number", "This order"),
    RuleWords("sku.quantity", "Quantity of a SKU", ITEMS, "number", "This order"),
    RuleWords("product.metadata", "Metadata of a product", ITEMS, "any", "This order", has_property=True),
    RuleWords("campaign.orders.amount", "Orders made with the campaign", CAMPAIGN, "money", "With this one"),
    RuleWords(
        "campaign.orders.amount_discounted", "Discount given by the campaign", CAMPAIGN, "money", "With this one"
    ),
    *_counts("campaign.redemptions.count", "Redemptions in the campaign", CAMPAIGN),
    *_counts("campaign.redemptions.customers_count", "Redemptions of one customer in the campaign", CAMPAIGN),
    *_counts("redemption.count", "Redemptions", USES),
    *_counts("redemption.count.per_customer", "Redemptions of one customer", USES),
    RuleWords("redemption.gift.amount", "Gift credits redeemed in the campaign", USES, "money", "With this one"),
    RuleWords("redemption.count.per_api_key", "Redemptions through one API key", USES, "number", "With this one"),
    RuleWords("redemption.count.per_user", "Redemptions by one colleague", USES, "number", "With this one"),
    RuleWords("redemption.api_key", "API key (its application id)", USES, "text", "This request"),
    RuleWords("redemption.user.login", "Who redeems in the dashboard", USES, "text", "This request"),
    RuleWords("redemption.metadata", "Metadata of the redemption", USES, "any", "This request", has_property=True),
    RuleWords(
        "publication.redeemable_by_linked_customer",
        "Only its holder may redeem it",
        PUBLICATION,
        "flag",
        "This customer",
    ),
)
WORDS: Final[Mapping[str, RuleWords]] = {row.name: row for row in _ALL}

OPERATORS: Final[Mapping[str, str]] = {
    "$is": "is",
    "$is_not": "is not",
    "$in": "is one of",
    "$not_in": "is none of",
    "$more_than_or_equal": "is at least",
    "$less_than_or_equal": "is at most",
    "$more_than": "is more than",
    "$less_than": "is less than",
    "$starts_with": "starts with",
    "$ends_with": "ends with",
    "$contains": "contains",
    "$after": "is after",
    "$before": "is before",
    "$more_than_ago": "is more than … days ago",
    "$less_than_ago": "is less than … days ago",
    "$is_days_ago": "is exactly … days ago",
    "$more_than_future": "is in more than … days",
    "$less_than_future": "is in less than … days",
    "$is_days_in_future": "is in exactly … days",
    "$count": "has exactly … entries",
    "$count_more": "has more entries than",
    "$count_less": "has fewer entries than",
    "$not_differ": "is the same set as",
    "$not_intersect": "shares nothing with",
    "$dow": "is on weekday (0 is Sunday)",
    "$timeframe": "lies in the window",
    "$timeframe_absolute": "lies between",
    "$timeframe_daily_hours": "lies in the hours",
}
"""In the order of the menu."""

SPELLINGS: Final[Mapping[str, str]] = {
    "$greater_than": "$more_than",
    "$greater_than_or_equal": "$more_than_or_equal",
    "$more_than_equal": "$more_than_or_equal",
    "$less_than_equal": "$less_than_or_equal",
}


def words_of(name: str) -> RuleWords:
    """The row of a name; of one that the table does not know, a row made of the name."""
    known = WORDS.get("customer.segment" if name == "customer_segment" else name)
    return known or RuleWords(name, name.replace("_", " ").replace(".", " ").capitalize(), "Other", "any")


def operator_words(operator: str) -> str:
    """The label of an operator, itself where it has none."""
    return OPERATORS.get(SPELLINGS.get(operator, operator), operator)
