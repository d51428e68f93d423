import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from medfake.config import TrackingParams
from medfake.errors import ManifestError, ScanError
from medfake.serving.model import Model, open_model
from medfake.serving.scan import scan_paths

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]


@pytest.fixture
def model(make_package: MakePackage, tracking: TrackingParams) -> Model:
    return open_model(str(make_package()), None)


def test_files_given_one_by_one_make_one_scan(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", [-200] * 10)
    (scan,) = scan_paths(sorted(folder.glob("*.dcm")), model).scans
    assert scan.n_slices == 10


def test_brackets_in_a_folder_name_are_printed_as_they_are(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    report = scan_paths([write_scan(tmp_path / "a[", [-200] * 9).rename(tmp_path / "[")], model)
    console = Console(width=300, record=True)
    report.render(console)
    assert str(tmp_path / "[") in console.export_text()


def test_a_file_name_that_is_no_text_does_not_stop_the_report(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", [-200] * 9)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.dcm")).write_text("x")
    report = scan_paths([folder], model)
    report.write_json(tmp_path / "out.json")
    report.write_csv(tmp_path / "out.csv")
    assert report.skipped[0].path.endswith("/%FF.dcm")


def test_another_onnx_file_than_the_packages_is_refused(make_package: MakePackage, tracking: TrackingParams) -> None:
    package = make_package()
    (package / "other.onnx").write_bytes(b"x")
    with pytest.raises(ManifestError, match="package folder or its"):
        open_model(str(package / "other.onnx"), None)


def test_a_detector_of_nodules_does_not_scan(make_package: Callable[..., Path]) -> None:
    with pytest.raises(ScanError, match="answers another question") as caught:
        open_model(str(make_package(task="nodules")), None)
    assert caught.value.received == "task nodules: does the slice show a nodule?"


def test_a_detector_of_parts_of_slices_does_not_scan(make_package: Callable[..., Path]) -> None:
    with pytest.raises(ScanError, match="judges slices as a view stores them") as caught:
        open_model(str(make_package(view="delocalized")), None)
    assert caught.value.received == "view delocalized"
