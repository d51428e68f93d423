import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.random import SeedSequence

from medfake.config import PhantomParams
from medfake.datasets.sources.lidc import read_lidc
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import ConfigError, OutputRefusedError
from medfake.phantom import write_patient, write_phantom
from medfake.phantom.chest import scan_patient
from medfake.phantom.scanners import SCANNERS
from medfake.tamper.cube import Cube
from medfake.vocabulary import LabelCode

SIZE = 128
PARAMS = PhantomParams(seed=4, reals=2, fakes={"FM": 2, "FB": 2, "TM": 1, "TB": 1}, slices=24)
NODULES = {"FM": 0, "FB": 1, "TM": 1, "TB": 0}
STREAMS = {kind: 3 + index for index, kind in enumerate(sorted(NODULES))}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom") / "set"
    write_phantom(folder, PARAMS, jobs=1, size=SIZE)
    return folder


def label_rows(folder: Path) -> list[dict[str, str]]:
    rows = []
    for name, experiment in (("labels_exp1.csv", "EXP1_blind"), ("labels_exp2.csv", "EXP2_open")):
        with (folder / "CT-GAN" / name).open(newline="", encoding="utf-8") as file:
            rows += [{**row, "experiment": experiment} for row in csv.DictReader(file)]
    return rows


def scan_folder(folder: Path, row: dict[str, str]) -> Path:
    return folder / "CT-GAN" / "CT_Scans" / row["experiment"] / row["uuid"]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_bytes_do_not_depend_on_the_number_of_jobs(written: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path / "again", PARAMS, jobs=2, size=SIZE)
    assert digests(tmp_path / "again") == digests(written)


def test_another_seed_makes_other_patients(tmp_path: Path) -> None:
    for seed in (1, 5):
        write_patient(tmp_path / str(seed), seed, 16, None, size=64)
    one, other = digests(tmp_path / "1"), digests(tmp_path / "5")
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())


def test_both_public_layouts_are_written(written: Path) -> None:
    assert sorted(path.name for path in (written / "LIDC-IDRI").iterdir()) == ["LIDC-IDRI-0001", "LIDC-IDRI-0002"]
    rows = label_rows(written)
    assert Counter(row["type"] for row in rows) == PARAMS.fakes
    assert {row["experiment"] for row in rows} == {"EXP1_blind", "EXP2_open"}
    for row in rows:
        assert len(row["uuid"]) == 4
        assert row["uuid"].isdecimal()
        assert {path.name for path in scan_folder(written, row).iterdir()} == {f"{n}.dcm" for n in range(24)}


def test_only_a_healthy_untampered_scan_has_the_placeholder_row(written: Path) -> None:
    for row in label_rows(written):
        assert ((row["slice"], row["x"], row["y"]) == ("0", "0", "0")) == (row["type"] == "TB")


def test_file_stems_count_slices_by_height(written: Path) -> None:
    (series,), _ = find_series(scan_folder(written, label_rows(written)[0]))
    assert [header.path.stem for header in series.headers] == [str(index) for index in range(24)]


def test_tampered_scans_differ_from_the_untampered_patient_in_the_labelled_cube_only(written: Path) -> None:
    counted: Counter[str] = Counter()
    for row in label_rows(written):
        kind, index = row["type"], counted[row["type"]]
        counted[kind] += 1
        (series,), _ = find_series(scan_folder(written, row))
        scanner = SCANNERS[series.headers[0].manufacturer]
        patient = scan_patient(SeedSequence((4, STREAMS[kind], index)), scanner, 24, NODULES[kind], SIZE)
        untampered = np.where(patient.volume <= -2000, -1024, patient.volume)  # readers blank the padding
        changed = read_volume(series.headers) != untampered
        place = (int(row["slice"]), int(row["y"]), int(row["x"]))
        assert changed[place].any() == (kind in ("FM", "FB"))
        changed[Cube.cut(untampered.astype(np.int16), patient.spacing_mm, place).box] = False
        assert not changed.any()


