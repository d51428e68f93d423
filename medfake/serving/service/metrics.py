"""What Prometheus is told: counts and times by route, state, verdict and class of reason; nothing that came in."""

import threading
from collections.abc import Mapping
from typing import Final

from medfake.serving.scoring.detectors import Standing
from medfake.serving.scoring.worker_messages import Package
from medfake.serving.service.job_store import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_KINDS: Final = {
    "NotDicom": "not-dicom",
    "UnsupportedImage": "unsupported",
    "Header": "header",
    "PixelData": "pixels",
    "Dicom": "header",
}
"""Classes of reasons, from the errors that they come from; others are called what they are."""


class Metrics:
    """Counters of one process of the service."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

        disable_created_metrics()  # type: ignore[no-untyped-call]

        self._registry = into = CollectorRegistry()
        self._lock = threading.Lock()
        self._requests = Counter(
            "medfake_requests", "Answers by route and status", ("method", "route", "status"), registry=into
        )
        self._seconds = Histogram(
            "medfake_request_seconds", "Until an answer began", ("route",), buckets=_SECONDS, registry=into
        )
        self._jobs = Gauge("medfake_jobs", "Jobs by state, of all processes of the service", ("state",), registry=into)
        self._scans = Counter("medfake_scans", "Scans by verdict", ("verdict",), registry=into)
        self._skipped = Counter(
            "medfake_skipped_files", "Files without a score by class of reason", ("reason",), registry=into
        )
        self._restarts = Counter(
            "medfake_worker_restarts", "Scoring processes that were replaced", ("why",), registry=into
        )
        self._model = Gauge("medfake_model_info", "Which detector scores", ("name", "package"), registry=into)
        self._registry_up = Gauge(
            "medfake_registry_up", "1 while the registry answers, or none is watched", registry=into
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scan(self, verdict: str) -> None:
        """A scan was scored."""
        self._scans.labels(verdict).inc()

    def skipped(self, kinds: Mapping[str, int]) -> None:
        """So many files have no score, by class of reason."""
        for kind, number in kinds.items():
            self._skipped.labels(_KINDS.get(kind, kind)).inc(number)

    def restart(self, why: str) -> None:
        """A scoring process was replaced."""
        self._restarts.labels(why).inc()

    def text(self, jobs: Mapping[State, int], package: Package | None, standing: Standing) -> bytes:
        """All of it, in Prometheus' text format."""
        from prometheus_client import generate_latest

        with self._lock:
            for state, number in jobs.items():
                self._jobs.labels(state).set(number)
            self._model.clear()
            if package:
                self._model.labels(package.name, package.digest[:12]).set(1)
            self._registry_up.set(standing.state in ("ok", "none"))
            return generate_latest(self._registry)
