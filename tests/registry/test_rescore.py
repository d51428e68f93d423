"""A champion of other data, scored anew on the challenger's validation slices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from medfake.config import NominateParams
from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SCHEMA, SITES_FILE, write_manifest
from medfake.datasets.scans import SITE_COLUMNS
from medfake.errors import PromotionRefusedError
from medfake.files import sha256_file, write_json
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote
from tests.conftest import HERE

AUC = NominateParams(metric="auc")
BLANK = {pa.string(): "", pa.bool_(): False}


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    """A data set `chest` of four validation slices that brightness tells apart: AUC 1 for the detector of conftest."""
    folder = tmp_path / "data" / "slices" / "chest"
    folder.mkdir(parents=True)
    labels = [0, 1, 0, 1]
    rows = pd.DataFrame({field.name: [BLANK.get(field.type, 0)] * len(labels) for field in SCHEMA})
    rows["slice_id"], rows["scan_id"], rows["patient_id"] = list("abcd"), list("abcd"), list("abcd")
    rows["label"], rows["split"], rows["shard"], rows["row"] = labels, "val", "shard-000.npy", range(len(labels))
    rows["rows"], rows["cols"] = 96, 96
    np.save(folder / "shard-000.npy", np.stack([np.full((96, 96), 100 * label - 50, np.int16) for label in labels]))
    write_manifest(rows, folder)
    pd.DataFrame(columns=list(SITE_COLUMNS)).to_parquet(folder / SITES_FILE)
    facts = {"name": "chest", "evidence": "phantom", "protocol": "grouped", "sha256": digest(folder)}
    write_json(folder / FACTS_FILE, facts)
    return folder.parent


def digest(folder: Path) -> str:
    return sha256_file(folder / MANIFEST_FILE)


@pytest.mark.parametrize(("claimed", "wins"), [(0.99, False), (1.0, False), (1.01, True)])
def test_a_champion_of_other_data_is_scored_anew(
    claimed: float, wins: bool, slices: Path, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.1)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=claimed, dataset_sha256=digest(slices / "chest"))], AUC, registry)
    if wins:
        outcome = promote(registry, HERE)
        assert outcome.changed
        assert "version 1 (ResidualCNN) has auc 1.0000 on the same slices, scored anew" in outcome.reason
        return
    with pytest.raises(PromotionRefusedError, match="does not beat") as caught:
        promote(registry, HERE)
    assert "has auc 1.0000 on the same slices" in str(caught.value.received)


@pytest.mark.parametrize(("claimed", "wins"), [(0.99, True), (1.0, False)])
def test_a_challenger_of_data_that_are_not_here_is_scored_on_the_champions(
    claimed: float, wins: bool, slices: Path, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=claimed, dataset_sha256=digest(slices / "chest"))], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.1, dataset="elsewhere", dataset_sha256="e" * 64)], AUC, registry)
    if wins:
        said = "version 2 (ResidualCNN) has validation auc 1.0000 on the same slices, scored anew"
        assert said in promote(registry, HERE).reason
        return
    with pytest.raises(PromotionRefusedError, match="does not beat"):
        promote(registry, HERE)


def test_without_the_data_the_two_cannot_be_compared(
    slices: Path, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.9, dataset_sha256="e" * 64)], AUC, registry)
    with pytest.raises(PromotionRefusedError, match="different data") as caught:
        promote(registry, HERE)
    assert caught.value.remedy == "dvc repro slices@chest (or dvc pull), then medfake promote"


@pytest.mark.parametrize(("metric", "anew"), [("h", True), ("auc", False)])
def test_figures_of_another_class_are_scored_anew_where_they_are_of_a_class(
    metric: str, anew: bool, slices: Path, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    sha256, by = digest(slices / "chest"), NominateParams(metric=metric)
    nominate([make_package("a", val=0.5, dataset_sha256=sha256)], by, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=1.01, dataset_sha256=sha256, positive="real")], by, registry)
    reason = promote(registry, HERE).reason
    assert (f"has {metric} 1.0000 on the same slices, scored anew" in reason) is anew
    assert (f"(ResidualCNN) has {metric} 0.5000" in reason) is not anew
