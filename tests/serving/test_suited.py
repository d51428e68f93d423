"""A detector judges scans of its own modality and part of the body, and says why it skips the others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from medfake.cli.root import cli
from medfake.dicom.series import find_series
from medfake.errors import ScanError
from medfake.package.card import read_card
from medfake.serving.explain import explain_paths
from medfake.serving.model import Model, open_model
from medfake.serving.monitoring.known import reference_of_folder
from medfake.serving.report import ScanReport
from medfake.serving.scan import scan_paths
from medfake.serving.suited import why_unsuited
from medfake.vocabulary import Modality
from tests.fixtures.modalities import change_files, write_mr, write_radiographs

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]
MR_TO_CT = "an MR series; the detector ResidualCNN learnt from CT: scan it with a detector of MR (--model)"


@pytest.fixture
def package_of(make_package: MakePackage) -> Callable[..., Path]:
    def make(modality: Modality, **facts: object) -> Path:
        return make_package(modality.name, evidence="clinical", modality=modality, **facts)

    return make


@pytest.fixture
def model_of(package_of: Callable[..., Path]) -> Callable[..., Model]:
    return lambda modality, **facts: open_model(str(package_of(modality, **facts)), None)


@pytest.fixture
def mixed(tmp_path: Path, write_scan: WriteScan) -> Path:
    """A folder with a chest CT, a brain MR and two radiographs of a chest."""
    write_scan(tmp_path / "mixed" / "ct", [-100] * 4)
    write_mr(tmp_path / "mixed" / "mr")
    write_radiographs(tmp_path / "mixed" / "xray", 2)
    return tmp_path / "mixed"


def skipped(report: ScanReport) -> dict[str, str]:
    return {str(Path(one.path).parent.name): one.reason for one in report.skipped}


@pytest.mark.parametrize(
    ("modality", "own", "scans", "files"),
    [(Modality.CT, "ct", 1, 4), (Modality.MR, "mr", 1, 9), (Modality.XRAY, "xray", 2, 2)],
)
def test_of_a_mixed_folder_what_fits_is_scored_and_the_rest_says_why_not(
    mixed: Path, model_of: Callable[..., Model], modality: Modality, own: str, scans: int, files: int
) -> None:
    report = scan_paths([mixed], model_of(modality))
    assert len(report.scans) == scans
    assert {Path(one.file).parent.name for scan in report.scans for one in scan.slices} == {own}
    assert sum(len(scan.slices) for scan in report.scans) == files
    assert set(skipped(report)) == {"ct", "mr", "xray"} - {own}
    assert all(f"learnt from {modality}" in reason for reason in skipped(report).values())
    assert len(report.skipped) == 15 - files
    assert report.model["modality"] == modality


def test_the_reason_names_what_to_do(mixed: Path, model_of: Callable[..., Model]) -> None:
    assert skipped(scan_paths([mixed], model_of(Modality.CT)))["mr"] == MR_TO_CT


@pytest.mark.parametrize(
    ("modality", "folder", "remedy"),
    [
        (
            Modality.CT,
            "mr",
            "learnt from MR: --model models/DATASET/DETECTOR/seed-1; or give a folder",
        ),
        (Modality.CT, "", "a package that learnt from MR: "),  # most files are of it
        (Modality.MR, "xray", "a package that learnt from X-ray: "),
    ],
)
def test_where_nothing_fits_a_detector_of_what_is_there_is_what_to_take(
    mixed: Path, model_of: Callable[..., Model], modality: Modality, folder: str, remedy: str
) -> None:
    shutil.rmtree(mixed / "ct")
    with pytest.raises(ScanError) as refused:
        scan_paths([mixed / folder], model_of(modality)).require_scans([mixed])
    assert remedy in refused.value.remedy


def test_of_another_part_of_the_body_a_detector_of_that_part_is_what_to_take(
    tmp_path: Path, model_of: Callable[..., Model]
) -> None:
    hand = write_radiographs(tmp_path / "hand", body_part="HAND")
    with pytest.raises(ScanError) as refused:
        scan_paths([hand], model_of(Modality.XRAY)).require_scans([hand])
    assert refused.value.remedy.startswith(
        "scan it with a package that learnt from X-ray of that part: --model models/"
    )


def test_where_no_detector_would_fit_other_files_are_what_to_give(
    tmp_path: Path, model_of: Callable[..., Model]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    with pytest.raises(ScanError) as refused:
        scan_paths([tmp_path / "in"], model_of(Modality.XRAY)).require_scans([tmp_path])
    assert refused.value.remedy == "give a folder that holds X-ray images (CR, DX) as DICOM files"


def test_an_mr_series_speaks_by_all_its_slices_and_no_lung_is_asked_for(
    mixed: Path, model_of: Callable[..., Model]
) -> None:
    (scan,) = scan_paths([mixed], model_of(Modality.MR)).scans
    assert scan.verdict in ("tampered", "not tampered")
    assert scan.n_slices == 9
    assert scan.copies == scan.warnings == ()


def test_a_card_of_before_is_of_ct(package_of: Callable[..., Path]) -> None:
    folder = package_of(Modality.CT)
    card = json.loads((folder / "card.json").read_text())
    del card["modality"], card["body_parts"]
    (folder / "card.json").write_text(json.dumps(card))
    assert read_card(folder).modality is Modality.CT


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("CHEST", True), ("THORAX", True), ("PORT CHEST", True), ("Lung", True), ("", True), ("WHOLEBODY", True),
        ("HAND", False), ("ABDOMEN", False), ("SKULL", False),
    ],
)  # fmt: skip
def test_a_radiograph_of_another_part_is_skipped_and_one_that_says_none_is_warned_of(
    tmp_path: Path, model_of: Callable[..., Model], said: str, fits: bool
) -> None:
    folder = change_files(write_radiographs(tmp_path / "x"), AnatomicRegionSequence=None, BodyPartExamined=said)
    report = scan_paths([folder], model_of(Modality.XRAY))
    if fits:
        (scan,) = report.scans
        unsaid = any("does not say which part of the body" in warning for warning in scan.warnings)
        assert unsaid is (said in ("", "WHOLEBODY"))
    else:
        assert report.scans == ()
        assert skipped(report)["x"].startswith(f"an X-ray image of {said} (0018,0015); the detector ResidualCNN")
        assert "learnt from CHEST" in skipped(report)["x"]


def test_a_hand_that_only_its_code_names_is_skipped(tmp_path: Path, model_of: Callable[..., Model]) -> None:
    folder = change_files(write_radiographs(tmp_path / "x", body_part="HAND"), BodyPartExamined=None)
    report = scan_paths([folder], model_of(Modality.XRAY))
    assert skipped(report)["x"].startswith("an X-ray image of HAND")


def test_parts_of_the_body_are_those_that_the_card_names(tmp_path: Path, model_of: Callable[..., Model]) -> None:
    (knee,), _ = find_series(write_mr(tmp_path / "knee", body_part="KNEE"), modality=Modality.MR)
    assert "an MR series of KNEE" in str(why_unsuited(knee, model_of(Modality.MR, body_parts=("BRAIN",)).card))
    assert why_unsuited(knee, read_card(tmp_path / "packages" / "MR").model_copy(update={"body_parts": ()})) is None
    (head,), _ = find_series(write_mr(tmp_path / "head", body_part="HEAD"), modality=Modality.MR)
    assert why_unsuited(head, read_card(tmp_path / "packages" / "MR")) is None


@pytest.mark.parametrize(
    ("said", "known", "fits"),
    [
        ("UPPER LIMB", ("LOWER LIMB",), False),
        ("UPPER LIMB", ("CHEST", "UPPER LIMB"), True),
        ("LEFT KNEE", ("RIGHT KNEE",), True),
        ("LEFT HAND", ("LEFT KNEE",), False),
        ("LEFT", ("LEFT KNEE",), False),
        ("BRAIN AND NECK", ("HEAD",), True),
        ("HEADNECK", ("HEAD",), True),
        ("CHESTABDPELVIS", ("CHEST",), True),
        ("CHESTABDOMEN", ("HEAD",), False),
    ],
)
def test_parts_agree_as_a_whole_and_not_by_one_word(
    tmp_path: Path, model_of: Callable[..., Model], said: str, known: tuple[str, ...], fits: bool
) -> None:
    (series,), _ = find_series(write_mr(tmp_path / "mr", body_part=said), modality=Modality.MR)
    assert (why_unsuited(series, model_of(Modality.MR, body_parts=known).card) is None) is fits


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"EstimatedRadiographicMagnificationFactor": "1.2"}, "magnified 1.2 times"),
        ({"ViewPosition": "LL"}, "View Position (0018,5101) is LL"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw values of the detector"),
        ({"PixelIntensityRelationshipSign": 1}, "against (0028,1041)"),
    ],
)
def test_what_makes_a_radiographs_verdict_worth_less_is_said(
    tmp_path: Path, model_of: Callable[..., Model], values: dict[str, object], words: str
) -> None:
    folder = change_files(write_radiographs(tmp_path / "x"), **values)
    (scan,) = scan_paths([folder], model_of(Modality.XRAY)).scans
    assert any(words in warning for warning in scan.warnings)


def test_a_plain_radiograph_has_no_warning(tmp_path: Path, model_of: Callable[..., Model]) -> None:
    (scan,) = scan_paths([write_radiographs(tmp_path / "x")], model_of(Modality.XRAY)).scans
    assert scan.warnings == ()


def test_the_plane_of_an_mr_series_is_said_where_it_is_not_axial(
    tmp_path: Path, model_of: Callable[..., Model]
) -> None:
    folder = write_mr(tmp_path / "one", slices=1, orientation=(0, 1, 0, 0, 0, -1))
    (scan,) = scan_paths([folder], model_of(Modality.MR)).scans
    assert any(warning.startswith("sagittal slices") for warning in scan.warnings)
    assert any("a single slice" in warning for warning in scan.warnings)


def test_empty_slices_of_an_mr_series_are_left_out_and_the_others_scored(
    tmp_path: Path, model_of: Callable[..., Model]
) -> None:
    folder = write_mr(tmp_path / "mr")
    change_files_of = [folder / "0.dcm", folder / "8.dcm"]
    for path in change_files_of:
        single = tmp_path / "single"
        single.mkdir()
        moved = path.rename(single / path.name)
        change_files(single, PixelData=bytes(128 * 128 * 2))
        moved.rename(path)
        single.rmdir()
    report = scan_paths([folder], model_of(Modality.MR))
    assert report.scans[0].n_slices == 7
    assert {one.reason for one in report.skipped} == {"the image shows nothing"}


def test_where_nothing_fits_the_command_says_what_to_give(
    mixed: Path, package_of: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    arguments = ["scan", str(mixed / "ct"), "--model", str(package_of(Modality.MR)), "--json", str(out)]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, ScanError)
    assert "a CT series; the detector ResidualCNN learnt from MR" in str(result.exception.received)
    assert result.exception.remedy == (
        "scan it with a package that learnt from CT: --model builtin; or give a folder that holds MR series"
    )
    assert len(json.loads(out.read_text())["skipped"]) == 4


def test_explaining_and_references_of_monitoring_skip_for_the_same_reason(
    mixed: Path, model_of: Callable[..., Model], tmp_path: Path
) -> None:
    model = model_of(Modality.CT)
    _, left_out = reference_of_folder([mixed], model)
    assert MR_TO_CT in {one.reason for one in left_out}
    report = explain_paths([mixed], model_of(Modality.MR, detector="RandomForest"), tmp_path / "out")
    assert {Path(one.slice_file).parent.name for one in report.slices} == {"mr"}
    assert "a CT series; the detector RandomForest learnt from MR" in " ".join(one.reason for one in report.skipped)
    with Image.open(report.slices[0].picture) as picture:
        grey = np.asarray(picture.convert("L"))
    assert grey.max() > 200  # its whole range is shown, not a lung window
