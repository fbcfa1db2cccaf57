"""The queryset every scoped model starts from: `Customer.objects.of(project)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from config.project.models import Project

ModelT = TypeVar("ModelT", bound=models.Model)


class ScopedQuerySet(models.QuerySet[ModelT]):
    """Rows of one project."""

    def of(self, project: Project) -> Self:
        """Only this project's rows; every query of the product starts here."""
        return self.filter(project_id=project.pk)
