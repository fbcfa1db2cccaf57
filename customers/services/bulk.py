"""Many customers of one request, with what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from config.jobs.bulk import Done, refused
from config.kernel import ids
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import MetadataValidationFailed, NotFound
from config.project import schemas
from config.project.models import Project
from customers.payloads import CustomerData, Unset
from customers.services import loading
from customers.services.profiles import read_alias, stored_source_ids, tell_created
from customers.staging import StagedRow, stage


def upsert_each(*, project: Project, rows: Sequence[CustomerData], at: datetime, cause: Cause = INTERNAL) -> list[Done]:
    """Upsert all rows in the caller's transaction; each has a source id, may share it with others, and later ones win.

    A row whose metadata the schema refuses is left out, the others are written.
    """
    read = [read_alias(project, data) for data in rows]
    stored = stored_source_ids(project, read)
    public_ids = ids.new_many("cust_", len(rows))
    outcomes: list[Done] = []
    staged: list[StagedRow] = []
    for number, (sent, data) in enumerate(zip(rows, read, strict=True)):
        found = not isinstance(data.id, Unset) or data.source_id in stored
        key = "" if isinstance(sent.source_id, Unset) else sent.source_id
        try:
            if not isinstance(data.metadata, Unset):
                schemas.require(project, "customer", data.metadata, whole=not found)
        except MetadataValidationFailed as error:
            outcomes.append(refused(key, found, error))
            continue
        outcomes.append(Done(key, found, True))
        staged.append(stage(number, public_ids[number], data))
        if not isinstance(data.source_id, Unset):
            stored.add(data.source_id)
    loaded = loading.load_in_order(project=project, rows=staged, at=at)
    tell_created(project, loaded, at, cause)
    for number in loaded.unknown:
        outcomes[number] = refused(outcomes[number].key, False, NotFound.of("customer", outcomes[number].key))
    return outcomes
