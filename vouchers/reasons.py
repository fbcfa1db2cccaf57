"""Refusals in words for people: one table from the wire's keys to sentences, with the fact beside the rule. Pure.

A reason is what `Redemption.reasons` keeps: `key`, `message`, `custom_message`, `facts`. Attempts that kept only a key
are worded by the key alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.kernel.instants import parse_instant
from vouchers import rule_words

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Voice:
    """How amounts, instants and segments are written on this page."""

    money: Callable[[int | None], str] = str
    moment: Callable[[datetime], str] = str
    segments: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)

    def when(self, wire: Any) -> str:
        """A wire instant as people read it; as it is where it is none."""
        try:
            return self.moment(parse_instant(str(wire)))
        except ValueError:
            return str(wire)

    def segment(self, public_id: Any) -> str:
        """The segment's name in quotes, its id where it is gone."""
        return f"“{self.segments.get(str(public_id), str(public_id))}”"

    def product(self, value: Any) -> str:
        """The name of a product, SKU or collection in quotes; `value` is an id or the wire's object with one."""
        key = value.get("id") or value.get("source_id") if isinstance(value, Mapping) else value
        return f"“{self.products.get(str(key), str(key))}”"


@dataclass(frozen=True)
class Words:
    """One reason. title: what is wrong, in a few words. fact: the rule's demand beside what was found."""

    key: str
    title: str
    fact: str = ""
    rule_id: str = ""


COMPARISONS: Final = {
    "$is": "exactly {}",
    "$is_not": "other than {}",
    "$more_than": "more than {}",
    "$more_than_or_equal": "at least {}",
    "$less_than": "less than {}",
    "$less_than_or_equal": "at most {}",
    "$in": "one of {}",
    "$not_in": "none of {}",
}

TITLES: Final[Mapping[str, str]] = {
    "not_found": "Nobody knows this code",
    "voucher_not_found": "Nobody knows this code",
    "voucher_disabled": "The code is switched off",
    "voucher_not_active": "Not valid yet",
    "voucher_expired": "Expired",
    "voucher_not_active_now": "Not valid at this hour",
    "quantity_exceeded": "All uses are taken",
    "gift_amount_exceeded": "More than the gift card's balance",
    "missing_amount": "The order has no amount",
    "missing_order": "No order was sent",
    "missing_order_items": "The order has no items",
    "missing_customer": "No customer was named",
    "promotion_inactive": "The promotion is switched off or over",
    "promotion_not_active_now": "The promotion does not count now",
    "missing_order_items_amount": "No item of the order fits",
    "referrer_not_permitted_to_redeem": "The one who recommends cannot redeem the own code",
    "missing_reward": "No reward was named",
    "loyalty_card_points_exceeded": "More than the card's points",
    "invalid_customer": "The customer does not hold this card",
    "no_applicable_redeemables": "None of the codes applies",
    "customer_rules_violated": "The customer does not fit",
    "order_rules_violated": "The order does not fit",
    "redemption_rules_violated": "A limit of the rule is reached",
    "multiple_requests": "The same code was being redeemed at the same moment",
    "no_discount": "The discount came to nothing",
    "invalid_redeemable": "This cannot be redeemed",
    "applicable_redeemables_limit_exceeded": "Too many codes apply together",
    "exclusion_rules_not_met": "It cannot be combined with the other codes",
    "preceding_validation_failed": "Another code in the same attempt was refused",
    "redeemable_context_error": "It cannot be used in this place",
    "session_invalid": "The session is over",
    "session_already_used": "The session was used already",
    "already_rolled_back": "Rolled back already",
    "invalid_payload": "The request could not be understood",
}
UNKNOWN: Final = "Refused"


def title_of(key: str) -> str:
    """The few words for a key; an unknown key is shown as it is."""
    return TITLES.get(key) or (f"{UNKNOWN}: {key.replace('_', ' ')}" if key else UNKNOWN)


