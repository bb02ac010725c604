"""Numbers for Prometheus, counted from the database when they are asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from docproc.store import access, health
from docproc.store.health import Health
from web import auth, context
from web.api.health import WORKER_SILENCE

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@auth.open_to_all
def metrics() -> Response:
    """Return the numbers, to this machine itself and to admins."""
    if not _is_here():
        access.require(auth.current(), "admin")
    with context().database.read() as session:
        found = health.look(session, WORKER_SILENCE)
    registry = CollectorRegistry()
    registry.register(_Numbers(found))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Numbers(Collector):
    def __init__(self, found: Health) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        found = self._found
        yield _by("docproc_jobs_waiting", "Jobs that nobody works on", "queue", found.waiting)
        yield _by("docproc_jobs_leased", "Jobs that a worker has", "queue", found.leased)
        yield GaugeMetricFamily(
            "docproc_oldest_job_seconds", "How long the oldest job has been waiting", found.oldest_seconds
        )
        yield _by("docproc_documents", "Documents, without the trash", "status", found.documents)
        yield _by("docproc_pages", "Pages of all runs", "status", found.pages)
        yield CounterMetricFamily("docproc_page_seconds", "Time spent on pages", found.page_seconds)
        yield CounterMetricFamily("docproc_pages_timed", "Pages that time was spent on", found.pages_timed)
        yield GaugeMetricFamily("docproc_workers", "Workers heard of in the last minute", len(found.workers))
        memory = {worker.id: worker.memory for worker in found.workers}
        yield _by("docproc_worker_memory_bytes", "Memory of a worker with its children", "worker", memory)


def _by(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value in sorted(values):
        family.add_metric([value], values[value])
    return family


def _is_here() -> bool:
    """Tell whether this machine asks, and no proxy on it for somebody else."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded")):
        return False
    return ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104  (nobody)
