"""Challenger and champion of other data, or without predictions: scored anew where the data of one lie here."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from medfake.config import NominateParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SCHEMA, SITES_FILE, write_manifest
from medfake.datasets.scans import SITE_COLUMNS
from medfake.errors import PromotionRefusedError
from medfake.files import sha256_file, write_json
from medfake.metrics.predict import predict
from medfake.metrics.predictions import write_predictions
from medfake.package.card import AGGREGATION_FILE, PREDICTIONS_FILE, read_card
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import judge, promote
from medfake.registry.rescore import stored_predictions
from tests.conftest import HERE, predictions_of
from tests.registry.conftest import write_checks

AUC = NominateParams(metric="auc")
BLANK = {pa.string(): "", pa.bool_(): False}
PATIENTS = 8
PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
STACK = "Hybrid"  # its predictions are out of fold, and need not be those of its graph
MakeSlices = Callable[..., str]


@pytest.fixture
def make_slices(tmp_path: Path) -> MakeSlices:
    """Write the data set `chest` of a validation slice a patient, and what its guards say; gives its digest.

    Brightness tells tampered from real ones, as the detector of conftest has it, or real from tampered ones.
    """

    def make(*, bright: str, patients: int = PATIENTS) -> str:
        folder = tmp_path / "data" / "slices" / "chest"
        folder.mkdir(parents=True)
        label, shard = np.arange(PATIENTS) % 2, f"shard-{bright}.npy"  # open shards are remembered by their paths
        rows = pd.DataFrame({field.name: [BLANK.get(field.type, 0)] * PATIENTS for field in SCHEMA})
        rows["slice_id"] = rows["scan_id"] = [f"s{number}" for number in range(PATIENTS)]
        rows["patient_id"] = [f"p{number % patients}" for number in range(PATIENTS)]
        rows["label"], rows["split"], rows["shard"], rows["row"] = label, "val", shard, range(PATIENTS)
        rows["rows"], rows["cols"], rows["spacing_mm"] = 96, 96, 0.7
        rows["manipulation"] = np.where(label, "injected", "none")
        hu = 100 * label - 50 if bright == "tampered" else 50 - 100 * label
        np.save(folder / shard, np.stack([np.full((96, 96), value, np.int16) for value in hu]))
        write_manifest(rows, folder)
        pd.DataFrame(columns=list(SITE_COLUMNS)).to_parquet(folder / SITES_FILE)
        digest = sha256_file(folder / MANIFEST_FILE)
        write_json(
            folder / FACTS_FILE, {"name": "chest", "evidence": "phantom", "protocol": "grouped", "sha256": digest}
        )
        write_checks(HERE, "chest", digest)
        return digest

    return make


def measured_on_slices(package: Path, *, right: bool) -> Path:
    """Predictions of a package on those slices: all right, or all alike."""
    card = read_card(package)
    rows = predictions_of(1.0, card).head(PATIENTS)
    label = rows["label"].to_numpy()
    rows["slice_id"] = rows["scan_id"] = [f"s{number}" for number in range(PATIENTS)]
    rows["patient_id"] = [f"p{number}" for number in range(PATIENTS)]
    write_predictions(package / PREDICTIONS_FILE, rows.assign(p_tampered=np.where(label, 0.9, 0.1) if right else 0.5))
    return package


@pytest.mark.parametrize(("bright", "wins"), [("real", True), ("tampered", False)])
def test_a_champion_of_other_data_is_scored_anew_on_the_challengers(
    bright: str, wins: bool, make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    digest = make_slices(bright=bright)
    nominate([make_package("a")], AUC, registry)
    promote(registry, HERE)
    nominate([measured_on_slices(make_package("b", dataset_sha256=digest, detector=STACK), right=True)], AUC, registry)
    if wins:
        outcome = promote(registry, HERE)
        assert "validation auc 1.0000 against 0.0000, difference +1.0000 [1.0000, 1.0000]" in outcome.reason
        assert "version 1 scored these slices anew and may know some of them" in outcome.reason
        return
    with pytest.raises(PromotionRefusedError, match="may not become champion") as caught:
        promote(registry, HERE)
    assert "does not beat the champion: a tie" in str(caught.value.received)
    assert "auc 1.0000 against 1.0000, difference +0.0000 [0.0000, 0.0000]" in str(caught.value.received)


@pytest.mark.parametrize(("bright", "wins"), [("tampered", True), ("real", False)])
def test_a_challenger_of_data_that_are_not_here_is_scored_on_the_champions(
    bright: str, wins: bool, make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    digest = make_slices(bright=bright)
    nominate([measured_on_slices(make_package("a", dataset_sha256=digest, detector=STACK), right=False)], AUC, registry)
    promote(registry, HERE, overrule=["calibration"])
    nominate([make_package("b", dataset="elsewhere", dataset_sha256="e" * 64)], AUC, registry)
    if wins:
        assert "version 2 scored these slices anew" in promote(registry, HERE).reason
        return
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "does not beat the champion: it is worse" in str(caught.value.received)


def test_a_version_that_was_registered_without_predictions_is_scored_on_its_own_data(
    make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    digest = make_slices(bright="real")
    old = make_package("a", dataset_sha256=digest)
    (old / PREDICTIONS_FILE).unlink()
    nominate([old], AUC, registry)
    promote(registry, HERE)
    nominate([measured_on_slices(make_package("b", dataset_sha256=digest, detector=STACK), right=True)], AUC, registry)
    assert "version 1 scored these slices anew" in promote(registry, HERE).reason


def test_one_patient_says_nothing_of_others(
    make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    digest = make_slices(bright="tampered", patients=1)
    old = make_package("a", dataset_sha256=digest)
    (old / PREDICTIONS_FILE).unlink()
    nominate([old], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", dataset="elsewhere", dataset_sha256="e" * 64)], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "one patient says nothing of others" in str(caught.value.received)
    assert "add patients" in str(caught.value.remedy)


def test_without_the_data_two_of_different_data_cannot_be_compared(
    make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    make_slices(bright="tampered")
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.9, dataset_sha256="e" * 64)], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "different data" in str(caught.value.received)
    assert caught.value.remedy == "dvc repro slices@chest (or dvc pull), then medfake promote"


def test_without_data_and_without_predictions_nothing_is_compared(
    make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    old = make_package("a", val=0.7)
    (old / PREDICTIONS_FILE).unlink()
    nominate([old], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.9)], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "one was registered without its predictions" in str(caught.value.received)
    assert caught.value.remedy == "dvc repro slices@chest (or dvc pull), then medfake promote"


def test_only_validation_predictions_are_stored_with_a_version(
    make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    package = make_package("a")
    rows = predictions_of(0.8, read_card(package))
    both = pd.concat([rows, rows.assign(split="test", slice_id="t" + rows["slice_id"])], ignore_index=True)
    write_predictions(package / PREDICTIONS_FILE, both)
    nominate([package], AUC, registry)
    version = registry.find("challenger")
    stored = stored_predictions(version, registry.package(version))
    assert stored is not None
    assert (len(stored), set(stored["split"])) == (200, {"val"})
    assert not (pd.read_parquet(registry.package(version) / PREDICTIONS_FILE)["split"] == "test").any()


@pytest.mark.parametrize(("shift", "passes"), [(0.0, True), (0.0002, False)])
def test_predictions_that_are_not_of_the_graph_refuse_it(
    shift: float, passes: bool, make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    package = make_package("a", dataset_sha256=make_slices(bright="tampered"))
    rows = predict(Dataset.open(HERE.slices / "chest"), package, ["val"], "ResidualCNN", 1).rows
    write_predictions(package / PREDICTIONS_FILE, rows.assign(p_tampered=rows["p_tampered"] + np.float32(shift)))
    nominate([package], AUC, registry)
    (said,) = (one for one in judge(registry, HERE).judged if one.gate.name == "agreement")
    assert said.ruling.passed is passes
    assert ("its scores by 0.0e+00 from" if passes else "its scores by 2.0e-04 from") in said.ruling.sentence


def test_a_champion_of_another_modality_is_not_compared_and_the_reason_is_told(
    make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    digest = make_slices(bright="real")
    nominate([make_package("a", modality="MR")], AUC, registry)
    promote(registry, HERE)
    nominate([measured_on_slices(make_package("b", dataset_sha256=digest, detector=STACK), right=True)], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "version 2 (Hybrid) judges CT, and version 1 (ResidualCNN) MR" in str(caught.value.received)
    assert "a registry of its own" in str(caught.value.remedy)


@pytest.fixture
def along_z(make_slices: MakeSlices, make_package: Callable[..., Path], registry: ModelRegistry) -> None:
    """The champion averages over slices along z and was measured on other data; the challenger has data of its own."""
    digest = make_slices(bright="real")
    sequence = make_package("a", detector="SliceWindow")
    onnx.save(mean_along_z(), sequence / AGGREGATION_FILE)
    nominate([sequence], AUC, registry)
    promote(registry, HERE)
    nominate([measured_on_slices(make_package("b", dataset_sha256=digest, detector=STACK), right=True)], AUC, registry)


def mean_along_z() -> onnx.ModelProto:
    """An aggregation that says of every slice and of the scan what their mean log odds say."""
    nodes = [
        helper.make_node("ReduceMean", ["slice_logit"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["slice_logit", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "mean"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["slice_p"]),
        helper.make_node("ReduceMax", ["slice_p"], ["scan_p"], keepdims=0),
    ]
    given = [helper.make_tensor_value_info("slice_logit", TensorProto.FLOAT, ["n"])]
    outputs = [helper.make_tensor_value_info(*one) for one in
               (("slice_p", TensorProto.FLOAT, ["n"]), ("scan_p", TensorProto.FLOAT, []))]  # fmt: skip
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0])
    graph = helper.make_graph(nodes, "mean", given, outputs, initializer=[nothing])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_looks_along_z_is_not_scored_on_the_data_sets_slices_alone(along_z: None, registry: ModelRegistry) -> None:
    """Its stored figures were made with slices around: where those cannot be read, it is refused and told."""
    shutil.copyfile(PARAMS, HERE.params_file)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "what lies around its slices cannot be read" in str(caught.value.received)
    assert "dvc repro scans@chest" in str(caught.value.remedy)
