"""Every address of the dashboard. The apps' own lists of paths are joined under one namespace."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from config.dashboard import (
    account,
    api_keys,
    audit_log,
    exports,
    members,
    metadata_schemas,
    profile,
    project_settings,
    timeline,
    wallet,
    webhooks,
)
from config.dashboard import imports as import_pages
from config.dashboard.home import Nothing, Overview, ProjectSwitch
from config.dashboard.login import SignIn
from config.dashboard.narrowings import as_filter, by_filter, by_import, by_segment
from config.dashboard.search import Search
from config.dashboard.tasks import TaskList, TaskPage
from customers.dashboard.views import CustomerList

app_name = "dashboard"

urlpatterns = [
    path("", Overview.as_view(), name="home"),
    path("search/", Search.as_view(), name="search"),
    path("project/", ProjectSwitch.as_view(), name="project"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path(
        "customers/",
        CustomerList.as_view(narrowings=(by_segment, by_filter, by_import), as_filter=as_filter),
        name="customers",
    ),
    path("", include("customers.dashboard.urls")),
    path("customers/<str:public_id>/", timeline.Timeline.as_view(), name="customer"),
    path("customers/<str:public_id>/wallet/", wallet.Wallet.as_view(), name="customer-wallet"),
    path("customers/<str:public_id>/orders/", profile.Orders.as_view(), name="customer-orders"),
    path("customers/<str:public_id>/segments/", profile.Segments.as_view(), name="customer-segments"),
    path("customers/<str:public_id>/metadata/", profile.Metadata.as_view(), name="customer-metadata"),
    path("", include("segments.dashboard.urls")),
    path("imports/", import_pages.ImportList.as_view(), name="imports"),
    path("imports/new/", import_pages.Upload.as_view(), name="import-new"),
    path("imports/<str:public_id>/", import_pages.Result.as_view(), name="import"),
    path("imports/<str:public_id>/map/", import_pages.Mapping.as_view(), name="import-map"),
    path("imports/<str:public_id>/preview/", import_pages.Preview.as_view(), name="import-preview"),
    path("imports/<str:public_id>/run/", import_pages.Run.as_view(), name="import-run"),
    path("imports/<str:public_id>/file/", import_pages.Original.as_view(), name="import-file"),
    path("imports/<str:public_id>/failed.csv", import_pages.FailedRows.as_view(), name="import-failed"),
    path("", include("vouchers.dashboard.urls")),
    path("", include("tracking.dashboard.urls")),
    path("tasks/", TaskList.as_view(), name="tasks"),
    path("tasks/<str:public_id>/", TaskPage.as_view(), name="task"),
    path("exports/", exports.ExportList.as_view(), name="exports"),
    path("exports/new/", exports.ExportNew.as_view(), name="export-new"),
    path("exports/<str:public_id>/file/", exports.ExportFile.as_view(), name="export-file"),
    path("settings/project/", project_settings.ProjectSettings.as_view(), name="project-settings"),
    path("settings/metadata/", metadata_schemas.SchemaList.as_view(), name="metadata-schemas"),
    path("settings/metadata/new/", metadata_schemas.SchemaNew.as_view(), name="metadata-schema-new"),
    path("settings/metadata/<path:related_object>/key/", metadata_schemas.KeyPage.as_view(), name="metadata-key"),
    path("settings/metadata/<path:related_object>/", metadata_schemas.SchemaPage.as_view(), name="metadata-schema"),
    path("settings/members/", members.MemberList.as_view(), name="members"),
    path("settings/members/new/", members.MemberNew.as_view(), name="member-new"),
    path("settings/members/<str:public_id>/", members.MemberRole.as_view(), name="member"),
    path("settings/keys/", api_keys.KeyList.as_view(), name="keys"),
    path("settings/keys/new/", api_keys.KeyNew.as_view(), name="key-new"),
    path("settings/keys/<str:app_id>/", api_keys.KeyChange.as_view(), name="key"),
    path("settings/webhooks/", webhooks.WebhookList.as_view(), name="webhooks"),
    path("settings/webhooks/new/", webhooks.WebhookNew.as_view(), name="webhook-new"),
    path("settings/webhooks/secret/", webhooks.WebhookSecret.as_view(), name="webhook-secret"),
    path("settings/webhooks/<str:public_id>/", webhooks.WebhookPage.as_view(), name="webhook"),
    path("settings/webhooks/<str:public_id>/edit/", webhooks.WebhookEdit.as_view(), name="webhook-edit"),
    path(
        "settings/webhooks/<str:public_id>/<str:delivery_id>/",
        webhooks.DeliveryPage.as_view(),
        name="webhook-delivery",
    ),
    path("settings/audit/", audit_log.AuditLog.as_view(), name="audit"),
    path("settings/audit/audit-log.csv", audit_log.AuditFile.as_view(), name="audit-file"),
    path("profile/", account.Profile.as_view(), name="profile"),
    path("profile/password/", account.Password.as_view(), name="password"),
    path("<path:rest>", Nothing.as_view(), name="nothing"),
]
