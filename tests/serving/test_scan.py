import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from medfake.cli.root import cli
from medfake.config import TrackingParams
from medfake.errors import ScanError
from medfake.serving.model import Model, open_model
from medfake.serving.scan import scan_paths
from tests.fixtures.places import give_places

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]
SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "ct-sample"


@pytest.fixture
def model(make_package: MakePackage, tracking: TrackingParams) -> Model:
    return open_model(str(make_package()), None)


def _dark(count: int) -> list[int]:
    return [-200] * count


def test_a_bright_run_of_slices_makes_a_scan_tampered(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "a", [*_dark(6), 200, 210, 205, 200, 200, *_dark(6)])
    write_scan(tmp_path / "scans" / "b", _dark(17))
    report = scan_paths([tmp_path / "scans"], model)
    assert [scan.verdict for scan in report.scans] == ["tampered", "not tampered"]
    (site,) = report.scans[0].sites
    assert (Path(site.slice_file).name, site.z_mm, site.y, site.x) == ("7.dcm", 17.5, 32.0, 32.0)
    assert report.scans[1].sites == ()


def test_between_its_thresholds_a_scan_is_uncertain(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    report = scan_paths([write_scan(tmp_path / "a", [0] * 10)], model)
    assert (report.scans[0].p_tampered, report.scans[0].verdict) == (0.5, "uncertain")


def test_every_file_is_scored_or_skipped_with_a_reason(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", _dark(10))
    (folder / "notes.txt").write_text("no image")
    (folder / "text.dcm").write_text("no image")
    whole = (folder / "3.dcm").read_bytes()
    (folder / "3.dcm").write_bytes(whole[: len(whole) // 2])
    report = scan_paths([folder], model)
    scored = {one.file for scan in report.scans for one in scan.slices}
    skipped = {one.path for one in report.skipped}
    assert not scored & skipped
    assert scored | skipped == {str(path) for path in folder.iterdir()}
    assert {Path(path).name for path in skipped} == {"notes.txt", "text.dcm", "3.dcm"}
    assert all(one.reason for one in report.skipped)


def test_a_scan_without_a_number_is_skipped_whole_with_the_reason(
    make_package: MakePackage, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", _dark(40))
    report = scan_paths([folder], open_model(str(give_places(make_package(), broken=True)), None))
    assert report.scans == ()
    assert {one.path for one in report.skipped} == {str(path) for path in folder.iterdir()}
    assert {one.reason for one in report.skipped} == {"the detector gives no number for this scan"}


def test_sites_of_a_map_are_told_with_their_files_from_the_threshold_on(
    make_package: MakePackage, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", [-600] * 12)
    dataset = pydicom.dcmread(folder / "7.dcm")
    pixels = dataset.pixel_array.copy()
    pixels[40, 48] = 300  # P is 0.95 there; everywhere else it is below 0.03
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(folder / "7.dcm")
    (scan,) = scan_paths([folder], open_model(str(give_places(make_package(threshold=0.9))), None)).scans
    (site,) = scan.sites
    assert (Path(site.slice_file).name, site.z_mm, site.y, site.x) == ("7.dcm", 17.5, 40.0, 48.0)


def test_what_is_reached_through_two_paths_counts_once(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", _dark(10))
    report = scan_paths([folder, tmp_path, folder / "4.dcm"], model)
    assert [scan.n_slices for scan in report.scans] == [10]


def test_a_link_is_skipped_in_a_folder_but_scored_when_given(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    target = write_scan(tmp_path / "a", _dark(1)) / "0.dcm"
    (tmp_path / "b").mkdir()
    links = [tmp_path / "b" / name for name in ("one.dcm", "two.dcm")]
    for link in links:
        link.symlink_to(target)
    skipped = [one.path for one in scan_paths([tmp_path / "a", tmp_path / "b"], model).skipped]
    assert skipped == [str(link) for link in links]
    report = scan_paths([links[0], tmp_path / "b"], model)
    assert [one.file for one in report.scans[0].slices] == [str(links[0])]
    assert [one.path for one in report.skipped] == [str(links[1])]


def test_a_slice_that_breaks_only_while_decoding_leaves_the_rest_of_its_scan(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", _dark(10))
    dataset = pydicom.dcmread(folder / "4.dcm")
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.PixelData = encapsulate([b"no codestream at all" * 8])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(folder / "4.dcm")
    report = scan_paths([folder], model)
    assert (report.scans[0].n_slices, [one.path for one in report.skipped]) == (9, [str(folder / "4.dcm")])


def test_one_series_uid_in_two_geometries_makes_two_scans_of_two_names(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", _dark(10))
    for name in ("0.dcm", "1.dcm", "2.dcm"):
        dataset = pydicom.dcmread(folder / name)
        dataset.PixelSpacing = [0.5, 0.5]
        dataset.save_as(folder / name)
    scans = scan_paths([folder], model).scans
    assert sorted(scan.n_slices for scan in scans) == [3, 7]
    assert scans[0].scan_id != scans[1].scan_id


def test_no_name_of_a_patient_is_in_the_report(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    report = scan_paths([write_scan(tmp_path / "a", _dark(10), patient="DOE^JANE")], model)
    report.write_json(tmp_path / "out.json")
    assert "DOE" not in (tmp_path / "out.json").read_text()


def test_warnings_tell_of_gaps_few_slices_and_phantom_training(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "a", _dark(8))
    (folder / "4.dcm").unlink()
    warnings = scan_paths([folder], model).scans[0].warnings
    assert warnings[0] == "gap: slices are missing"
    assert warnings[1] == "only 7 slices: a manipulation spans several"
    assert warnings[-1].startswith("the detector was trained on phantom data")


@pytest.mark.parametrize(
    ("files", "received"), [({}, "an empty folder"), ({"a.txt": b"x", "b.dcm": b"y"}, "2 x not a DICOM file")]
)
def test_a_folder_without_ct_is_one_clear_error(
    model: Model, tmp_path: Path, files: dict[str, bytes], received: str
) -> None:
    folder = tmp_path / "garbage"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(ScanError, match="nothing to score") as caught:
        scan_paths([folder], model).require_scans([folder])
    assert str(caught.value.received).startswith(received)


def test_a_missing_path_is_one_clear_error(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no such file or folder"):
        scan_paths([tmp_path / "nowhere"], model)


def test_json_and_csv_of_the_command_keep_their_contract(
    make_package: MakePackage, tracking: TrackingParams, write_scan: WriteScan, tmp_path: Path
) -> None:
    project = Path(__file__).resolve().parents[2]
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text((project / name).read_text())
    folder = write_scan(tmp_path / "a", [*_dark(5), 300, 300, 300, 300, 300, *_dark(5)])
    arguments = ["scan", str(folder), "--model", str(make_package()), "--json", "out.json", "--csv", "out.csv"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert "tampered" in result.output
    assert "Not a diagnostic device" in result.output
    report = json.loads(Path("out.json").read_text())
    assert set(report) == {"model", "scans", "skipped"}
    (scan,) = report["scans"]
    assert set(scan) == {
        "scan_id", "patient_id", "p_tampered", "verdict", "n_slices", "sites", "slices", "warnings", "copies",
    }  # fmt: skip
    assert set(scan["sites"][0]) == {"slice_file", "z_mm", "y", "x", "p_tampered"}
    assert set(scan["slices"][0]) == {"file", "p_tampered"}
    assert len(Path("out.csv").read_text().splitlines()) == 16


def test_scanning_loads_no_tensorflow(
    make_package: MakePackage, tracking: TrackingParams, write_scan: WriteScan, tmp_path: Path
) -> None:
    scan, package = str(write_scan(tmp_path / "a", _dark(9))), str(make_package())
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from medfake.serving.model import open_model\nfrom medfake.serving.scan import scan_paths\n"
        f"scan_paths([Path({scan!r})], open_model({package!r}, None))\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not SAMPLE.exists(), reason="the local sample of real CT is not beside the project")
def test_real_scans_get_a_verdict_each(model: Model) -> None:
    report = scan_paths([SAMPLE], model)
    assert sorted(scan.n_slices for scan in report.scans) == [30, 50, 70]
    assert [Path(one.path).name for one in report.skipped] == ["README.md"]
    assert all(np.isfinite(scan.p_tampered) for scan in report.scans)
