"""Ask for an export, read it, take it away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.exports import files, requests
from config.exports.tasks import write_export
from config.jobs import runner
from config.jobs.models import AsyncAction, Export
from config.kernel.errors import NotFound
from config.project.models import Project, User


def start(
    *,
    project: Project,
    exported_object: object,
    parameters: Mapping[str, Any],
    at: datetime,
    user: User | None = None,
    title: str = "",
    request_id: str = "",
    of_list: Mapping[str, Any] | None = None,
) -> Export:
    """Check the request and queue its job. user: asked for in the dashboard, whose files have safe cells.

    of_list: name and query of the dashboard's list whose rows are wanted.

    Raises InvalidPayload or InvalidExport.
    """
    kind = requests.kind_of(exported_object)
    parameters = {key: value for key, value in parameters.items() if key != requests.LIST}
    if of_list is not None:
        parameters[requests.LIST] = dict(of_list)
    requests.parse(project=project, kind=kind, parameters=parameters, at=at)
    with transaction.atomic():
        export = Export.objects.create(
            project=project,
            exported_object=kind.name,
            channel="WEBSITE" if user else "API",
            parameters=parameters,
            title=title,
            safe_cells=user is not None,
            user=user,
            created_at=at,
        )
        export.action = runner.start(
            project=project,
            type=AsyncAction.EXPORT,
            task=write_export,
            parameters={"export": export.pk},
            at=at,
            title=title or f"Export of {kind.name}s",
            user=user,
            channel="USER_PORTAL" if user else "API",
            request_id=request_id,
        )
        export.save(update_fields=["action"])
    return export


def find(*, project: Project, public_id: str) -> Export:
    """The export. Raises NotFound."""
    export = Export.objects.of(project).select_related("project", "action").filter(public_id=public_id).first()
    if export is None:
        raise NotFound.of("export", public_id)
    return export


def delete(*, export: Export) -> None:
    """Remove the export and its file; a job still running finds nothing to write for."""
    files.remove(export)
    if export.action is not None:
        runner.request_stop(export.action)
    export.delete()


def status_of(export: Export) -> str:
    """The wire's status; ERROR as soon as the job gave up."""
    action = export.action
    if export.status != Export.Status.DONE and action is not None and action.status == AsyncAction.Status.FAILED:
        return Export.Status.ERROR
    return export.status
