"""A scan that shows no lung gets no verdict, and slices without lung decide nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from rich.console import Console

from medfake.config import TrackingParams
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.serving.model import Model, open_model
from medfake.serving.report import ScanVerdict
from medfake.serving.scan import scan_paths
from tests.fixtures.bodies import BODIES

WriteScan = Callable[..., Path]
DARK = -200


@pytest.fixture
def model(make_package: Callable[..., Path], tracking: TrackingParams) -> Model:
    return open_model(str(make_package()), tracking)


def say(part: str, folder: Path) -> None:
    """Write Body Part Examined, (0018,0015), into every file."""
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.BodyPartExamined = part
        dataset.save_as(path)


def mixed(write_scan: WriteScan, folder: Path, lungs: int, others: int, hu: int = 300) -> Path:
    """`lungs` dark slices of lung below `others` bright ones without any."""
    write_scan(folder, [DARK] * lungs + [hu] * others)
    bare = write_scan(folder.with_name("bare"), [DARK] * lungs + [hu] * others, lung=False)
    for number in range(lungs, lungs + others):
        image = pydicom.dcmread(bare / f"{number}.dcm")
        dataset = pydicom.dcmread(folder / f"{number}.dcm")
        dataset.PixelData = image.PixelData
        dataset.save_as(folder / f"{number}.dcm")
    return folder


def scanned(folder: Path, model: Model) -> ScanVerdict:
    (scan,) = scan_paths([folder], model).scans
    return scan


@pytest.mark.parametrize("part", ["HEAD", "NECK", "ABDOMEN"])
def test_another_body_part_is_uncertain_and_says_why(part: str, model: Model, tmp_path: Path) -> None:
    draw, spacing_mm = BODIES[part]
    volume = np.stack([draw(spacing_mm, seed) for seed in range(9)])
    positions = np.array([[0.0, 0.0, 2.5 * index] for index in range(9)])
    template = SeriesTemplate(
        patient_id="A", manufacturer="T", model="T", kernel="K", thickness_mm=2.5, spacing_mm=(spacing_mm, spacing_mm)
    )
    write_series(tmp_path / "a", volume, positions, template, uid_seed="a", synthetic=None)
    say(part, tmp_path / "a")
    scan = scanned(tmp_path / "a", model)
    assert scan.p_tampered < 0.4  # "not tampered", were it a chest
    assert scan.verdict == "uncertain"
    assert scan.warnings[0].startswith("no lung in view: ")
    assert scan.warnings[0].endswith(f"(Body Part Examined: {part})")


def test_a_bright_scan_without_lung_is_not_called_tampered(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    scan = scanned(write_scan(tmp_path / "a", [300] * 10, lung=False), model)
    assert scan.p_tampered > 0.9
    assert (scan.verdict, scan.sites) == ("uncertain", ())
    assert scan.warnings[0].endswith("(Body Part Examined: not said)")


def test_a_header_that_says_chest_makes_no_chest(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", [300] * 10, lung=False)
    say("CHEST", folder)
    assert scanned(folder, model).verdict == "uncertain"


def test_a_chest_gets_its_verdict_whatever_its_header_says(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", [DARK] * 10)
    say("HEAD", folder)
    scan = scanned(folder, model)
    assert scan.verdict == "not tampered"
    assert not any("lung" in warning for warning in scan.warnings)


def test_slices_without_lung_decide_nothing(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    scan = scanned(mixed(write_scan, tmp_path / "a", lungs=10, others=8), model)
    assert (scan.verdict, scan.n_slices, len(scan.slices), scan.sites) == ("not tampered", 18, 18, ())
    assert scan.p_tampered < 0.4
    assert max(one.p_tampered for one in scan.slices) > 0.9


@pytest.mark.parametrize(
    ("lungs", "verdict", "warning"),
    [
        (4, "uncertain", "lung in view on 4 of 20 slices, too few for a verdict (Body Part Examined: not said)"),
        (5, "not tampered", "lung in view on 5 of 20 slices, and only these count (Body Part Examined: not said)"),
        (9, "not tampered", "lung in view on 9 of 20 slices, and only these count (Body Part Examined: not said)"),
    ],
)
def test_a_quarter_of_the_slices_must_show_lung(
    lungs: int, verdict: str, warning: str, model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    scan = scanned(mixed(write_scan, tmp_path / "a", lungs, 20 - lungs), model)
    assert (scan.verdict, scan.warnings[0]) == (verdict, warning)


def test_from_half_of_the_slices_on_nothing_is_said(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    scan = scanned(mixed(write_scan, tmp_path / "a", lungs=10, others=10), model)
    assert not any("lung" in warning for warning in scan.warnings)


def test_what_a_header_says_is_printed_as_it_is(model: Model, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "a", [300] * 10, lung=False)
    say("[RED]A", folder)
    console = Console(width=300, record=True)
    scan_paths([folder], model).render(console)
    assert "(Body Part Examined: [RED]A)" in console.export_text()


def test_a_warning_names_the_scans_that_it_is_about_unless_it_is_about_all(
    model: Model, write_scan: WriteScan, tmp_path: Path
) -> None:
    for number in range(5):
        write_scan(tmp_path / "scans" / str(number), [DARK] * 10, lung=number == 0)
    console = Console(width=2000, record=True)
    scan_paths([tmp_path / "scans"], model).render(console)
    warnings = [line.rstrip() for line in console.export_text().splitlines() if line.startswith("warning: ")]
    folders = ", ".join(str(tmp_path / "scans" / str(number)) for number in (1, 2, 3))
    assert any(warning.endswith("its verdicts are no evidence") for warning in warnings)
    assert warnings[-1].endswith(f"(Body Part Examined: not said): {folders}, and 1 more")
