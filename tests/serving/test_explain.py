"""`medfake explain` as it is typed: pictures by pseudonym, nothing foreign replaced, no TensorFlow for ONNX alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from medfake.cli.root import cli
from medfake.errors import MedfakeError, OutputRefusedError, ScanError
from medfake.explain.overlay import is_ours
from medfake.package.card import ONNX_FILE
from medfake.package.scan_scores import ScanScores
from medfake.package.shipped import has_builtin
from medfake.serving.pictures import strongest
from tests.fixtures.place_detectors import place_detector

WriteScan = Callable[..., Path]
CT_GAN = Path(__file__).resolve().parents[2].parent / "shared" / "ct-gan-sample" / "CT_Scans"
VALUES = [-200] * 4 + [150, 100] + [-200] * 3  # of slices: the fifth and the sixth are the strongest


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_package(detector="RandomForest")


@pytest.fixture
def folder(write_scan: WriteScan, tmp_path: Path) -> Path:
    return write_scan(tmp_path / "in", VALUES)


def explain(package: Path | str, *arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["explain", "--model", str(package), *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def test_the_strongest_slices_are_drawn_by_pseudonym_and_number(package: Path, folder: Path) -> None:
    result = explain(package, folder, "--slices", 2)
    pictures = sorted(Path("explanations").iterdir())
    assert [path.name.split("-slice-")[1] for path in pictures] == ["005.png", "006.png"]
    assert all(path.name.startswith("scan-") and is_ours(path) for path in pictures)
    assert "DOE" not in result.output
    assert all(path.name in result.output for path in pictures)
    assert "occlusion: how far its log odds of tampering fall where a square is covered." in " ".join(
        result.output.split()
    )
    assert result.output.splitlines()[-1] == "next: xdg-open explanations"
    with Image.open(pictures[0]) as image:
        assert (image.size, image.mode) == ((96, 96), "RGB")


def test_slices_without_lung_are_not_among_the_strongest_unless_none_shows_any() -> None:
    p, lung = np.array([0.9, np.nan, 0.2, 0.8]), np.array([False, True, True, True])
    assert strongest(ScanScores(0.9, p, lung, ()), 3) == [3, 2]
    assert strongest(ScanScores(0.9, p, np.zeros(4, bool), ()), 2) == [0, 3]


def test_files_that_could_not_be_read_are_told_with_their_reasons(package: Path, folder: Path) -> None:
    (folder / "empty.dcm").write_bytes(b"")
    result = explain(package, folder)
    assert "skipped 1 files: 1 x not a DICOM file" in result.output


def test_json_holds_the_whole_result(package: Path, folder: Path) -> None:
    explain(package, folder, "--slices", 1, "--json", "out.json", "--out", "elsewhere")
    report = json.loads(Path("out.json").read_text())
    (one,) = report["slices"]
    assert (report["method"], one["slice_number"], Path(one["slice_file"]).name) == ("occlusion", 5, "4.dcm")
    assert Path(one["picture"]).is_file()
    assert report["skipped"] == []


def test_earlier_pictures_are_replaced_and_foreign_files_are_not(package: Path, folder: Path) -> None:
    for _ in range(2):
        explain(package, folder, "--slices", 1)
    (picture,) = Path("explanations").iterdir()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(picture)
    before = picture.read_bytes()
    with pytest.raises(OutputRefusedError, match="not a picture of medfake explain"):
        explain(package, folder, "--slices", 1)
    assert picture.read_bytes() == before


def test_a_file_is_no_folder_for_pictures_and_is_refused_first(folder: Path, package: Path) -> None:
    Path("out").write_text("mine")
    with pytest.raises(OutputRefusedError, match="pictures go into a folder") as caught:
        explain(package, folder, "--out", "out")
    assert caught.value.remedy is not None
    assert Path("out").read_text() == "mine"


def test_a_detector_without_convolution_asked_for_grad_cam_is_told_the_way(package: Path, folder: Path) -> None:
    with pytest.raises(MedfakeError, match="RandomForest cannot be explained by grad-cam") as caught:
        explain(package, folder, "--method", "grad-cam")
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith("--method occlusion")


def test_nothing_to_explain_says_so(package: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    with pytest.raises(ScanError, match="nothing to explain"):
        explain(package, tmp_path / "in")
    assert not Path("explanations").exists()


def test_the_own_map_and_occlusion_do_without_tensorflow(package: Path, folder: Path) -> None:
    onnx.save(place_detector(), package / ONNX_FILE)
    for method in ("own-map", "occlusion"):
        script = (
            "import sys\nfrom medfake.cli.root import cli\n"
            f"cli(['explain', '--model', {str(package)!r}, {str(folder)!r}, '--slices', '1', '--method', '{method}'], "
            "standalone_mode=False)\n"
            "print('\\n'.join(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert not {"tensorflow", "keras", "mlflow"} & set(done.stdout.splitlines())


@pytest.mark.skipif(not (CT_GAN.is_dir() and has_builtin()), reason="the CT-GAN sample is not here")
def test_the_builtin_detector_explains_a_genuine_fake(package: Path, tmp_path: Path) -> None:
    scan = next(path for path in sorted((CT_GAN / "EXP2_open").iterdir()) if path.is_dir())
    explain("builtin", scan, "--json", "out.json", "--slices", 1)
    report = json.loads(Path("out.json").read_text())
    assert report["method"] == "own-map"
    assert all(one["peak_y"] is not None for one in report["slices"])
