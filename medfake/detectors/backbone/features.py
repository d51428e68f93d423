"""Pooled features of a frozen backbone: constant, so computed once for each data set, whatever the seed."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.graph import build_extractor
from medfake.detectors.backbone.normalisation import measure_normalisation, require_spread
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec
from medfake.detectors.backbone.weights import Weights, build_backbone, find_weights
from medfake.errors import ManifestError
from medfake.files import in_a_word, replace_folder, write_json
from medfake.locks import waiting_turn
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scorer import BATCH, INPUT, open_session
from medfake.progress import track
from medfake.training.hardware import device_count, has_gpu
from medfake.training.keras_setup import import_keras
from medfake.training.pace import read_ahead
from medfake.vocabulary import Split

FEATURES_FILE, FACTS_FILE = "features.npy", "features.json"
EXTRACTOR_ONNX, EXTRACTOR_KERAS = "extractor.onnx", "extractor.keras"
BACKBONE_SEED = 1  # of random weights that stay frozen: the seeds of a study vary the head, and share the features
_FORMAT = 1
_GPU_BATCH = 32

Table = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """What `compute_features` stored.

    Attributes:
        table: (slices, feature_width) float32, rows as in the manifest.
        key: Hash of all that they depend on.
        weights: The backbone's initial ones.
    """

    folder: Path
    table: Table
    key: str
    weights: Weights

    def of(self, rows: pd.DataFrame) -> Table:
        """Features of some rows of the manifest, which keep its index; (len(rows), feature_width)."""
        return np.ascontiguousarray(self.table[rows.index.to_numpy()])

    def extractor(self) -> Any:
        """The Keras model that they come from, (slices, rows, cols) int16 HU -> (slices, feature_width)."""
        from medfake.detectors.layers import keras  # which registers what the file names

        return keras.saving.load_model(self.folder / EXTRACTOR_KERAS)


def compute_features(
    spec: BackboneSpec, options: BackboneOptions, dataset: Dataset, folder: Path, seed: int = BACKBONE_SEED
) -> Features:
    """Store the features of every slice, unless the folder holds them already.

    ONNX Runtime computes them on a CPU, Keras on a GPU. A backbone without weights stays at random ones, with batch
    statistics measured on training slices.

    Args:
        spec: Of the backbone.
        options: weights, input_size and window_hu count; the others do not.
        dataset: All its splits.
        folder: Replaced when what it holds was computed from something else.
        seed: Of random weights, where the backbone has no others.

    Raises:
        WeightsError: The weights are not there.
        TrainingError: The backbone gives the same features for every slice.
    """
    weights = find_weights(spec, options.weights)
    facts: dict[str, Any] = {
        "format": _FORMAT,
        "dataset_sha256": dataset.digest,
        "splits": dataset.parts,
        "backbone": spec.name,
        "weights": {"kind": weights.kind, "sha256": weights.sha256},
        "input_size": options.input_size,
        "window_hu": list(options.window_hu),
        **({"seed": seed} if weights.kind == "none" else {}),
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    with waiting_turn(folder):
        return _stored(folder, key, weights) or _compute(spec, options, dataset, folder, facts | {"key": key}, weights)


def _compute(
    spec: BackboneSpec,
    options: BackboneOptions,
    dataset: Dataset,
    folder: Path,
    facts: Mapping[str, Any],
    weights: Weights,
) -> Features:
    import_keras(facts.get("seed", BACKBONE_SEED))
    backbone = build_backbone(spec, (options.input_size, options.input_size, 3), weights)
    extractor, images = build_extractor(backbone, options, spec.contract)
    if weights.kind == "none":
        measure_normalisation(images, backbone, dataset)
    backbone.trainable = False
    with replace_folder(folder) as partial:
        extractor.save(partial / EXTRACTOR_KERAS)
        write_onnx(extractor, partial / EXTRACTOR_ONNX, dataset.slices(dataset.manifest.iloc[:1]))
        started = time.monotonic()
        table = _extract(dataset, *_engine(extractor, partial))
        require_spread(table[dataset.split(Split.TRAIN).index], spec.name)
        np.save(partial / FEATURES_FILE, table, allow_pickle=False)
        rate = len(table) / max(time.monotonic() - started, 1e-9)
        write_json(partial / FACTS_FILE, {**facts, "shape": list(table.shape), "slices_per_s": rate})
    return Features(folder, table, facts["key"], weights)


def _engine(extractor: Any, folder: Path) -> tuple[Callable[[NDArray[np.int16]], Table], int]:
    if has_gpu() and device_count() == 1:  # batches of any size cannot be shared
        return extractor.predict_on_batch, _GPU_BATCH
    session = open_session(folder / EXTRACTOR_ONNX)
    return lambda slices: session.run(None, {INPUT: slices})[0], BATCH


def _extract(dataset: Dataset, engine: Callable[[NDArray[np.int16]], Table], batch_size: int) -> Table:
    rows = dataset.manifest
    ahead = read_ahead(dataset.batches(rows, batch_size))
    batches = track(ahead, f"features of {len(rows)} slices", -(-len(rows) // batch_size))
    return np.concatenate([np.asarray(engine(batch), np.float32) for batch in batches])


def _stored(folder: Path, key: str, weights: Weights) -> Features | None:
    """What the folder holds, if it is what is asked for."""
    facts: Mapping[str, Any]
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        if facts.get("key") != key:
            return None
        table = np.load(folder / FEATURES_FILE, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ManifestError(
            "the stored features cannot be read", where=folder, received=in_a_word(error),
            remedy=f"rm -r {folder}, then dvc repro",
        ) from None  # fmt: skip
    return Features(folder, table, key, weights)
