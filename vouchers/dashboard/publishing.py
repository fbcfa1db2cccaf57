"""Publish: hand a code to a customer, from the code's page or from its campaign's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.dashboard.base import Page, sentence_of
from config.kernel.errors import DomainError
from config.project.permissions import Permission
from vouchers.dashboard.campaigns import CampaignPage
from vouchers.dashboard.checks import channel_of, find_customer
from vouchers.dashboard.views import VoucherPage
from vouchers.publishing import parse_publish
from vouchers.services import publications


def publish(page: Page, request: HttpRequest, what: dict[str, Any]) -> bool:
    """Do it, and say what came of it. what: the voucher or the campaign, as on the wire."""
    text = request.POST.get("customer", "").replace("\x00", "").strip()[:500]
    customer = find_customer(page, text) if text else None
    if customer is None:
        messages.error(request, f"Not published: nobody here has the id, source id or e-mail “{text}”.")
        return False
    body = {**what, "customer": {"id": customer.public_id}, "channel": "dashboard"}
    try:
        done = publications.publish(
            project=page.project,
            request=parse_publish(body),
            at=page.at,
            channel=channel_of(page),
            protect_customer=True,
        )
    except DomainError as error:
        messages.error(request, f"Not published: {sentence_of(error)}")
        return False
    messages.success(request, f"{', '.join(done.codes)} is published to {customer}.")
    return True


class VoucherPublish(VoucherPage):
    """This code."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:voucher", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        publish(self, request, {"voucher": self.found(public_id).code})
        return redirect("dashboard:voucher", public_id)


class CampaignPublish(CampaignPage):
    """A code of the campaign that is free, or a new one."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:campaign-vouchers", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        publish(self, request, {"campaign": {"name": self.found(public_id).public_id}})
        return redirect("dashboard:campaign-vouchers", public_id)