def test_headers_of_one_scanners_tampered_and_real_scans_differ_in_identifiers_only(tmp_path: Path) -> None:
    each = dict.fromkeys(LabelCode, 1)
    params = PARAMS.model_copy(update={"reals": 1, "fakes": each, "scanners": ["Phantom D"]})
    write_phantom(tmp_path / "set", params, size=SIZE)

    def facts(row: dict[str, str]) -> dict[str, str]:
        dataset = pydicom.dcmread(scan_folder(tmp_path / "set", row) / "3.dcm", stop_before_pixels=True)
        own = {"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient"}
        return {element.keyword: str(element.value) for element in dataset if element.keyword not in own}

    rows = label_rows(tmp_path / "set")
    assert len(rows) == 4
    assert all(facts(row) == facts(rows[0]) for row in rows)


def test_every_file_is_marked_as_phantom(written: Path) -> None:
    for path in written.rglob("0.dcm"):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert dataset.ImageType[0] == "DERIVED"
        assert "phantom" in dataset.DerivationDescription
        assert dataset.ContributingEquipmentSequence[0].ContributionDescription == "phantom"


def test_a_scout_lies_beside_the_scan_and_readers_skip_it(written: Path) -> None:
    series, skipped = find_series(written / "LIDC-IDRI" / "LIDC-IDRI-0001")
    assert len(series) == 1
    assert [file.path.parent.name for file in skipped] == ["scout"]
    assert "localizer" in skipped[0].reason.lower()


def test_tissues_have_their_hounsfield_units() -> None:
    volume = scan_patient(SeedSequence(7), SCANNERS["Phantom A"], 16, 0, 256).volume
    share = {
        "air": (volume < -950).mean(),
        "lung": ((volume > -920) & (volume < -780)).mean(),
        "fat": ((volume > -140) & (volume < -70)).mean(),
        "muscle": ((volume > 10) & (volume < 90)).mean(),
        "bone": (volume > 250).mean(),
    }
    assert all(share[tissue] > 0.01 for tissue in share), share
    assert share["air"] > 0.3
    assert share["lung"] > 0.08
    assert volume.max() > 500


def test_noise_is_correlated_as_the_kernel_says() -> None:
    def neighbours(name: str) -> float:
        scanner = SCANNERS[name]
        volume = scan_patient(SeedSequence(7), scanner, 16, 0, 256).volume.astype(np.float32)
        noise = volume[:, 4:20, 96:160]  # air in front of the patient
        noise = noise - noise.mean(axis=0)
        return float(np.corrcoef(noise[..., :-1].ravel(), noise[..., 1:].ravel())[0, 1])

    assert neighbours("Phantom A") > neighbours("Phantom C") + 0.05


def test_scanners_leave_their_traces_in_the_values() -> None:
    lowest = {}
    for name, scanner in SCANNERS.items():
        lowest[name] = int(scan_patient(SeedSequence(2), scanner, 16, 0, 64).volume.min())
    assert lowest["Phantom C"] == -2000
    assert lowest["Phantom D"] == -1000
    assert lowest["Phantom A"] >= -1024


def test_an_unseen_patient_is_written_with_their_place(tmp_path: Path) -> None:
    place = write_patient(tmp_path / "fake", 3, 24, "injection", size=SIZE)
    (series,), _ = find_series(tmp_path / "fake")
    assert place is not None
    assert read_volume(series.headers)[place.z, place.y, place.x] > -400
    assert write_patient(tmp_path / "real", 3, 24, None, size=SIZE) is None


def test_a_phantom_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    folder.mkdir()
    for slices in (24, 26):
        write_patient(folder, 3, slices, None, size=64)
    assert len(list(folder.iterdir())) == 26
    (folder / "notes.txt").write_text("precious")
    with pytest.raises(OutputRefusedError, match="replaces nothing but an earlier one") as caught:
        write_patient(folder, 3, 24, None, size=64)
    assert caught.value.received == "1 other files"
    assert len(list(folder.iterdir())) == 27


