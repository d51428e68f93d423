"""The task of nodules: data sets whose label 1 says that a slice shows one, out of untampered scans alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from medfake.checks.suite import run_checks
from medfake.config import DatasetParams, PhantomParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.scans import collect_scans
from medfake.errors import DataError
from medfake.phantom import write_phantom
from medfake.vocabulary import Split, Task

MakeParams = Callable[..., DatasetParams]


def _build(params: DatasetParams, out: Path) -> Dataset:
    collect_scans(params, out / "scans")
    build_dataset(out / "scans", params, out / "nodules")
    return Dataset.open(out / "nodules")


@pytest.fixture(scope="module")
def lung_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantom patients, every other one with nodules that are outlined."""
    root = tmp_path_factory.mktemp("outlined")
    params = PhantomParams(
        seed=3, reals=12, fakes={"FM": 0}, slices=16, scanners=["Phantom A"], nodules=2, outlines=True
    )
    write_phantom(root / "raw", params, size=128)
    return root / "raw"


def nodule_params(tree: Path, make_params: MakeParams, **overrides: object) -> DatasetParams:
    reals = {"kind": "lidc", "path": str(tree / "LIDC-IDRI")}
    labelling = {"rule": "nodules", "ignore_mm": 5.0}
    return make_params(tree, reals=reals, fakes=reals, labelling=labelling, **overrides)


def test_a_data_set_of_nodules_says_what_its_labels_mean(
    lung_tree: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    data = _build(nodule_params(lung_tree, make_params), tmp_path)
    assert data.task is Task.NODULES
    assert data.facts["counts"]["test/nodule"] == (data.split("test").label == 1).sum() > 0
    assert data.manifest.groupby("split").label.mean().to_dict() == dict.fromkeys(Split, 0.5)
    assert set(data.manifest.manipulation) == {"none"}
    assert data.manifest.groupby("patient_id").split.nunique().max() == 1
    report = run_checks(data.folder, nodule_params(lung_tree, make_params))
    assert [one.name for one in report.failed] == []


def test_scans_without_annotations_give_no_data_set_of_nodules(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no scan comes with annotations") as caught:
        _build(nodule_params(trees, make_params), tmp_path)
    assert "XML" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"fakes": {"kind": "ct_gan", "path": "fakes"}}, "uses no fakes, but fakes are ct_gan of fakes"),
        ({"manipulations": ["injected"]}, "leave out manipulations and classes"),
        ({"classes": 3}, "leave out manipulations and classes"),
        ({"balance": {"tolerance": 0.0, "seed": 1, "negatives": "nodules"}}, "set balance.negatives to matched"),
    ],
)
def test_nodules_have_no_fakes(overrides: dict[str, object], message: str) -> None:
    source = {"kind": "lidc", "path": "reals"}
    values: dict[str, object] = {
        "reals": source,
        "fakes": source,
        "identifiers": "public",
        "labelling": {"rule": "nodules", "ignore_mm": 5.0},
        "split": {"protocol": "grouped", "val": 0.2, "test": 0.3, "seed": 1},
        "balance": {"tolerance": 0.02, "seed": 1},
    }
    DatasetParams.model_validate(values)
    with pytest.raises(ValidationError, match=message):
        DatasetParams.model_validate(values | overrides)
