"""`/management/v1/projects`: projects, their settings, their first keys. Source: http and auth, section 11."""

from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.authentication import ManagementKeyAuthentication, access_of
from config.api.lists import envelope
from config.api.managed import body_of
from config.kernel import instants
from config.project import audit, encryption, managing
from config.project.managing import Trace
from config.project.models import Project


class KeyPairObject(serializers.Serializer[Any]):
    """A key pair, shown once."""

    app_id = serializers.CharField()
    app_token = serializers.CharField()


class ProjectBody(serializers.Serializer[Any]):
    """What is created or changed."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_null=True)
    timezone = serializers.CharField(required=False, allow_null=True)
    currency = serializers.CharField(required=False, allow_null=True)
    dial_code = serializers.CharField(required=False, allow_null=True)
    webhook_version = serializers.ChoiceField([managing.WEBHOOK_VERSION], required=False, allow_null=True)
    client_trusted_domains = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    client_redeem_enabled = serializers.BooleanField(required=False, allow_null=True)
    client_publish_enabled = serializers.BooleanField(required=False, allow_null=True)
    client_list_vouchers_enabled = serializers.BooleanField(required=False, allow_null=True)
    client_create_customer_enabled = serializers.BooleanField(required=False, allow_null=True)
    client_loyalty_events_enabled = serializers.BooleanField(required=False, allow_null=True)
    client_set_voucher_expiration_date_enabled = serializers.BooleanField(required=False, allow_null=True)
    case_sensitive_codes = serializers.BooleanField(required=False, allow_null=True)
    default_code_config = serializers.DictField(required=False, allow_null=True)
    webhooks_callout_notifications = serializers.DictField(required=False, allow_null=True)
    api_usage_notifications = serializers.DictField(required=False, allow_null=True)


class ProjectObject(serializers.Serializer[Any]):
    """A project."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    currency = serializers.CharField(required=False)
    dial_code = serializers.CharField(required=False)
    timezone = serializers.CharField()
    cluster_id = serializers.CharField()
    api_version = serializers.CharField()
    case_sensitive_codes = serializers.BooleanField()
    client_trusted_domains = serializers.ListField(child=serializers.CharField())
    client_redeem_enabled = serializers.BooleanField()
    client_publish_enabled = serializers.BooleanField()
    client_list_vouchers_enabled = serializers.BooleanField()
    client_create_customer_enabled = serializers.BooleanField()
    client_loyalty_events_enabled = serializers.BooleanField()
    client_set_voucher_expiration_date_enabled = serializers.BooleanField()
    default_code_config = serializers.DictField(required=False)
    webhooks_callout_notifications = serializers.DictField(required=False)
    api_usage_notifications = serializers.DictField(required=False)
    is_sandbox = serializers.BooleanField()
    webhook_version = serializers.CharField()
    webhook_token = serializers.CharField()


class NewProjectObject(ProjectObject):
    """A project that was just made, with its keys."""

    server_side_key = KeyPairObject()
    client_side_key = KeyPairObject()


class ProjectListObject(serializers.Serializer[Any]):
    """All projects that a key may manage."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = ProjectObject(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


FLAGS = tuple(
    name for name, field in ProjectObject().fields.items() if name.startswith("client_") and name.endswith("_enabled")
)


def render(project: Project) -> dict[str, Any]:
    """The wire's project; texts that are not set are absent."""
    texts = {
        name: getattr(project, name) for name in ("description", "currency", "dial_code") if getattr(project, name)
    }
    config = {} if project.default_code_config is None else {"default_code_config": project.default_code_config}
    return {
        "id": project.public_id,
        "name": project.name,
        **texts,
        "timezone": project.timezone,
        "cluster_id": "self-hosted",
        "api_version": "v2018-08-01",
        "case_sensitive_codes": project.case_sensitive_codes,
        "client_trusted_domains": project.client_trusted_domains,
        **{name: getattr(project, name) for name in FLAGS},
        **config,
        **project.notifications,
        "is_sandbox": project.is_sandbox,
        "webhook_version": managing.WEBHOOK_VERSION,
        "webhook_token": encryption.decrypt(project.webhook_token),
    }


class ProjectViewSet(viewsets.GenericViewSet[Project]):
    """`/management/v1/projects`."""

    authentication_classes = (ManagementKeyAuthentication,)
    queryset = Project.objects.none()
    serializer_class = ProjectObject
    pagination_class = None
    filterset_class = None
    lookup_field = "public_id"
    lookup_url_kwarg = "project_id"

    @extend_schema(responses={200: forced_singular_serializer(ProjectListObject)})  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        data = [render(project) for project in managing.visible_to(access_of(request).project)]
        return Response(envelope("data", data, len(data)))

    @extend_schema(request=ProjectBody, responses={200: NewProjectObject})
    def create(self, request: Request) -> Response:
        own = access_of(request).project
        made = managing.create(by=own, body=body_of(request), at=instants.now(), trace=_trace(request))
        made_keys = {
            "server_side_key": {"app_id": made.app_id, "app_token": made.app_token},
            "client_side_key": {"app_id": made.client_app_id, "app_token": made.client_token},
        }
        return Response(render(made.project) | made_keys)

    def retrieve(self, request: Request, project_id: str) -> Response:
        return Response(render(managing.find(by=access_of(request).project, public_id=project_id)))

    @extend_schema(request=ProjectBody, responses={200: ProjectObject})
    def update(self, request: Request, project_id: str) -> Response:
        project = managing.find(by=access_of(request).project, public_id=project_id)
        changed = managing.change(project=project, body=body_of(request), at=instants.now(), trace=_trace(request))
        return Response(render(changed))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project_id: str) -> Response:
        project = managing.find(by=access_of(request).project, public_id=project_id)
        managing.delete(project=project, at=instants.now(), trace=_trace(request))
        return Response(status=204)


def _trace(request: Request) -> Trace:
    access = access_of(request)
    return Trace(audit.of_key(access.key), access.group_id)
