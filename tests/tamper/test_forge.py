import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.errors import SourceError
from medfake.lungs import lungs_in_volume
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