def explain(reason: Mapping[str, Any], voice: Voice) -> Words:
    """One kept reason in words."""
    key = str(reason.get("key") or "")
    facts = reason.get("facts")
    facts = facts if isinstance(facts, Mapping) else {}
    title = _TITLED[key](facts) if key in _TITLED and facts else title_of(key)
    fact = _FACTS[key](facts, voice) if key in _FACTS and facts else ""
    own = reason.get("custom_message")
    if own:
        fact = f"{fact} Your own message: {own}".strip()
    return Words(key, title, fact, str(facts.get("rule_id") or ""))


def _disabled(facts: Facts) -> str:
    return "Its campaign is switched off" if facts.get("disabled") == "campaign" else TITLES["voucher_disabled"]


def _about_customer(facts: Facts) -> str:
    if facts.get("name") != "customer.segment":
        return TITLES["customer_rules_violated"]
    excluded = set(facts.get("conditions") or {}) <= {"$is_not", "$not_in"}
    return "The customer is in a segment that is left out" if excluded else "The customer is not in the segment"


def _about_order(facts: Facts) -> str:
    operators = set(facts.get("conditions") or {})
    if facts.get("name") != "order.amount":
        return TITLES["order_rules_violated"]
    if operators <= {"$more_than", "$more_than_or_equal"}:
        return "The order is too small"
    if operators <= {"$less_than", "$less_than_or_equal"}:
        return "The order is too large"
    return TITLES["order_rules_violated"]


def _uses(facts: Facts, voice: Voice) -> str:
    return f"Redeemed {facts.get('redeemed_quantity')} of {facts.get('quantity')}."


def _segment_fact(facts: Facts, voice: Voice) -> str:
    if facts.get("name") != "customer.segment":
        return _rule_fact(facts, voice)
    wanted = [value for values in (facts.get("conditions") or {}).values() for value in values]
    found = [voice.segment(value) for value in facts.get("found") or ()]
    asked = f"Rule: {'one of ' if len(wanted) > 1 else ''}{', '.join(voice.segment(value) for value in wanted)}."
    return f"{asked} This customer is in {', '.join(found)}." if found else f"{asked} This customer is not in it."


def _promotion(facts: Facts, voice: Voice) -> str:
    """Why a promotion is off."""
    if "expiration_date" in facts:
        return f"It ended on {voice.when(facts['expiration_date'])}."
    return "Its campaign is switched off." if facts.get("disabled") == "campaign" else "It is switched off."


def _promotion_now(facts: Facts, voice: Voice) -> str:
    if "start_date" in facts:
        return f"It starts on {voice.when(facts['start_date'])}."
    return _OUTSIDE.get(str(facts.get("outside")), "")


def _bundle(facts: Facts, voice: Voice) -> str:
    """What of a bundle is not in the cart."""
    missing = [
        f"{one.get('item_quantity')} × {voice.product(one)}"
        for one in facts.get("missing") or ()
        if isinstance(one, Mapping)
    ]
    return f"The bundle is not complete: {', '.join(missing)} missing." if missing else "The bundle is not complete."


def _order_fact(facts: Facts, voice: Voice) -> str:
    if facts.get("name") == "bundle":
        return _bundle(facts, voice)
    if facts.get("name") != "order.amount":
        return _rule_fact(facts, voice)
    asked = " and ".join(
        COMPARISONS.get(operator, f"{operator} {{}}").format(", ".join(_amount(value, voice) for value in values))
        for operator, values in (facts.get("conditions") or {}).items()
    )
    return f"Rule: {asked}. This order: {_amount(facts.get('found'), voice)}."


def _rule_fact(facts: Facts, voice: Voice) -> str:
    """What any rule demands, beside what was found."""
    name = str(facts.get("name") or "")
    if not name:
        return ""
    asked = conditions_in_words(name, facts.get("conditions") or {}, voice, facts.get("property"))
    if "found" not in facts:
        return f"Rule: {asked}."
    return f"Rule: {asked}. {rule_words.words_of(name).subject}: {_found(name, facts['found'], voice)}."


def _found(name: str, found: Any, voice: Voice) -> str:
    if found is None or found in ([], ""):
        return "nothing"
    if isinstance(found, list | tuple | set | frozenset):
        return ", ".join(_value(name, one, voice) for one in found)
    return _value(name, found, voice)


