"""Phantom sets of MR and X-ray: written through the DICOM writer, read by the importer, marked, bit-reproducible."""

import csv
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.random import SeedSequence, default_rng
from pydantic import ValidationError

from medfake.config import PhantomParams
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.errors import ConfigError
from medfake.phantom import write_patient, write_phantom
from medfake.phantom.head_scan import scan_head
from medfake.phantom.kinds import KINDS
from medfake.phantom.mr_scanners import MR_SCANNERS, MRScanner, acquire
from medfake.phantom.xray_scanners import HIGHEST, XRAY_SCANNERS, encoded
from medfake.vocabulary import Modality

BOTH = [Modality.MR, Modality.XRAY]
SIZES = {Modality.MR: 64, Modality.XRAY: 128}


def params(modality: Modality, **changed: object) -> PhantomParams:
    slices = 16 if modality.is_stack else 1
    fakes = {"FM": 2, "FB": 3, "TM": 1, "TB": 1}
    return PhantomParams.model_validate(
        {"modality": modality, "seed": 4, "reals": 2, "fakes": fakes, "slices": slices} | changed
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[Modality, Path]:
    folders = {one: tmp_path_factory.mktemp("phantom") / "set" for one in BOTH}
    for modality, folder in folders.items():
        write_phantom(folder, params(modality), size=SIZES[modality])
    return folders


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


@pytest.mark.parametrize("modality", BOTH)
def test_the_bytes_depend_on_the_params_alone(
    modality: Modality, written: dict[Modality, Path], tmp_path: Path
) -> None:
    write_phantom(tmp_path / "again", params(modality), size=SIZES[modality])
    write_phantom(tmp_path / "other", params(modality, seed=5), size=SIZES[modality])
    assert digest(tmp_path / "again") == digest(written[modality]) != digest(tmp_path / "other")


@pytest.mark.parametrize("modality", BOTH)
def test_every_scan_is_read_and_marked_as_phantom(modality: Modality, written: dict[Modality, Path]) -> None:
    series, skipped = find_series(written[modality], modality=modality)
    assert len(series) == 2 + 7
    assert [one.path.name for one in skipped] == ["labels.csv"]
    for one in series:
        assert one.modality is modality
        assert one.quality_flags == ()
        assert {header.synthetic for header in one.headers} == {"phantom"}
        assert len({header.patient_id for header in one.headers}) == 1
        values = read_volume(one.headers)
        assert values.min() >= -1250
        assert values.std() > 200
    dataset = pydicom.dcmread(series[0].headers[0].path, stop_before_pixels=True)
    assert dataset.ImageType[0] == "DERIVED"
    assert "phantom" in dataset.DerivationDescription


@pytest.mark.parametrize("modality", BOTH)
def test_labels_name_places_and_what_was_done_there(modality: Modality, written: dict[Modality, Path]) -> None:
    listed = rows(written[modality])
    assert Counter(row["type"] for row in listed) == {"FM": 2, "FB": 3, "TM": 1}  # TB has no place
    for row in listed:
        assert (written[modality] / row["scan"]).is_dir()
        assert bool(row["manipulation"]) == (row["type"] in ("FM", "FB"))
    assert {row["manipulation"] for row in listed if row["type"] == "FB"} == {
        "tissue-blend", "tissue-copy", "tissue-fill"
    }  # fmt: skip


@pytest.mark.parametrize("modality", BOTH)
def test_only_the_labelled_place_differs_from_the_untampered_patient(
    modality: Modality, written: dict[Modality, Path]
) -> None:
    kind = KINDS[modality]
    for row in rows(written[modality]):
        if not row["manipulation"]:
            continue
        files = sorted((written[modality] / row["scan"]).iterdir(), key=lambda path: int(path.stem))
        pixels = np.stack([pydicom.dcmread(path).pixel_array for path in files])
        scanner = kind.scanners[pydicom.dcmread(files[0]).Manufacturer]
        stream = {"FB": 3, "FM": 4}[row["type"]]
        seed = SeedSequence((4, stream, int(row["scan"][-4:])))
        patient = kind.scan(seed, scanner, len(files), int(row["type"] == "FB"), SIZES[modality])
        changed = pixels != kind.stored(patient.volume, scanner)
        z, y, x = (int(row[name]) for name in ("slice", "y", "x"))
        assert changed[z].any()
        away = [int(16 / step) + 1 for step in patient.spacing_mm]
        near = tuple(slice(max(0, c - far), c + far + 1) for c, far in zip((z, y, x), away, strict=True))
        changed[near] = False
        assert not changed.any()


def test_a_head_has_skin_skull_brain_and_fluid() -> None:
    volume = scan_head(SeedSequence(7), MR_SCANNERS["Phantom MR A"], 16, 0, 128).volume.astype(float)
    middle = volume[5] / np.quantile(volume[5], 0.995)
    row = middle[64]
    inside = np.flatnonzero(row > 0.3)
    assert 0.4 < (inside[-1] - inside[0]) / 128 < 0.8  # about 160 mm of 241
    assert row[:8].max() < 0.2  # air
    assert row[inside[0] : inside[0] + 12].min() < 0.2  # bone
    assert (middle > 0.75).mean() > 0.01  # fluid


def test_noise_is_rician_and_smoother_the_earlier_k_space_ends() -> None:
    def neighbours(scanner: MRScanner) -> float:
        air = acquire(default_rng(1), np.zeros((1, 256, 256), np.float32), scanner)[0].astype(float)
        assert air.std() / air.mean() == pytest.approx(0.5227, rel=0.1)  # of a Rayleigh distribution
        return float(np.corrcoef(air[:-1].ravel(), air[1:].ravel())[0, 1])

    one = MR_SCANNERS["Phantom MR A"]
    early, late = (replace(one, measured=(share, 1.0)) for share in (0.5, 0.9))
    assert neighbours(early) > neighbours(one) > neighbours(late)


def test_a_nodule_free_and_a_lesion_patient_have_as_many_places_as_asked(written: dict[Modality, Path]) -> None:
    for modality in BOTH:
        kind, scanner = KINDS[modality], next(iter(KINDS[modality].scanners.values()))
        slices = 16 if modality.is_stack else 1
        assert [
            len(kind.scan(SeedSequence(3), scanner, slices, wanted, SIZES[modality]).nodules) for wanted in (0, 1)
        ] == [0, 1]


@pytest.mark.parametrize("name", list(XRAY_SCANNERS))
def test_dense_is_bright_once_read_whatever_a_maker_stores(name: str, tmp_path: Path) -> None:
    params_of_one = params(Modality.XRAY, scanners=[name], reals=1, fakes={})
    write_phantom(tmp_path / "set", params_of_one, size=128)
    (series,), _ = find_series(tmp_path / "set", modality=Modality.XRAY)
    image = read_volume(series.headers)[0]
    assert image[100:110, 60:68].mean() > image[55:65, 35:45].mean() + 300  # spine and heart against lung
    assert series.headers[0].monochrome1 == XRAY_SCANNERS[name].inverted


@pytest.mark.parametrize("name", list(XRAY_SCANNERS))
def test_storing_keeps_what_was_not_touched(name: str) -> None:
    scanner = XRAY_SCANNERS[name]
    values = np.arange(HIGHEST + 1, dtype=np.int16)[None, None]
    stored = encoded(values, scanner)
    assert 0 <= stored.min() <= stored.max() < 1 << scanner.bits
    steps = np.diff(stored.ravel().astype(int))
    assert (steps <= 0).all() if scanner.inverted else (steps >= 0).all()


def test_unseen_patients_of_other_modalities_are_written(tmp_path: Path) -> None:
    place = write_patient(tmp_path / "head", 3, 24, "lesion", size=64, modality=Modality.MR)
    assert place is not None
    assert len(list((tmp_path / "head").iterdir())) == 24
    assert write_patient(tmp_path / "chest", 3, 1, None, size=128, modality=Modality.XRAY) is None
    write_patient(
        tmp_path / "chest", 4, 1, "shadow", size=128, modality=Modality.XRAY
    )  # an earlier phantom is replaced
    assert [path.name for path in (tmp_path / "chest").iterdir()] == ["0.dcm"]


def test_a_manipulation_of_lungs_is_refused_for_a_head(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'injection' is no manipulation of MR"):
        write_patient(tmp_path / "head", 3, 24, "injection", size=64, modality=Modality.MR)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("modality", "slices", "fits"), [
    ("CT", 15, False), ("CT", 16, True), ("MR", 15, False), ("MR", 16, True), ("X-ray", 1, True), ("X-ray", 2, False),
])  # fmt: skip
def test_slices_must_suit_the_modality(modality: str, slices: int, fits: bool) -> None:
    given = {"modality": modality, "seed": 1, "reals": 1, "fakes": {}, "slices": slices}
    if fits:
        assert PhantomParams.model_validate(given).slices == slices
        return
    with pytest.raises(ValidationError, match="slices of"):
        PhantomParams.model_validate(given)


def test_a_radiograph_of_several_slices_is_refused() -> None:
    with pytest.raises(ValueError, match="one image"):
        KINDS[Modality.XRAY].scan(SeedSequence(1), XRAY_SCANNERS["Phantom DX A"], 2, 0, 64)


def test_scanners_are_as_frequent_among_real_as_among_tampered_scans(tmp_path: Path) -> None:
    wanted = params(Modality.MR, reals=2, fakes={"FM": 2, "FB": 2, "TM": 1, "TB": 1})
    write_phantom(tmp_path / "set", wanted, size=32)
    types = {row["scan"]: row["type"] for row in rows(tmp_path / "set")}
    tampered, real = Counter[str](), Counter[str]()
    for series in find_series(tmp_path / "set", modality=Modality.MR)[0]:
        made = types.get(series.folder.name, "real") in ("FM", "FB")
        (tampered if made else real)[series.headers[0].manufacturer] += 1
    assert real == tampered
