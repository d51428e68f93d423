import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medfake.dicom.reader import read_stored, read_volume
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import SourceError
from medfake.lungs import lungs_in_volume
from medfake.phantom import write_patient
from medfake.tamper.cube import Cube
from medfake.tamper.forge import forge
from medfake.tamper.registry import manipulations_of
from medfake.vocabulary import Modality

BOTH = ("injection", "removal")
CT_SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "ct-sample"


def read(folder: Path) -> np.ndarray:
    (series,), _ = find_series(folder)
    return read_volume(series.headers)


def labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_forging_writes_the_layout_of_the_folder_source(tmp_path: Path, write_reals) -> None:
    write_reals(tmp_path / "reals")
    forge(tmp_path / "reals", tmp_path / "out", 2, BOTH, 1)
    rows = labels(tmp_path / "out")
    assert [row["type"] for row in rows] == ["FM", "FB"]
    assert [row["manipulation"] for row in rows] == ["injection", "removal"]
    assert list(rows[0]) == ["scan", "type", "slice", "x", "y", "manipulation"]
    for row in rows:
        files = {path.name for path in (tmp_path / "out" / row["scan"]).iterdir()}
        assert files == {f"{index}.dcm" for index in range(24)}


def test_only_the_labelled_cube_differs_from_the_original(tmp_path: Path, write_reals) -> None:
    original = write_reals(tmp_path / "reals")
    forge(tmp_path / "reals", tmp_path / "out", 2, BOTH, 1)
    for row in labels(tmp_path / "out"):
        place = (int(row["slice"]), int(row["y"]), int(row["x"]))
        changed = read(tmp_path / "out" / row["scan"]) != original
        assert changed[place[0]].any()
        changed[Cube.cut(original, (2.5, 1.4, 1.4), place).box] = False
        assert not changed.any()


def test_forged_files_say_so_and_keep_the_patient(tmp_path: Path, write_reals) -> None:
    write_reals(tmp_path / "reals")
    forge(tmp_path / "reals", tmp_path / "out", 1, BOTH, 1)
    dataset = pydicom.dcmread(tmp_path / "out" / labels(tmp_path / "out")[0]["scan"] / "0.dcm")
    assert dataset.PatientID == "PATIENT-5"
    assert list(dataset.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert "Synthetic" in dataset.DerivationDescription
    assert len(dataset.ContributingEquipmentSequence) == 1
    assert (dataset.Manufacturer, dataset.ConvolutionKernel) == ("ACME", "B30f")


def test_the_same_seed_makes_the_same_bytes_and_another_does_not(tmp_path: Path, write_reals) -> None:
    write_reals(tmp_path / "reals")
    written = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        forge(tmp_path / "reals", tmp_path / name, 1, BOTH, seed)
        files = [*sorted((tmp_path / name).rglob("*.dcm")), tmp_path / name / "labels.csv"]
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]
    assert written[0] != written[2]


def test_padding_below_an_unsigned_files_intercept_can_be_forged(
    tmp_path: Path, chest: np.ndarray, write_reals
) -> None:
    padded = chest.copy()
    padded[:, :6] = -1000
    write_reals(tmp_path / "reals", padded, intercept=-1000, signed=False, padding=0)
    assert read(tmp_path / "reals")[0, 0, 0] == -1024
    forge(tmp_path / "reals", tmp_path / "out", 1, ("injection",), 1)
    assert read(tmp_path / "out" / "000-00")[0, 0, 0] == -1024


