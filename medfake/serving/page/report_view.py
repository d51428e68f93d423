"""A scan report's JSON as pages show it: folders, strongest places, reasons counted, what figures are worth."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from medfake.package.measured import FalseAlarms
from medfake.serving.calibration import SiteCalibration
from medfake.serving.summary import MOST_FOLDERS
from medfake.vocabulary import Evidence, Modality

_HERE: Final = "the upload itself"


@dataclass(frozen=True)
class ReportView:
    """What a page shows of a report.

    Attributes:
        model: As in the report, with `worth`, a sentence, `calibrated`, one or "", `alarms`, some, and `files`, what it
            takes.
        scans: As in the report, with `folder` and `strongest` place; likely fakes first.
        warnings: Each once, with the folders that it is about; "" where it is about all.
        skipped: As in the report.
        reasons: Why files were skipped, the most frequent first, and how many were.
    """

    model: dict[str, Any]
    scans: tuple[dict[str, Any], ...]
    warnings: tuple[tuple[str, str], ...]
    skipped: tuple[dict[str, Any], ...]
    reasons: tuple[tuple[str, int], ...]

    def scan(self, scan_id: str) -> dict[str, Any] | None:
        """One of the scans; None where there is none of this pseudonym."""
        return next((scan for scan in self.scans if scan["scan_id"] == scan_id), None)


def report_view(report: Mapping[str, Any]) -> ReportView:
    """Get a report ready to be shown.

    Args:
        report: As `medfake scan --json` writes it.
    """
    scans = sorted((_scan(one) for one in report["scans"]), key=lambda scan: -scan["p_tampered"])
    skipped = tuple(report["skipped"])
    return ReportView(
        model=model_view(report["model"]),
        scans=tuple(scans),
        warnings=tuple(_warnings(scans)),
        skipped=skipped,
        reasons=tuple(Counter(one["reason"] for one in skipped).most_common()),
    )


def model_view(model: Mapping[str, Any]) -> dict[str, Any]:
    """A detector as a report tells it, with its evidence, its false alarms and what to give it in words."""
    counted = ((model["false_alarms"], "scans"), (model["false_alarms_of_few"], "scans of few slices"))
    alarms = [FalseAlarms(**figures).sentence(what) for figures, what in counted if figures]
    files = Modality(model.get("modality", Modality.CT)).files  # reports of before are of CT
    calibrated = SiteCalibration(**model["calibration"]).sentence if model.get("calibration") else ""  # likewise
    worth = Evidence(model["evidence"]).sentence
    return {**model, "calibrated": calibrated, "worth": worth, "alarms": alarms, "files": files}


def _scan(scan: Mapping[str, Any]) -> dict[str, Any]:
    strongest = max(scan["sites"], key=lambda site: site["p_tampered"], default=None)
    place = (
        f"{PurePosixPath(strongest['slice_file']).name}, y {strongest['y']:.0f}, x {strongest['x']:.0f}"
        if strongest
        else ""
    )
    parent = str(PurePosixPath(scan["slices"][0]["file"]).parent)
    return {**scan, "folder": _HERE if parent == "." else parent, "strongest": place}


def _warnings(scans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    told = []
    for text in dict.fromkeys(text for scan in scans for text in scan["warnings"]):
        folders = [scan["folder"] for scan in scans if text in scan["warnings"]]
        more = f", and {len(folders) - MOST_FOLDERS} more" if len(folders) > MOST_FOLDERS else ""
        about_all = len(folders) == len(scans)
        told.append((text, "" if about_all else ", ".join(folders[:MOST_FOLDERS]) + more))
    return told
