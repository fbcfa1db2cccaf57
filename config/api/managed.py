"""What the resources of the management API share: its keys, and the project of the address."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model
from rest_framework import viewsets
from rest_framework.request import Request

from config.api.authentication import ManagementKeyAuthentication, access_of
from config.kernel.errors import InvalidPayload
from config.project import managing
from config.project.models import Project

ModelT = TypeVar("ModelT", bound=Model)


class ManagedViewSet(viewsets.GenericViewSet[ModelT]):
    """`/management/v1/projects/{projectId}/…`: few rows, found by their public id, listed whole."""

    authentication_classes = (ManagementKeyAuthentication,)
    pagination_class = None
    filterset_class = None
    lookup_field = "public_id"

    def project(self) -> Project:
        """The project of the address: the key's own, or one made with it. Raises NotFound."""
        return managing.find(by=access_of(self.request).project, public_id=self.kwargs["project_id"])


def body_of(request: Request) -> dict[str, Any]:
    """The body, an object. Raises InvalidPayload."""
    if not isinstance(request.data, dict):
        raise InvalidPayload("Payload should be object")
    return request.data