@pytest.mark.parametrize(("reals", "out"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_originals_are_never_replaced_by_what_is_made_of_them(
    reals: str, out: str, tmp_path: Path, write_reals
) -> None:
    write_reals(tmp_path / reals)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.dcm")}
    with pytest.raises(SourceError, match="would take their place") as caught:
        forge(tmp_path / reals, tmp_path / out, 1, BOTH, 1)
    assert "forged.<name>.reals" in str(caught.value.remedy)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.dcm")} == before


def test_a_folder_without_ct_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(SourceError, match="no CT series") as caught:
        forge(tmp_path, tmp_path.parent / "never", 1, BOTH, 1)
    assert caught.value.received == "1 other files"


def test_a_scan_without_lungs_is_refused_and_leaves_nothing(tmp_path: Path, write_reals) -> None:
    write_reals(tmp_path / "reals", np.full((8, 64, 64), 40, np.int16))
    with pytest.raises(SourceError, match="no lung"):
        forge(tmp_path / "reals", tmp_path / "out", 1, BOTH, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["reals"]


@pytest.mark.skipif(not CT_SAMPLE.is_dir(), reason="../shared/ct-sample is not here")
def test_forging_a_real_scan_changes_only_the_cube(tmp_path: Path) -> None:
    reals = CT_SAMPLE / "Lung_Dx-A0002"
    (series,), _ = find_series(reals)
    original = read_volume(series.headers)
    assert lungs_in_volume(original).any()
    forge(reals, tmp_path / "out", 2, BOTH, 1)
    for row in labels(tmp_path / "out"):
        place = (int(row["slice"]), int(row["y"]), int(row["x"]))
        changed = read(tmp_path / "out" / row["scan"]) != original
        assert changed[place[0]].any()
        changed[Cube.cut(original, series.spacing_zyx_mm, place).box] = False
        assert not changed.any()


@pytest.mark.parametrize("stored", [{"intercept": -1000, "signed": False}, {"intercept": -1024, "slope": 3.0}])
def test_what_a_series_cannot_store_becomes_the_nearest_that_it_can(
    tmp_path: Path, chest: np.ndarray, write_reals, stored: dict[str, object]
) -> None:
    slope = int(stored.get("slope", 1))
    noisy = chest + np.random.default_rng(1).normal(0, 60, chest.shape)  # so that what is filled in goes below -1000
    held = (np.clip(np.rint((noisy + 1000) / slope), 0, None) * slope + stored["intercept"]).astype(np.int16)
    original = write_reals(tmp_path / "reals", held, **stored)
    names = list(manipulations_of(Modality.CT))
    forge(tmp_path / "reals", tmp_path / "out", len(names), names, 1)
    for row in labels(tmp_path / "out"):
        forged = read(tmp_path / "out" / row["scan"])
        assert forged.min() >= stored["intercept"]
        assert not ((forged - stored["intercept"]) % slope).any()
        changed = forged != original
        assert changed.any()
        assert changed.mean() < 0.2


@pytest.mark.parametrize(("modality", "slices", "size"), [(Modality.MR, 24, 96), (Modality.XRAY, 1, 192)])
@pytest.mark.parametrize("seed", [1, 2])
def test_scans_of_other_modalities_are_forged_as_they_are_stored(
    tmp_path: Path, modality: Modality, slices: int, size: int, seed: int
) -> None:
    write_patient(tmp_path / "reals" / "one", seed, slices, None, size=size, modality=modality)
    names = list(manipulations_of(modality))
    forge(tmp_path / "reals", tmp_path / "out", len(names), names, 3, modality=modality)
    (original,), _ = find_series(tmp_path / "reals", modality=modality)
    before = read_stored(original.headers)
    rows = labels(tmp_path / "out")
    assert [row["manipulation"] for row in rows] == names
    for row in rows:
        (series,), _ = find_series(tmp_path / "out" / row["scan"], modality=modality)
        assert {header.synthetic for header in series.headers} == {"forged"}
        assert series.headers[0].monochrome1 == original.headers[0].monochrome1
        assert series.spacing_zyx_mm == original.spacing_zyx_mm
        changed = read_stored(series.headers) != before
        assert changed[int(row["slice"])].any()
        assert changed.mean() < 0.05


def test_a_shadow_is_dense_whichever_way_round_a_radiograph_is_stored(tmp_path: Path) -> None:
    for seed in (1, 2, 3, 4):  # one of each maker
        write_patient(tmp_path / "reals" / str(seed), seed, 1, None, size=192, modality=Modality.XRAY)
    forge(tmp_path / "reals", tmp_path / "out", 1, ["shadow"], 3, modality=Modality.XRAY)
    originals, _ = find_series(tmp_path / "reals", modality=Modality.XRAY)
    for row, original in zip(labels(tmp_path / "out"), originals, strict=True):
        (series,), _ = find_series(tmp_path / "out" / row["scan"], modality=Modality.XRAY)
        near = np.s_[0, int(row["y"]) - 1 : int(row["y"]) + 2, int(row["x"]) - 1 : int(row["x"]) + 2]
        assert read_volume(series.headers)[near].mean() > read_volume(original.headers)[near].mean()


def test_stored_values_that_no_volume_holds_are_refused(tmp_path: Path) -> None:
    template = SeriesTemplate(
        patient_id="P", manufacturer="T", model="T", kernel="", thickness_mm=4.0, spacing_mm=(1.0, 1.0), signed=False,
        modality=Modality.MR,
    )  # fmt: skip
    positions = np.array([[0.0, 0.0, 4.0 * index] for index in range(3)])
    bright = np.full((3, 32, 32), 32_768, np.uint16)
    bright[:, 8:24] = 5
    write_series(tmp_path / "reals", bright, positions, template, uid_seed="a", synthetic=None)
    with pytest.raises(SourceError, match="cannot be manipulated") as caught:
        forge(tmp_path / "reals", tmp_path / "out", 1, ["lesion"], 1, modality=Modality.MR)
    assert caught.value.received == "5..32768"


def test_where_there_is_no_brain_nothing_is_forged(tmp_path: Path) -> None:
    write_patient(tmp_path / "reals", 1, 1, None, size=96, modality=Modality.XRAY)
    with pytest.raises(SourceError, match="no MR series to forge from"):
        forge(tmp_path / "reals", tmp_path / "out", 1, ["lesion"], 1, modality=Modality.MR)