def test_a_phantom_replaces_neither_a_real_scan_nor_a_set_nor_a_file(tmp_path: Path) -> None:
    template = SeriesTemplate(
        patient_id="DOE", manufacturer="T", model="T", kernel="K", thickness_mm=2.5, spacing_mm=(0.7, 0.7)
    )
    positions = np.array([[0.0, 0.0, 2.5 * index] for index in range(3)])
    write_series(tmp_path / "real", np.zeros((3, 16, 16), np.int16), positions, template, uid_seed="a", synthetic=None)
    write_patient(tmp_path / "set" / "one", 3, 24, None, size=64)
    (tmp_path / "a.dcm").write_text("precious")
    for name, received in (("real", "3 other files"), ("set", "24 other files"), ("a.dcm", "no folder")):
        with pytest.raises(OutputRefusedError) as caught:
            write_patient(tmp_path / name, 3, 24, None, size=64)
        assert caught.value.received == received
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "real", "set"]


def test_a_link_to_a_phantom_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "scan")
    for slices in (24, 25):
        write_patient(tmp_path / "link", 3, slices, None, size=64)
    assert (tmp_path / "link").is_symlink()
    assert len(list((tmp_path / "scan").iterdir())) == 25


def test_an_unknown_scanner_is_refused(tmp_path: Path) -> None:
    wrong = PARAMS.model_copy(update={"scanners": ["Phantom Z"]})
    with pytest.raises(ConfigError, match="no scanner has this name"):
        write_phantom(tmp_path / "set", wrong, size=64)
    assert not list(tmp_path.iterdir())


def test_the_fewest_slices_that_params_allow_can_be_written(tmp_path: Path) -> None:
    write_phantom(tmp_path / "set", PhantomParams(seed=1, reals=1, fakes={"FM": 1}, slices=16), size=SIZE)


def test_scanners_are_as_frequent_among_real_as_among_tampered_scans(tmp_path: Path) -> None:
    params = PhantomParams(seed=4, reals=2, fakes={"FM": 4, "TM": 1, "TB": 1}, slices=20)
    write_phantom(tmp_path / "set", params, size=64)
    tampered, real = Counter[str](), Counter[str]()
    types = {row["uuid"]: row["type"] for row in label_rows(tmp_path / "set")}
    for series in find_series(tmp_path / "set")[0]:
        kind = types.get(series.folder.name, "real")
        (tampered if kind in ("FM", "FB") else real)[series.headers[0].manufacturer] += 1
    assert real == tampered


def test_nodules_are_outlined_where_they_are_and_other_bytes_stay(written: Path, tmp_path: Path) -> None:
    params = PhantomParams(
        seed=4, reals=2, fakes={"FM": 0}, slices=24, scanners=["Phantom A"], outlines=True, nodules=2
    )
    write_phantom(tmp_path / "set", params, size=SIZE)
    healthy, ill = read_lidc(tmp_path / "set" / "LIDC-IDRI", find_series).scans
    assert (healthy.annotated, healthy.sites) == (True, ())
    assert len(ill.sites) == 2
    volume = read_volume(ill.series.headers)
    for site in ill.sites:
        assert site.reach is not None
        first, last = site.reach
        assert first <= site.z_index <= last
        around = (slice(site.y - 2, site.y + 3), slice(site.x - 2, site.x + 3))
        assert volume[site.z_index][around].max() > -500  # no lung
    plain = PhantomParams(seed=4, reals=2, fakes={"FM": 0}, slices=24, scanners=["Phantom A"])
    write_phantom(tmp_path / "plain", plain, size=SIZE)
    assert not list((tmp_path / "plain").rglob("*.xml"))
    first = next(path for path in digests(tmp_path / "plain") if path.endswith("/0.dcm") and "0001" in path)
    assert digests(tmp_path / "plain")[first] == digests(tmp_path / "set")[first]
