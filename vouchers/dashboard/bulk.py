"""Many vouchers of the list at once: those that were ticked, or all that the list has."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import lists
from config.dashboard.base import Crumb, Page
from config.project.permissions import Permission
from vouchers import bulk as doors
from vouchers.dashboard.lists import voucher_list, vouchers_of
from vouchers.models import Voucher
from vouchers.services import many

MOST_TICKED: Final = lists.PAGE_SIZE


class VoucherBulk(Page):
    """Say how many it is about, then enable, disable or delete them."""

    permission = Permission.EDIT_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/bulk.html"
    title = "Change many vouchers"
    crumbs = (Crumb("Promotions"),)

    def shell(self) -> dict[str, Any]:
        return super().shell() | {"crumbs": (*self.crumbs, Crumb("Vouchers", reverse("dashboard:vouchers")))}

    def chosen(self) -> tuple[QuerySet[Voucher], list[str]]:
        """The rows, and in words what narrows them."""
        rows, ticked = vouchers_of(self.project), self.request.GET.getlist("id")[:MOST_TICKED]
        if ticked:
            return rows.filter(public_id__in=ticked), []
        found = lists.narrow(voucher_list(self.project, self.at), rows, self.request.GET.dict())
        tab = [] if found.tab is None or not found.tab.key else [found.tab.label]
        text = self.request.GET.get("q", "").strip()[:200]
        return found.rows, [*tab, *(words for _, words in found.words), *([f"Search: {text}"] if text else [])]

    def get(self, request: HttpRequest) -> HttpResponse:
        rows, words = self.chosen()
        count = lists.capped_count(rows)
        if count == 0 or (request.GET.get("ticked") and not request.GET.getlist("id")):
            messages.info(request, "Tick the vouchers to change first, or take all of the list.")
            return redirect("dashboard:vouchers")
        samples = list(rows.order_by("-pk").values_list("code", flat=True)[:5])
        return self.render({"count": count, "limit": lists.COUNT_LIMIT, "words": words, "samples": samples})

    def post(self, request: HttpRequest) -> HttpResponse:
        act = request.POST.get("act", "")
        if act not in many.ACTS:
            return self.get(request)
        rows, words = self.chosen()
        count = lists.capped_count(rows)
        told = {"count": count, "narrowed": words, "ticked": self.request.GET.getlist("id")[:MOST_TICKED]}
        with transaction.atomic():
            name = f"{count if count is not None else f'more than {lists.COUNT_LIMIT}'} vouchers"
            self.note(f"voucher.bulk_{many.ACTS[act]}", "voucher", name=name, after=told)
            if count is not None and count <= many.AT_ONCE:
                done = many.change(project=self.project, rows=rows, act=act, at=self.at, cause=self.cause)
                messages.success(request, f"{done:,} {'voucher is' if done == 1 else 'vouchers are'} {many.ACTS[act]}.")
                return redirect("dashboard:vouchers")
            action = doors.start_change(
                project=self.project,
                rows=rows,
                count=count,
                act=act,
                query=request.GET.dict(),
                at=self.at,
                user=self.user,
                cause=self.cause,
            )
        return redirect("dashboard:task", action.public_id)
