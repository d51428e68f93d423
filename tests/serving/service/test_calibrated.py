"""A service that judges by the thresholds of its site."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.serving.calibration import SiteCalibration, write_calibration
from medfake.serving.model import open_model
from tests.fixtures.services import StartService, until, write_served_package
from tests.serving.test_calibration import calibration_of

WriteScan = Callable[..., Path]


@pytest.fixture
def write_site(served_package: Path, tmp_path: Path) -> Callable[[float], SiteCalibration]:
    """Write a calibration of the served detector into site.json; its own upper threshold is 0.6."""

    def write(high: float) -> SiteCalibration:
        made = calibration_of(open_model(str(served_package), None), high)
        write_calibration(made, tmp_path / "site.json")
        return made

    return write


def test_scans_are_judged_by_the_threshold_of_the_site_and_it_is_said(
    start_service: StartService, write_site: Callable[[float], SiteCalibration], write_scan: WriteScan, tmp_path: Path
) -> None:
    site, folder = write_site(0.9999), write_scan(tmp_path / "chest", [-200] * 3)
    service = start_service(calibration=str(tmp_path / "site.json"))
    report = service.post_folder("/v1/scans", folder).json()
    assert report["scans"][0]["verdict"] == "uncertain"
    assert report["model"]["scan_threshold_high"] == 0.9999
    assert report["model"]["calibration"] == site.model_dump(mode="json")
    assert service.get("/v1/model").json()["calibration"] == site.model_dump(mode="json")
    assert site.sentence in service.get("/detector").text
    job = service.job_of(service.post_folder("/v1/jobs", folder))
    service.wait_for(job)
    assert site.sentence in service.get(f"/jobs/{job}").text
    assert service.get("/monitoring").status_code == 200


def test_without_a_calibration_the_detector_has_its_own_thresholds(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service()
    report = service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3)).json()
    assert report["scans"][0]["verdict"] == "tampered"
    assert report["model"]["calibration"] is None
    assert service.get("/v1/model").json()["calibration"] is None


def test_a_detector_that_was_not_calibrated_does_not_serve_and_it_is_said_why(
    start_service: StartService, write_site: Callable[[float], SiteCalibration], tmp_path: Path
) -> None:
    write_site(0.8)
    other = write_served_package(tmp_path / "other")
    service = start_service(model=str(other), calibration=str(tmp_path / "site.json"), wait=False)
    until(lambda: "this calibration is of another detector" in service.get("/readyz").json()["reason"])
    assert service.get("/readyz").status_code == 503
