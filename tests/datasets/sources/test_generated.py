"""Slices that a generator made: one scan and one patient each, tampered with everywhere, whatever the labelling."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.checks.suite import check_dataset
from medfake.config import DatasetParams, ProbesParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.scans import collect_scans
from medfake.datasets.sources.generated import COLUMNS, TABLE_FILE, read_generated
from medfake.datasets.survey import survey
from medfake.dicom.series import find_series
from medfake.errors import LabelError, SourceError
from medfake.probes.run import run_probes
from medfake.vocabulary import Evidence

WriteScan = Callable[..., None]
SLICES = 12


def write_table(root: Path, files: list[str], columns: tuple[str, ...] = COLUMNS) -> None:
    with (root / TABLE_FILE).open("w", newline="") as file:
        lines = csv.DictWriter(file, columns, extrasaction="ignore")
        lines.writeheader()
        for number, name in enumerate(files):
            lines.writerow({"file": name, "nodule": number % 2, "seed_index": number, "generator": "dcgan"})


@pytest.fixture
def generated(tmp_path: Path, write_scan: WriteScan) -> Path:
    root = tmp_path / "dcgan"
    for number in range(SLICES):
        write_scan(root / f"{number:04d}", f"GENERATED-{number}", 900 + number, slices=1, synthetic=Evidence.FORGED)
    write_table(root, [f"{number:04d}/0.dcm" for number in range(SLICES)])
    return root


@pytest.fixture
def params(trees: Path, generated: Path, make_params: Callable[..., DatasetParams]) -> DatasetParams:
    return make_params(trees, fakes={"kind": "generated", "path": str(generated)})


def test_every_slice_is_a_scan_and_a_patient_of_its_own(generated: Path) -> None:
    reading = read_generated(generated, find_series)
    assert len(reading.scans) == len({scan.group for scan in reading.scans}) == SLICES
    assert {(scan.manipulation, scan.generator, scan.sites) for scan in reading.scans} == {("generated", "dcgan", ())}
    assert not reading.problems
    assert not reading.skipped
    assert (reading.label_rows.read, reading.label_rows.left_out) == (SLICES, 0)


def test_the_tree_is_recognised_by_its_table(generated: Path) -> None:
    seen = survey(generated)
    assert (seen.kind, seen.scans, seen.manipulations) == ("generated", SLICES, {"generated": SLICES})


def test_a_row_without_a_slice_stops_a_build_unless_it_is_to_be_left_out(generated: Path) -> None:
    (generated / "0003/0.dcm").unlink()
    with pytest.raises(LabelError):
        read_source("generated", generated, 1, None, SourceRules())
    reading = read_source("generated", generated, 1, None, SourceRules(unknown_labels="leave_out"))
    assert len(reading.scans) == SLICES - 1
    assert [str(one) for one in reading.problems] == [
        f"{TABLE_FILE}:5: no single CT slice lies under this name; it is left out"
    ]


def test_a_slice_without_a_row_is_left_out_with_a_word(generated: Path, write_scan: WriteScan) -> None:
    write_scan(generated / "stray", "SOMEBODY", 1, slices=1)
    reading = read_generated(generated, find_series)
    assert len(reading.scans) == SLICES
    assert str(reading.problems[0]) == f"stray/0.dcm: no row of {TABLE_FILE} names it; it is left out"


def test_a_tree_without_its_table_a_column_or_any_slice_is_refused(generated: Path) -> None:
    write_table(generated, ["elsewhere/0.dcm"])
    with pytest.raises(SourceError, match="none of the slices"):
        read_generated(generated, find_series)
    write_table(generated, ["0000/0.dcm"], COLUMNS[:-1])
    with pytest.raises(LabelError, match="lacks columns") as caught:
        read_generated(generated, find_series)
    assert caught.value.received == "generator"
    write_table(generated, ["x" * 200_000])  # more than csv takes
    with pytest.raises(LabelError, match="cannot be read"):
        read_generated(generated, find_series)
    (generated / TABLE_FILE).unlink()
    with pytest.raises(LabelError, match="cannot be read"):
        read_generated(generated, find_series)


@pytest.mark.parametrize(
    "row", ["0001/0.dcm,yes,1,dcgan", "0001/0.dcm", "0000/0.dcm,0,1,dcgan", "0001/0.dcm,2,1,dcgan"]
)
def test_a_row_without_a_file_of_its_own_and_a_class_is_named(generated: Path, row: str) -> None:
    (generated / TABLE_FILE).write_text("\n".join([",".join(COLUMNS), "0000/0.dcm,0,0,dcgan", row, ""]))
    with pytest.raises(LabelError, match="names no file of its own and class, 0 or 1") as caught:
        read_generated(generated, find_series)
    assert str(caught.value.where).endswith(f"{TABLE_FILE}:3")


def test_a_data_set_of_real_and_generated_slices_is_built_and_passes_its_guards(
    params: DatasetParams, tmp_path: Path
) -> None:
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "both")
    data = Dataset.open(tmp_path / "both")
    made = data.manifest[data.manifest.label == 1]
    assert len(made) == SLICES
    assert set(made.manipulation) == {"generated"}
    assert set(made.generator) == {"dcgan"}
    assert made.site_y.isna().all()
    assert made.distance_mm.isna().all()
    assert data.evidence is Evidence.FORGED
    real = data.manifest[data.manifest.label == 0]
    assert real.groupby("scan_id").z_index.max().max() > 3, "real slices come from all heights, not from the ends alone"
    assert [(one.rule, one.figures) for one in check_dataset(data, params).results if not one.passed] == []


def test_probes_of_such_a_data_set_answer_although_no_slice_has_a_site(params: DatasetParams, tmp_path: Path) -> None:
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "both")
    report = run_probes(Dataset.open(tmp_path / "both"), ProbesParams(permutations=5))
    found = {one.name: one for one in report.findings}
    assert found["metadata"].score.auc is not None
    assert found["masked image"].sentence.startswith("Not asked here: slices were made whole")
