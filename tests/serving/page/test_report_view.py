"""A scan report as pages show it."""

from typing import Any

from medfake.serving.page.report_view import report_view
from medfake.vocabulary import Evidence

ALARMS = {"scans": 24, "rate": 1 / 24, "low": 0.007, "high": 0.202}


def scan(
    folder: str, p: float, warnings: tuple[str, ...] = (), sites: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    return {
        "scan_id": f"scan-{folder}",
        "p_tampered": p,
        "slices": [{"file": f"{folder}/1.dcm" if folder else "1.dcm", "p_tampered": p}],
        "warnings": list(warnings),
        "sites": list(sites),
    }


def report(*scans: dict[str, Any], skipped: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "model": {"evidence": "phantom", "false_alarms": ALARMS, "false_alarms_of_few": None},
        "scans": list(scans),
        "skipped": [{"path": path, "reason": reason} for path, reason in skipped],
    }


def test_likely_fakes_come_first() -> None:
    assert [one["folder"] for one in report_view(report(scan("a", 0.2), scan("b", 0.9))).scans] == ["b", "a"]


def test_a_warning_stands_once_with_the_scans_that_it_is_about() -> None:
    shown = report_view(report(scan("a", 0.3, ("thick", "few")), scan("b", 0.2, ("few",))))
    assert shown.warnings == (("thick", "a"), ("few", ""))


def test_reasons_are_counted_the_most_frequent_first() -> None:
    shown = report_view(report(skipped=(("1", "no image"), ("2", "empty"), ("3", "empty"))))
    assert shown.reasons == (("empty", 2), ("no image", 1))


def test_the_strongest_place_is_named_by_its_file() -> None:
    sites = (
        {"slice_file": "a/7.dcm", "y": 3.0, "x": 4.4, "p_tampered": 0.6},
        {"slice_file": "a/9.dcm", "y": 10.0, "x": 20.0, "p_tampered": 0.8},
    )
    assert report_view(report(scan("a", 0.9, sites=sites))).scans[0]["strongest"] == "9.dcm, y 10, x 20"


def test_files_without_a_folder_are_the_upload_s_own() -> None:
    assert report_view(report(scan("", 0.9))).scans[0]["folder"] == "the upload itself"


def test_phantom_figures_are_said_to_be_no_clinical_evidence() -> None:
    assert report_view(report()).model["worth"] == Evidence.PHANTOM.sentence


def test_false_alarms_are_told_with_their_interval() -> None:
    assert report_view(report()).model["alarms"] == ["1 of 24 untouched scans were called tampered: 4.2% [0.7%, 20.2%]"]
