"""`/admin/` for operators: Django's own pages behind the dashboard's door, its throttle and its forced passwords.

Whatever is written there goes into the audit log: the site mixes that into every page class it is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from config.dashboard.base import ErrorState, show_error
from config.kernel import instants
from config.project import audit
from config.project.models import Project, User

if TYPE_CHECKING:
    AnyModelAdmin = ModelAdmin[Any]
else:
    AnyModelAdmin = ModelAdmin

NOT_AN_OPERATOR = ErrorState(403, "For operators only", "Your account may use the dashboard, but not these pages.")
SECRETS: Final = ("password", "secret", "token", "hash")
"""Columns whose names hold one of these are never written down."""


class Audited(AnyModelAdmin):
    """Writes down what an operator adds, changes, deletes, imports and exports, in the transaction of the act."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            before = facts(self.model._base_manager.filter(pk=obj.pk).first()) if change else {}
            super().save_model(request, obj, form, change)
            self.note(request, "changed" if change else "created", obj, before=before, after=facts(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self.note(request, "deleted", obj, before=facts(obj))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            for obj in queryset:
                self.note(request, "deleted", obj, before=facts(obj))
            super().delete_queryset(request, queryset)

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The second step of an import; only where the class imports."""
        with transaction.atomic():
            result = super().process_dataset(dataset, form, request, **kwargs)  # type: ignore[misc]
            project = (getattr(form, "cleaned_data", None) or {}).get("project")
            self.note(request, "imported", project=project, after={"rows": len(dataset), **dict(result.totals)})
        return result

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        """The file of an export; only where the class exports."""
        data = super().get_export_data(file_format, request, queryset, **kwargs)  # type: ignore[misc]
        self.note(request, "exported", after={"rows": queryset.count()})
        return data

    def note(
        self, request: HttpRequest, verb: str, obj: Any = None, *, project: Project | None = None, **values: Any
    ) -> None:
        """One entry: in the chain of the object's project, or of the installation."""
        thing = self.model._meta.model_name or ""
        assert isinstance(request.user, User)
        audit.record(
            project=project or getattr(obj, "project", None),
            actor=audit.of_user(request.user),
            action=f"{thing}.{verb}",
            object_type=thing,
            object_id=str(getattr(obj, "public_id", None) or getattr(obj, "pk", None) or ""),
            name=str(obj) if obj is not None else "",
            at=instants.now(),
            channel=audit.Channel.ADMIN,
            request_id=request.META.get("REQUEST_ID", ""),
            **values,
        )


def facts(obj: Model | None) -> dict[str, Any]:
    """The columns of a row, without what is secret."""
    if obj is None:
        return {}
    names = [field.attname for field in obj._meta.concrete_fields]
    return audit.facts(obj, (name for name in names if not any(part in name for part in SECRETS)))


class OperatorsSite(AdminSite):
    """One door for the dashboard and these pages."""

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Every page class with `Audited` in front."""
        kind = admin_class or ModelAdmin
        audited = type(f"Audited{kind.__name__}", (Audited, kind), {"__module__": kind.__module__})
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        super().register(models, audited, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not getattr(request.user, "must_change_password", True)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_permission(request):
            return redirect("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if getattr(request.user, "must_change_password", False):
            return redirect("dashboard:password")
        return show_error(request, NOT_AN_OPERATOR)
