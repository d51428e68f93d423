"""What is scored with a stated loss of validity, and what is refused: small real files of every kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import compress
from pydicom.uid import JPEG2000

from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.serving.model import Model, open_model
from medfake.serving.report import ScanReport
from medfake.serving.scan import scan_paths
from medfake.vocabulary import Evidence
from tests.fixtures.bodies import chest

Edit = Callable[[Dataset], None]
MakePackage = Callable[..., Path]
WriteChest = Callable[..., Path]
SCANNED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture
def model(make_package: MakePackage) -> Model:
    """Of clinical evidence, about which nothing is to be said."""
    return open_model(str(make_package(evidence="clinical")), None)


@pytest.fixture
def write_chest(tmp_path: Path) -> WriteChest:
    """Write a plain chest of nine slices, with what is odd about it."""

    def write(
        *,
        count: int = 9,
        edge: int = 256,
        pixel_mm: float = 0.7,
        thickness_mm: float = 2.5,
        z_mm: list[float] | None = None,
        orientation: tuple[float, ...] = SCANNED,
        synthetic: Evidence | None = None,
        edit: Edit | None = None,
    ) -> Path:
        folder = tmp_path / "scan"
        volume = np.stack([chest(0.7, seed)[:edge, :edge] for seed in range(count)])
        normal = np.cross(orientation[:3], orientation[3:])
        along = np.arange(count) * 2.5 if z_mm is None else np.array(z_mm)
        template = SeriesTemplate(
            patient_id="A", manufacturer="T", model="T", kernel="K", thickness_mm=thickness_mm,
            spacing_mm=(pixel_mm, pixel_mm), orientation=orientation,
        )  # fmt: skip
        write_series(folder, volume, np.outer(along, normal), template, uid_seed="a", synthetic=synthetic)
        if edit:
            for path in folder.iterdir():
                dataset = pydicom.dcmread(path)
                edit(dataset)
                dataset.save_as(path)
        return folder

    return write


def warnings(folder: Path, model: Model) -> list[str]:
    (scan,) = scan_paths([folder], model).scans
    assert np.isfinite(scan.p_tampered)
    return list(scan.warnings)


def set_to(keyword: str, value: object) -> Edit:
    return lambda dataset: setattr(dataset, keyword, value)


def typed(*words: str) -> dict[str, Edit]:
    return {"edit": set_to("ImageType", list(words))}


def turned(degrees: float) -> tuple[float, ...]:
    """Columns turned about the row direction."""
    return (1.0, 0.0, 0.0, 0.0, float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees))))


def lossy(dataset: Dataset) -> None:
    dataset.LossyImageCompression = "01"


def test_nothing_is_said_of_a_plain_chest_scan(write_chest: WriteChest, model: Model) -> None:
    assert warnings(write_chest(), model) == []


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"thickness_mm": 5.0}, None),
        ({"thickness_mm": 5.1}, "slices of 5.1 mm (over 5): they average a manipulation with what lies around it"),
        ({"z_mm": [6.0 * number for number in range(9)]}, "slices of 6 mm (over 5)"),
        ({"count": 8}, None),
        ({"count": 7}, "only 7 slices: a manipulation spans several"),
        ({"count": 2}, "only 2 slices: a manipulation spans several"),
        ({"count": 1}, "a single slice: nothing is compared along z"),
        ({"edge": 255}, "slices of 255 x 255 pixels (under 256)"),
        ({"pixel_mm": 0.4}, None),
        ({"pixel_mm": 0.39}, "pixels of 0.39 x 0.39 mm (chest CT has 0.4 to 1)"),
        ({"pixel_mm": 1.0}, None),
        ({"pixel_mm": 1.01}, "pixels of 1.01 x 1.01 mm (chest CT has 0.4 to 1)"),
        (
            {"z_mm": [0, 2.5, 5, 7.5, 10, 11, 12, 13, 14]},
            "slices lie 1 to 2.5 mm apart: several spacings in one series",
        ),
        ({"z_mm": [0, 2.5, 5, 7.4, 10, 12.5, 15.1, 17.5, 20]}, None),
        ({"orientation": turned(4)}, None),
        ({"orientation": turned(12)}, "slices lie 12 degrees off the axial plane: a reformat"),
        (typed("ORIGINAL", "PRIMARY", "AXIAL", "HELIX"), None),
        (typed("DERIVED", "SECONDARY", "AXIAL"), "Image Type (0008,0008) is DERIVED\\SECONDARY\\AXIAL"),
        (typed("ORIGINAL", "SECONDARY", "AXIAL"), None),
        (typed("ORIGINAL", "PRIMARY", "MPR"), "Image Type (0008,0008) is ORIGINAL\\PRIMARY\\MPR"),
        (typed("ORIGINAL", "PRIMARY", "AXIAL", "RESAMPLED"), "may hide a manipulation, or look like one"),
        ({"edit": lossy}, "what this detector loses is not measured"),
        ({"synthetic": Evidence.PHANTOM}, None),
    ],
)
def test_what_is_odd_is_scored_and_said(
    odd: dict[str, object], said: str | None, write_chest: WriteChest, model: Model
) -> None:
    found = warnings(write_chest(**odd), model)
    if said is None:
        assert found == []
    else:
        (warning,) = found
        assert said in warning


def test_a_coarse_scale_is_said(write_chest: WriteChest, model: Model) -> None:
    def coarse(dataset: Dataset) -> None:
        stored = np.frombuffer(dataset.PixelData, "<i2") // 6
        dataset.PixelData, dataset.RescaleSlope = stored.astype("<i2").tobytes(), "6"

    assert warnings(write_chest(edit=coarse), model) == [
        "values are 6 HU apart: the noise that is judged is rounded away"
    ]


def test_a_gap_is_a_gap_and_not_two_spacings(write_chest: WriteChest, model: Model) -> None:
    folder = write_chest(count=16)
    (folder / "7.dcm").unlink()
    assert warnings(folder, model) == ["gap: slices are missing"]


def test_a_gantry_that_was_tilted_is_no_reformat(write_chest: WriteChest, model: Model) -> None:
    folder = write_chest(orientation=turned(12))
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.ImagePositionPatient = [0, 0, 2.5 * int(path.stem)]
        dataset.save_as(path)
    assert warnings(folder, model) == ["tilt: the gantry was tilted"]


def test_what_a_detector_loses_by_compression_is_said_where_it_was_measured(
    write_chest: WriteChest, make_package: MakePackage
) -> None:
    figures = {
        "clean": {"hit": 0.79, "slice_auc": 0.84},
        "jpeg": {"hit": 0.57, "slice_auc": 0.78},
        "jpeg 2000": {"hit": 0.6},
        "noise": {"hit": 0.5},
    }
    measured = open_model(str(make_package(evidence="clinical", robustness=figures)), None)
    (warning,) = warnings(write_chest(edit=lossy), measured)
    assert warning == (
        "compressed with loss, which wipes out traces: measured on other scans, jpeg: hit 0.57 instead of 0.79, "
        "slice_auc 0.78 instead of 0.84; jpeg 2000: hit 0.60 instead of 0.79"
    )


def test_slices_that_are_compressed_with_loss_are_decoded_scored_and_said(
    write_chest: WriteChest, model: Model
) -> None:
    def shrink(dataset: Dataset) -> None:
        compress(dataset, JPEG2000, j2k_cr=[16], generate_instance_uid=False)

    (warning,) = warnings(write_chest(edit=shrink), model)
    assert warning.startswith("compressed with loss")


def refused(folder: Path, model: Model) -> tuple[ScanReport, set[str]]:
    report = scan_paths([folder], model)
    assert len(report.skipped) == len(list(folder.iterdir()))
    return report, {one.reason for one in report.skipped}


def test_slices_of_less_than_96_pixels_are_refused(write_chest: WriteChest, model: Model) -> None:
    report, reasons = refused(write_chest(edge=95), model)
    assert report.scans == ()
    assert reasons == {"slices must have at least 96 rows and columns"}


def test_slices_of_96_pixels_are_scored(write_chest: WriteChest, model: Model) -> None:
    assert any("under 256" in warning for warning in warnings(write_chest(edge=96), model))


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"edit": set_to("Modality", "US")}, "no CT image, nor one of MR or X-ray (CR, DX), received US"),
        (typed("ORIGINAL", "PRIMARY", "LOCALIZER"), "a localizer, not an axial slice"),
        ({"orientation": turned(60)}, "a sagittal or coronal image, not an axial one"),
        ({"edit": set_to("RescaleType", "MGML")}, "no Hounsfield units"),
    ],
)
def test_what_is_no_axial_ct_is_refused_with_its_reason(
    odd: dict[str, object], reason: str, write_chest: WriteChest, model: Model
) -> None:
    report, reasons = refused(write_chest(**odd), model)
    assert report.scans == ()
    assert all(reason in said for said in reasons)


def test_one_folder_at_two_spacings_is_two_scans_of_one_patient(write_chest: WriteChest, model: Model) -> None:
    folder = write_chest()
    for number in range(4):
        path = folder / f"{number}.dcm"
        dataset = pydicom.dcmread(path)
        dataset.PixelSpacing = [0.8, 0.8]
        dataset.save_as(path)
    scans = scan_paths([folder], model).scans
    assert sorted(scan.n_slices for scan in scans) == [4, 5]
    assert len({scan.patient_id for scan in scans}) == 1


def test_no_original_is_changed_by_scanning(write_chest: WriteChest, model: Model) -> None:
    folder = write_chest()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    scan_paths([folder], model)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
