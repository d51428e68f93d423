"""The slices of a scan, for the viewer and for the printed report."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from medfake.serving.page.comparable import least_suspicious
from medfake.serving.page.kept import Kept
from medfake.serving.page.printed import ReadGrey
from medfake.serving.page.report_view import report_view
from medfake.serving.page.scan_view import ScanView, SliceView, scan_view
from medfake.serving.page.viewer_data import viewer_data
from medfake.serving.service.pictures import windows_of
from medfake.serving.service.refusals import NotFoundError
from medfake.vocabulary import Modality


class ScanPages:
    """Scans of a service.

    Args:
        kept: What the service has.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def page(self, job_id: str, scan_id: str, wanted: int | None, window: str) -> dict[str, Any]:
        """What the page of a scan shows.

        Args:
            job_id: Upload that it is of.
            scan_id: Pseudonym.
            wanted: Index of the slice that is shown first; None for the most suspicious one.
            window: One that is offered for the scan's modality; others are taken for the usual one.

        Raises:
            NotFoundError: The upload has no such scan.
        """
        report = report_view(self._kept.report(job_id))
        scan = report.scan(scan_id)
        if scan is None:
            raise NotFoundError("there is no such scan in this upload", remedy=f"choose one from /jobs/{job_id}")
        view = self._view(job_id, scan)
        base = f"/v1/jobs/{job_id}/scans/{scan_id}/slices"
        windows = windows_of(Modality(report.model.get("modality", Modality.CT)))  # reports of before are of CT
        shown = {"scan": scan, "model": report.model, "windows": windows.items(), "base": base, "slices": ()}
        if view is None:
            return shown
        start = view.start if wanted is None else min(max(wanted, 0), len(view.slices) - 1)
        beside = least_suspicious(view.slices, [mark.z for mark in view.marks])
        return shown | {
            "beside": beside,
            "data": viewer_data(view, beside, start, base),
            "highest": max((one.p for one in view.slices if one.p is not None), default=None),
            "start": start,
            "view": view,
            "slices": view.slices,
            "window": window if window in windows else next(iter(windows)),
        }

    def pictures(self, job_id: str, scan: Mapping[str, Any]) -> tuple[ScanView, ReadGrey] | None:
        """A scan of a report and how its slices are read; None where they are not kept."""
        view = self._view(job_id, scan)
        if view is None:
            return None

        return view, partial(self._kept.grey, job_id, scan["scan_id"])

    def _view(self, job_id: str, scan: Mapping[str, Any]) -> ScanView | None:
        answers = self._kept.slices(job_id, scan["scan_id"])
        if not answers:
            return None
        slices = [
            SliceView(one.index, one.number, one.file, one.z_mm, one.p_tampered, one.shows_lung) for one in answers
        ]
        return scan_view(scan, slices, (answers[0].rows, answers[0].cols), answers[0].spacing_mm)
