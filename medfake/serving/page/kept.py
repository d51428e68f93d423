"""What pages read of the service that they belong to: what its API answers, without asking it over the network."""

import io
import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import Request
from markupsafe import Markup
from numpy.typing import NDArray

from medfake.package.card import graph_digests
from medfake.serving.page.monitoring import monitoring_html
from medfake.serving.scoring import job_files
from medfake.serving.service import routes_jobs, routes_slices, routes_state
from medfake.serving.service.answers import service_of
from medfake.serving.service.contract import JobAnswer, ModelAnswer, SliceAnswer
from medfake.serving.service.refusals import NotFoundError, UnavailableError


class Kept:
    """The jobs and the detector of a service, as one of its clients may see them.

    Args:
        request: Of that client; it was let in.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    def newest(self, limit: int, offset: int) -> tuple[Sequence[JobAnswer], int]:
        """Some jobs, newest first, and how many there are in all."""
        found = routes_jobs.get_jobs(self._request, limit, offset)
        return found.jobs, found.total

    def job(self, job_id: str) -> JobAnswer:
        """A job.

        Raises:
            NotFoundError: There is none, or no longer.
        """
        return routes_jobs.get_job(self._request, job_id)

    def report(self, job_id: str) -> dict[str, Any]:
        """What was found, as `medfake scan --json` writes it.

        Raises:
            NotFoundError: There is no such job, or no longer.
            ConflictError: It is not done.
        """
        routes_jobs.get_report(self._request, job_id)
        path = service_of(self._request).jobs / job_id / job_files.REPORT
        try:
            report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:  # it was deleted a moment ago
            raise NotFoundError("there is no such job, or no longer", remedy="look at /jobs") from None
        return report

    def verdicts(self, job_id: str) -> tuple[tuple[str, int], ...]:
        """Each verdict with how many scans of a job that is done have it; empty where it was deleted meanwhile."""
        path = service_of(self._request).jobs / job_id / job_files.REPORT
        try:
            return _verdicts(path, path.stat().st_mtime_ns)
        except FileNotFoundError:
            return ()

    def slices(self, job_id: str, scan_id: str) -> Sequence[SliceAnswer]:
        """Of a scan, in order.

        Raises:
            NotFoundError: The job has no such scan.
        """
        return routes_slices.get_slices(self._request, job_id, scan_id)

    def grey(self, job_id: str, scan_id: str, index: int) -> NDArray[np.uint8]:
        """(rows, cols) of a slice in the usual window of its modality.

        Raises:
            NotFoundError: There is no such slice.
        """
        from PIL import Image

        png = bytes(routes_slices.get_slice(self._request, job_id, scan_id, index).body)
        return np.asarray(Image.open(io.BytesIO(png), formats=["PNG"]))

    def detector(self) -> ModelAnswer | None:
        """What scans now; None until one is loaded."""
        try:
            return routes_state.get_model(self._request)
        except UnavailableError:
            return None

    def monitoring(self) -> Markup:
        """What was scanned beside what the detector that scans now knows, drawn.

        Raises:
            UnavailableError: No detector is loaded yet.
        """
        service = service_of(self._request)
        if service.pool.package is None:
            raise UnavailableError("there is no detector yet", remedy="reload this page in a moment", retry_after_s=2)
        return monitoring_html(service.recorder, service.pool.package)

    def graphs(self) -> dict[str, str]:
        """SHA-256 of the graphs of the detector that scans now, by file name."""
        package = service_of(self._request).pool.package
        return graph_digests(Path(package.folder)) if package else {}


@lru_cache(maxsize=1024)
def _verdicts(path: Path, _: int) -> tuple[tuple[str, int], ...]:
    """Of a report, which has megabytes and does not change; a list of uploads needs these numbers alone."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return tuple(sorted(Counter(scan["verdict"] for scan in report["scans"]).items()))
