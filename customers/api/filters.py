"""Query parameters of `GET /v1/customers`. Source: customers.md section 8."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from config.api.filters import window
from config.kernel import instants
from config.kernel.texts import normal
from config.project.models import Project
from customers import lookups
from customers.models import Customer
from customers.payloads import email_key

PUBLIC = "Public id, `seg_…`."


class CustomerFilter(django_filters.FilterSet):
    """Plain parameters; both spellings of a window are accepted."""

    email = django_filters.CharFilter(method="by_email", label="The whole address, in any case.")
    name = django_filters.CharFilter(method="by_name", label="The whole name, in any case.")
    city = django_filters.CharFilter(method="by_city", label="`address.city`.")
    segment_id = django_filters.CharFilter(method="by_segment", label="Members of a segment.")

    class Meta:
        model = Customer
        fields: tuple[str, ...] = ()

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        return {**super().get_filters(), **window("created_at"), **window("updated_at")}

    def by_email(self, customers: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return customers.filter(email_key=email_key(value))

    def by_name(self, customers: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return customers.alias(name_key=Lower("name")).filter(name_key=Lower(Value(normal(value))))

    def by_city(self, customers: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return customers.filter(city=normal(value))

    def by_segment(self, customers: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        project: Project = self.request.auth.project
        members = lookups.members_of(project=project, segment_id=value, at=instants.now())
        return customers.filter(pk__in=members.order_by().values("pk"))