def _value(name: str, value: Any, voice: Voice) -> str:
    kind = rule_words.words_of(name).kind
    if kind == "money":
        return _amount(value, voice)
    if kind == "segment":
        return voice.segment(value)
    if kind == "product" or isinstance(value, Mapping):
        return voice.product(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _amount(value: Any, voice: Voice) -> str:
    try:
        return voice.money(int(value))
    except (TypeError, ValueError):
        return str(value)


def _credits(facts: Facts, voice: Voice) -> str:
    return (
        f"Asked for {_amount(facts.get('credits'), voice)}, left on the card: {_amount(facts.get('balance'), voice)}."
    )


_OUTSIDE: Final = {
    "validity_timeframe": "It is between two of its time windows.",
    "validity_day_of_week": "It does not count on this weekday.",
    "validity_hours": "It does not count at this hour of the day.",
}

_TITLED: Final[Mapping[str, Callable[[Facts], str]]] = {
    "voucher_disabled": _disabled,
    "customer_rules_violated": _about_customer,
    "order_rules_violated": _about_order,
}
_FACTS: Final[Mapping[str, Callable[[Facts, Voice], str]]] = {
    "voucher_not_active": lambda facts, voice: f"It starts on {voice.when(facts.get('start_date'))}.",
    "voucher_expired": lambda facts, voice: f"It ended on {voice.when(facts.get('expiration_date'))}.",
    "voucher_not_active_now": lambda facts, voice: _OUTSIDE.get(str(facts.get("outside")), ""),
    "quantity_exceeded": _uses,
    "customer_rules_violated": _segment_fact,
    "order_rules_violated": _order_fact,
    "redemption_rules_violated": _rule_fact,
    "gift_amount_exceeded": _credits,
    "promotion_inactive": _promotion,
    "promotion_not_active_now": _promotion_now,
}


def conditions_in_words(name: str, conditions: Mapping[str, Any], voice: Voice, key: str | None = None) -> str:
    """A stored condition as a sentence: Order amount is at least €100.00. key: of metadata, what the rule reads."""
    words = rule_words.words_of(name)
    if words.kind == "flag":
        return words.label
    label = f"{words.label} “{key}”" if key else words.label
    parts = []
    for operator, given in conditions.items():
        values = given if isinstance(given, list) else [given]
        shown = [_value(name, value, voice) for value in values]
        if words.kind == "segment":
            verb = "is not in" if operator in ("$is_not", "$not_in") else "is in"
            parts.append(f"Customer {verb} {' or '.join(shown)}")
        elif words.kind == "product":
            negative = "not " if operator in ("$is_not", "$not_in") else ""
            link = "of" if operator == "$from" else f"{negative}".strip()
            parts.append(" ".join(part for part in (label, link, " or ".join(shown)) if part))
        else:
            told = COMPARISONS.get(operator)
            verb = f"is {told}" if told else f"{rule_words.operator_words(operator)} {{}}"
            parts.append(f"{label} {verb.format(', '.join(shown))}")
    return " and ".join(parts)


def rule_in_words(rules: Mapping[str, Any], voice: Voice) -> list[str]:
    """A stored rule set as sentences; numbered, with the logic between them, where not simply all must hold."""
    numbered = sorted(((int(key), rule) for key, rule in rules.items() if key != "logic"), key=lambda pair: pair[0])
    logic = str(rules.get("logic") or "")
    sentences = [_sentence(rule, voice) for _, rule in numbered]
    if "or" not in logic.lower().replace("(", " ").replace(")", " ").split():
        return sentences
    told = [f"{number}. {sentence}" for (number, _), sentence in zip(numbered, sentences, strict=True)]
    return [*told, f"Needed: {logic.lower()}"]


def _sentence(rule: Mapping[str, Any], voice: Voice) -> str:
    """One rule with what is nested in it."""
    own = conditions_in_words(rule["name"], rule.get("conditions") or {}, voice, rule.get("property"))
    nested = rule.get("rules") or {}
    inner = [_sentence(child, voice) for number, child in sorted(nested.items()) if number != "logic"]
    return f"{own} ({', '.join(inner)})" if inner else own
