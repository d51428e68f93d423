"""Slices and their pictures are the pixels of the very files that were sent."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.dicom.window import to_grey
from tests.fixtures.services import RunningService, StartService, write_served_package

WriteScan = Callable[..., Path]
VALUES = [-200, 0, 100, -300, -200]


def _slices(service: RunningService, folder: Path) -> tuple[str, str]:
    """Addresses of the scored job, and of its first scan's slices."""
    job = service.job_of(service.post_folder("/v1/jobs", folder))
    service.wait_for(job)
    scan = service.get(f"/v1/jobs/{job}/report").json()["scans"][0]["scan_id"]
    return f"/v1/jobs/{job}", f"/v1/jobs/{job}/scans/{scan}/slices"


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png), formats=["PNG"]))


def test_slices_are_listed_as_they_lie_along_the_scan(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", VALUES)
    whole = (folder / "3.dcm").read_bytes()
    (folder / "3.dcm").write_bytes(whole[: len(whole) // 2])
    job, address = _slices(service, folder)
    listed = service.get(address).json()
    scores = {one["file"]: one["p_tampered"] for one in service.get(f"{job}/report").json()["scans"][0]["slices"]}
    assert [(one["index"], one["file"], one["z_mm"]) for one in listed] == [
        (0, "chest/0.dcm", 0.0), (1, "chest/1.dcm", 2.5), (2, "chest/2.dcm", 5.0), (3, "chest/4.dcm", 10.0),
    ]  # fmt: skip
    assert {one["file"]: one["p_tampered"] for one in listed} == scores
    assert {(one["rows"], one["cols"], *one["spacing_mm"]) for one in listed} == {(96, 96, 0.7, 0.7)}


@pytest.mark.parametrize(
    ("window", "low", "high"), [("lung", -1350, 150), ("soft-tissue", -160, 240), ("bone", -500, 1300)]
)
def test_a_slice_is_shown_through_each_window(
    window: str, low: int, high: int, service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", VALUES)
    volume = read_volume(find_series(folder)[0][0].headers)
    _, address = _slices(service, folder)
    for index in (0, 2):
        answer = service.get(f"{address}/{index}.png?window={window}")
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Cache-Control"].startswith("private")
        assert np.array_equal(_pixels(answer.content), to_grey(volume[index], low, high))


def test_the_map_lies_over_the_slice_where_it_is_bright(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    _, address = _slices(service, write_scan(tmp_path / "chest", VALUES))
    heat = _pixels(service.get(f"{address}/2/heat.png").content)
    assert heat.shape == (96, 96, 4)
    lung, around = heat[40, 40, 3], heat[4, 4, 3]
    assert lung == 0
    assert around > 100


def test_a_detector_without_a_map_says_so(start_service: StartService, write_scan: WriteScan, tmp_path: Path) -> None:
    service = start_service(model=str(write_served_package(tmp_path / "no-map")))
    _, address = _slices(service, write_scan(tmp_path / "chest", VALUES))
    answer = service.get(f"{address}/2/heat.png")
    assert (answer.status_code, answer.json()["error"]["what"]) == (
        404, "the detector of this scan gives no map of places",
    )  # fmt: skip
    assert service.get(f"{address}/2.png").status_code == 200


@pytest.mark.parametrize("index", ["5", "-1", "99999999999999999999"])
def test_a_slice_that_there_is_not_is_not_found(
    index: str, service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    _, address = _slices(service, write_scan(tmp_path / "chest", VALUES))
    assert service.get(f"{address}/{index}.png").status_code == 404
    assert service.get(f"{address}/{index}/heat.png").status_code == 404


@pytest.mark.parametrize("scan", ["scan-000000000000", "..", "%2e%2e%2fupload", "scan-../../upload"])
def test_a_scan_that_there_is_not_is_not_found(
    scan: str, service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    job, _ = _slices(service, write_scan(tmp_path / "chest", VALUES))
    assert service.get(f"{job}/scans/{scan}/slices").status_code == 404
