"""What a customer holds: codes and cards with how they stand, the balance of gift cards, what was published."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.lists import Column, ListSpec, Sort
from config.dashboard.profile import ProfilePage
from customers.models import Customer
from vouchers.dashboard import words
from vouchers.models import Publication, Voucher
from vouchers.rendering.held import status_of

MOST_PUBLICATIONS: Final = 20
STATES: Final = {
    "ACTIVE": ("ok", "Active"),
    "DISABLED": ("off", "Disabled"),
    "EXPIRED": ("off", "Expired"),
    "NOT_ACTIVE_YET": ("wait", "Scheduled"),
    "USED": ("off", "Used up"),
    "NO_BALANCE": ("off", "No balance left"),
}
"""As the API's `redeemables` call them → tone and word."""


class Wallet(ProfilePage):
    """Vouchers held, newest first, and publications."""

    tab = "customer-wallet"
    template_name = "dashboard/customers/wallet.html"

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        held = Voucher.objects.of(self.project).alive().filter(holder=customer)
        held = held.select_related("campaign").only(*HELD)
        spec = ListSpec[Voucher](
            one="code",
            many="codes",
            columns=(
                Column("Code", self.code_cell),
                Column("Gives", lambda row: words.gives(row, self.project)),
                Column("Status", lambda row: kit.status(*STATES[status_of(row, self.at)])),
                Column("Used", words.used, number=True),
                Column("Ends", lambda row: kit.moment(row.expiration_date, self.at)),
                Column("Held since", lambda row: kit.moment(row.published_at or row.created_at, self.at)),
            ),
            sorts=(Sort("held", "Held since", "pk", descending=True),),
        )
        published = Publication.objects.of(self.project).filter(customer=customer).select_related("campaign")
        newest = published.order_by("-created_at", "-pk")[: MOST_PUBLICATIONS + 1]
        return {
            "listing": lists.read(spec, held, request.GET.dict()),
            "empty": {
                "icon": "ticket",
                "title": "Nothing held yet",
                "text": "Codes and gift cards that were published to this customer, or that name them as holder.",
            },
            "balances": [
                ("Gift balance", kit.money_text(customer.gift_amount_to_go, self.project.currency)),
                ("Gift cards held", kit.number(customer.gift_cards_held)),
                ("Spent from gift cards", kit.money_text(customer.gift_redeemed_amount, self.project.currency)),
            ],
            "publications": list(newest)[:MOST_PUBLICATIONS],
            "more_publications": len(newest) > MOST_PUBLICATIONS,
        }

    def code_cell(self, voucher: Voucher) -> Any:
        link = kit.link(reverse("dashboard:voucher", args=[voucher.public_id]), voucher.code, row=True, mono=True)
        note = [voucher.campaign.name] if voucher.campaign else []
        return kit.with_note(link, " · ".join(note + (["Referral code"] if voucher.is_referral_code else [])))


HELD: Final = (
    *("public_id", "code", "type", "discount", "gift_amount", "gift_subtracted_amount", "active", "is_referral_code"),
    *("start_date", "expiration_date", "quantity", "redeemed_quantity", "redeemed_amount", "published_at"),
    *("created_at", "project_id", "campaign__name", "campaign__active", "campaign__public_id"),
)
