"""Settings › Stacking: how codes get along in one order, and the categories that say which are alike."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.dashboard.base import Crumb, Page, put_on_form, sentence_of
from config.kernel.errors import DomainError
from config.project.permissions import Permission
from vouchers import stacking_rules
from vouchers.models import Category
from vouchers.services import categories, stacking

MOST: Final = 200
NUMBERS: Final = {
    "redeemables_limit": "Codes in one attempt",
    "applicable_redeemables_limit": "Codes that apply together",
    "applicable_redeemables_per_category_limit": "Of one category",
    "applicable_exclusive_redeemables_limit": "Never stackable ones together",
    "applicable_exclusive_redeemables_per_category_limit": "Never stackable ones of one category",
}
MENUS: Final = {
    "redeemables_application_mode": (
        "If one code does not fit",
        {"ALL": "Refuse the whole attempt", "PARTIAL": "Apply those that fit"},
    ),
    "redeemables_sorting_rule": (
        "Order of codes",
        {"REQUESTED_ORDER": "As the shop sent them", "CATEGORY_HIERARCHY": "By the category's place"},
    ),
    "discount_calculation_mode": (
        "Percentages are of",
        {"DISCOUNTED_AMOUNT": "what is left to pay", "INITIAL_AMOUNT": "the amount before all discounts"},
    ),
    "redeemables_products_application_mode": (
        "Discounts on one item",
        {"STACK": "Several may touch it", "ONCE": "Only the first touches it"},
    ),
    "redeemables_no_effect_rule": (
        "If a code takes nothing off",
        {"REDEEM_ANYWAY": "Redeem it all the same", "SKIP": "Leave it out"},
    ),
    "redeemables_rollback_order_mode": (
        "A rollback",
        {"WITH_ORDER": "takes the discount off the order too", "WITHOUT_ORDER": "leaves the order as it is"},
    ),
}
LISTS: Final = {
    "exclusive_categories": ("Never stackable", "Next to one of these no ordinary code applies."),
    "joint_categories": ("Always stackable", "They apply also next to one that is never stackable."),
}


class StackingForm(forms.Form):
    """The project's stacking rules."""

    def __init__(self, *args: Any, categories: list[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.public_id, row.name) for row in categories]
        for name, (label, menu) in MENUS.items():
            self.fields[name] = forms.ChoiceField(label=label, choices=tuple(menu.items()))
        for name, label in NUMBERS.items():
            low, high = stacking_rules.BOUNDS[name]
            self.fields[name] = forms.IntegerField(
                label=label, min_value=low, max_value=high, widget=forms.TextInput(attrs={"inputmode": "numeric"})
            )
        for name, (label, hint) in LISTS.items():
            self.fields[name] = forms.MultipleChoiceField(
                label=label, required=False, choices=choices, help_text=hint, widget=forms.CheckboxSelectMultiple
            )


class CategoryForm(forms.Form):
    """A category: its name, and its place."""

    name = forms.CharField(label="Name", max_length=200, strip=True)
    hierarchy = forms.IntegerField(label="Place", min_value=0, max_value=1_000_000, initial=1)


class StackingPage(Page):
    """Both on one page."""

    permission = Permission.MANAGE_PROJECT
    section = "stacking"
    template_name = "dashboard/settings/stacking.html"
    title = "Stacking"
    crumbs = (Crumb("Settings"),)

    def show(
        self, form: StackingForm | None = None, new: CategoryForm | None = None, status: int = 200
    ) -> HttpResponse:
        rows = list(Category.objects.of(self.project).order_by("hierarchy", "name")[:MOST])
        stored = stacking.current(project=self.project)
        initial = {**stacking_rules.WHOLE, **(stored.rules if stored else {})}
        form = form or StackingForm(initial=initial, categories=rows)
        context = {"form": form, "stored": stored, "categories": rows, "new": new or CategoryForm()}
        parts = {"menus": [form[name] for name in MENUS], "numbers": [form[name] for name in NUMBERS]}
        return self.render(context | parts | {"lists": [form[name] for name in LISTS]}, status=status)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponse:
        stored = stacking.current(project=self.project)
        if request.POST.get("act") == "reset":
            return self.reset()
        rows = list(Category.objects.of(self.project).order_by("hierarchy", "name")[:MOST])
        form = StackingForm(request.POST, categories=rows)
        if form.is_valid():
            try:
                with transaction.atomic():
                    before = stored.rules if stored else {}
                    body = dict(form.cleaned_data)
                    if stored is None:
                        row = stacking.create(project=self.project, body=body, at=self.at)
                    else:
                        row = stacking.update(project=self.project, stored=stored, body=body, at=self.at)
                    self.note("stacking_rules.changed", "stacking_rules", row.public_id, before=before, after=row.rules)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "The stacking rules are saved.")
                return redirect("dashboard:stacking")
        return self.show(form=form, status=400)

    def reset(self) -> HttpResponse:
        """Back to the defaults."""
        stored = stacking.current(project=self.project)
        if stored is not None:
            with transaction.atomic():
                before = dict(stored.rules)
                stacking.delete(project=self.project, stored=stored)
                self.note("stacking_rules.deleted", "stacking_rules", stored.public_id, before=before)
        messages.success(self.request, "The defaults hold again.")
        return redirect("dashboard:stacking")


class CategoryPage(StackingPage):
    """Add a category, change one, or delete it."""

    def get(self, request: HttpRequest, public_id: str = "") -> HttpResponse:
        return redirect("dashboard:stacking")

    def post(self, request: HttpRequest, public_id: str = "") -> HttpResponse:
        category = categories.find(project=self.project, public_id=public_id) if public_id else None
        if category is not None and request.POST.get("act") == "delete":
            return self.remove(category)
        form = CategoryForm(request.POST)
        if not form.is_valid():
            if category is None:
                return self.show(new=form, status=400)
            messages.error(request, "Not changed: a category needs a name and a place from 0 on.")
            return redirect("dashboard:stacking")
        with transaction.atomic():
            data = form.cleaned_data
            if category is None:
                made = categories.create(project=self.project, data=data, at=self.at)
                self.note("category.created", "category", made.public_id, name=made.name, after=data)
            else:
                before = {"name": category.name, "hierarchy": category.hierarchy}
                categories.update(project=self.project, category=category, data=data, at=self.at)
                self.note("category.changed", "category", public_id, name=data["name"], before=before, after=data)
        messages.success(request, f"Category {data['name']} is saved.")
        return redirect("dashboard:stacking")

    def remove(self, category: Category) -> HttpResponse:
        """What had it has none then."""
        try:
            with transaction.atomic():
                categories.delete(project=self.project, category=category, remove_from_stacking_rules=True, at=self.at)
                self.note("category.deleted", "category", category.public_id, name=category.name)
        except DomainError as error:
            messages.error(self.request, f"Not deleted: {sentence_of(error)}")
        else:
            messages.success(self.request, f"Category {category.name} is deleted.")
        return redirect("dashboard:stacking")
