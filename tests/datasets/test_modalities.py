"""Data sets of MR and of X-ray: one modality each, its units told, nothing measured in Hounsfield units."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SCHEMA_VERSION, read_manifest
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.scans import SCANS_FILE, collect_scans
from medfake.datasets.survey import survey
from medfake.dicom.normalised import DARKEST
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.errors import DataError, LabelError, ManifestError, SourceError
from medfake.vocabulary import Modality
from tests.fixtures.modalities import write_mr, write_radiographs

MakeParams = Callable[..., DatasetParams]
PATIENTS = 8


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Brain MR and chest radiographs of eight patients, a tree of each, half of them labelled as tampered."""
    root = tmp_path_factory.mktemp("other")
    lines = {"mr": ["scan,type,slice,x,y"], "x": ["scan,type,slice,x,y"]}
    for number in range(PATIENTS):
        patient = {"patient_id": f"patient-{number}", "manufacturer": f"maker {number % 2}"}
        write_mr(root / "mr" / str(number), slices=5 + number, **patient)
        write_radiographs(root / "x" / str(number), **patient)
        if number % 2:
            lines["mr"].append(f"{number},FM,2,60,64")
            lines["x"].append(f"{number},FM,0,40,44")
    for name, rows in lines.items():
        (root / name / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def params(tree: Path, make_params: MakeParams) -> MakeParams:
    def make(modality: Modality, of: str = "") -> DatasetParams:
        folder = tree / (of or {Modality.MR: "mr", Modality.XRAY: "x"}[modality])
        source = {"kind": "folder", "path": str(folder)}
        labelling = {"rule": "neighbours", "k": 0}
        return make_params(tree, reals=source, fakes=source, modality=modality, labelling=labelling)

    return make


def build(params: DatasetParams, folder: Path) -> Dataset:
    collect_scans(params, folder / "scans")
    build_dataset(folder / "scans", params, folder / "set")
    return Dataset.open(folder / "set")


@pytest.mark.parametrize(("modality", "part"), [(Modality.MR, "BRAIN"), (Modality.XRAY, "CHEST")])
def test_a_data_set_holds_one_modality_and_says_its_units(
    params: MakeParams, tmp_path: Path, modality: Modality, part: str
) -> None:
    data = build(params(modality), tmp_path)
    assert set(data.manifest.modality) == {modality}
    assert (data.modality, data.body_parts) == (modality, (part,))
    facts = json.loads((data.folder / FACTS_FILE).read_text())
    assert (facts["modality"], facts["units"]) == (modality, "normalised")
    assert data.manifest.air_fraction.isna().all()
    assert data.manifest.hu_min.min() >= DARKEST


def test_what_is_stored_is_what_the_reader_gives(params: MakeParams, tree: Path, tmp_path: Path) -> None:
    data = build(params(Modality.XRAY), tmp_path)
    stored = {pixels.tobytes() for pixels in data.mapped(data.manifest)}
    series, _ = find_series(tree, modality=Modality.XRAY)
    assert stored <= {read_volume(one.headers)[0].tobytes() for one in series}


def test_scans_of_another_modality_than_the_params_say_are_refused(params: MakeParams, tmp_path: Path) -> None:
    collect_scans(params(Modality.MR), tmp_path / "scans")
    table = pd.read_parquet(tmp_path / "scans" / SCANS_FILE)
    table.loc[:2, "modality"] = "CT"
    table.to_parquet(tmp_path / "scans" / SCANS_FILE)
    with pytest.raises(DataError, match="of MR alone") as caught:
        build_dataset(tmp_path / "scans", params(Modality.MR), tmp_path / "set")
    assert caught.value.received == "3 slices of CT"


def test_where_there_is_no_scan_of_the_modality_the_reasons_are_told(params: MakeParams, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nor one of the modality") as caught:
        collect_scans(params(Modality.CT, "mr"), tmp_path / "scans")
    assert "an MR image, and CT is looked for" in str(caught.value.received)


def test_a_manifest_of_before_is_to_be_built_anew(params: MakeParams, tmp_path: Path) -> None:
    data = build(params(Modality.XRAY), tmp_path)
    table = pq.read_table(data.folder / MANIFEST_FILE).drop_columns(["modality"])
    pq.write_table(table.replace_schema_metadata({"medfake_manifest_version": "2"}), data.folder / MANIFEST_FILE)
    with pytest.raises(ManifestError, match=f"expected manifest version {SCHEMA_VERSION}") as caught:
        read_manifest(data.folder)
    assert caught.value.received == "2"
    assert "dvc repro" in str(caught.value.remedy)


def test_radiographs_of_one_folder_are_named_by_their_files(tmp_path: Path) -> None:
    write_radiographs(tmp_path / "many", count=3, patient_id="")
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\nmany/1.dcm,FM,0,40,44\n")
    rules = SourceRules(modality=Modality.XRAY)
    reading = read_source("folder", tmp_path, 1, rules=rules)
    assert [(len(scan.sites), scan.group) for scan in reading.scans] == [(0, "many"), (1, "many"), (0, "many")]
    assert len({scan.key for scan in reading.scans}) == 3
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\nmany,FM,0,40,44\n")
    with pytest.raises(LabelError) as caught:
        read_source("folder", tmp_path, 1, rules=rules)
    assert "no scan lies in a folder 'many'" in str(caught.value.received)


def test_a_survey_counts_every_modality(tmp_path: Path) -> None:
    write_mr(tmp_path / "mr")
    write_radiographs(tmp_path / "x", 3)
    assert survey(tmp_path).modalities == {"X-ray": 3, "MR": 1}
