"""A person taken out of redemptions, vouchers and the ledger; codes, amounts and counters stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customers.erasing import Person
from vouchers.models import Publication, Redemption, SessionLock, Voucher, VoucherTransaction

CHUNK = 500


def erase(person: Person) -> Mapping[str, int]:
    """Blank; no row goes. Runs before orders lose their customer."""
    redemptions = _blank_redemptions(person)
    _blank_ledger(person, redemptions)
    _blank_publications(person)
    customer = person.customer
    Voucher.objects.filter(referrer=customer).update(referrer=None)
    sessions = SessionLock.objects.filter(project_id=customer.project_id)
    for own in (sessions.filter(customer=customer), sessions.filter(token__in=person.tokens).exclude(token="")):
        own.delete()
    for voucher in Voucher.objects.filter(holder=customer):
        voucher.holder = None
        voucher.metadata = person.out_of(voucher.metadata)
        voucher.additional_info = person.out_of(voucher.additional_info)
        voucher.save(update_fields=["holder", "metadata", "additional_info"])
    return {}


def _blank_redemptions(person: Person) -> list[Redemption]:
    customer = person.customer
    project = Redemption.objects.filter(project_id=customer.project_id)
    anonymous = project.filter(customer=None)
    orders = list(customer.orders.values_list("pk", flat=True))
    keys: set[int] = set()
    for own in (
        project.filter(customer=customer),
        anonymous.filter(token__in=person.tokens).exclude(token=""),
        anonymous.filter(order__in=orders),
    ):  # one index each
        keys.update(own.values_list("pk", flat=True))
    rows = list(Redemption.objects.filter(pk__in=keys).order_by("pk"))
    for row in rows:
        row.customer = None
        row.token = ""
        row.metadata = None
        row.order_snapshot = person.out_of_record(row.order_snapshot)
        row.failure_message = person.out_of(row.failure_message)
        row.reasons = [_without_facts(person, reason) for reason in row.reasons]
        row.reason = person.out_of(row.reason)
        row.session_key = ""
        row.channel_id = person.out_of(row.channel_id)
    columns = ["customer", "token", "metadata", "order_snapshot", "failure_message", "reasons", "reason"]
    Redemption.objects.bulk_update(rows, [*columns, "session_key", "channel_id"], batch_size=CHUNK)
    return rows


def _without_facts(person: Person, reason: Any) -> Any:
    """A reason of a refusal without what it knew of the customer."""
    if not isinstance(reason, dict):
        return person.out_of(reason)
    return {key: person.out_of(value) for key, value in reason.items() if key in ("key", "message", "code")}


def _blank_ledger(person: Person, redemptions: list[Redemption]) -> None:
    columns = ("source_id", "source", "reason", "details")
    project = VoucherTransaction.objects.filter(project_id=person.customer.project_id)
    for own in (
        project.filter(redemption__in=[row.pk for row in redemptions]),
        project.filter(order__in=list(person.customer.orders.values_list("pk", flat=True))),
    ):
        for line in own:
            changed = {name: person.out_of(getattr(line, name)) for name in columns}
            VoucherTransaction.objects.filter(pk=line.pk).update(**changed)


def _blank_publications(person: Person) -> None:
    """Codes and times stay; nobody can tell to whom they went."""
    rows = list(Publication.objects.filter(customer=person.customer))
    for row in rows:
        row.customer, row.tracking_id, row.metadata = None, None, {}
        row.source_id = person.out_of(row.source_id) or None
        row.channel = person.out_of(row.channel)
        row.failure_message = person.out_of(row.failure_message)
    columns = ["customer", "tracking_id", "metadata", "source_id", "channel", "failure_message"]
    Publication.objects.bulk_update(rows, columns, batch_size=CHUNK)
