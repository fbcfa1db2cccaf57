"""Tracking's work in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from procrastinate.contrib.django import app

from config.imports.runner import run_import
from config.jobs import bulk, queues, runner
from config.jobs.runner import Run
from config.kernel import instants
from tracking.services import importing, partitions, placing, products


@app.periodic(cron="15 2 * * *")
@app.task(name="tracking.ensure_partitions", queue=queues.UPKEEP, queueing_lock="tracking.ensure_partitions")
def ensure_partitions(timestamp: int) -> None:
    """Keep the event log's next months ready; daily."""
    partitions.ensure_partitions(at=instants.now())
    if partitions.rows_in_default():
        partitions.log.error("the default partition of the event log is not empty")


@runner.job(queue=queues.SHORT, name="tracking.update_products")
def update_products(run: Run) -> dict[str, Any]:
    """Apply the items of one `products/bulk/async`."""

    def apply(items: Sequence[Any], _: Any) -> Sequence[bulk.Done]:
        return products.upsert_each(project=run.action.project, items=items, at=instants.now())

    return bulk.run(run, apply, clock=instants.now)


@runner.job(queue=queues.SHORT, name="tracking.update_products_metadata")
def update_products_metadata(run: Run) -> dict[str, Any]:
    """Give all products of one `products/metadata/async` the same metadata; unknown ones are created."""

    def apply(items: Sequence[Any], shared: Any) -> Sequence[bulk.Done]:
        rows = [{"source_id": source_id, "metadata": shared} for source_id in items]
        return products.upsert_each(project=run.action.project, items=rows, at=instants.now())

    return bulk.run(run, apply, clock=instants.now)


@runner.job(queue=queues.LONG, name="tracking.import_orders")
def import_orders(run: Run) -> dict[str, Any]:
    """Store the orders of one `orders/import`."""

    def apply(items: Sequence[Any], _: Any) -> Sequence[bulk.Done]:
        return placing.place_each(project=run.action.project, bodies=items, at=instants.now())

    return bulk.run(run, apply, clock=instants.now, thing="order")


@runner.job(queue=queues.LONG, name="tracking.import_products_file")
def import_products_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of products."""
    return run_import(run, importing.PRODUCT_SUBJECT)


@runner.job(queue=queues.LONG, name="tracking.import_skus_file")
def import_skus_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of SKUs."""
    return run_import(run, importing.SKU_SUBJECT)
