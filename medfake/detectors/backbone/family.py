"""Backbones as a family: two phases, features shared by all seeds, and what a training takes."""

import hashlib
import json
import time
from pathlib import Path
from typing import Final

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.features import compute_features
from medfake.detectors.backbone.fit import BackboneContext, train_two_phase
from medfake.detectors.backbone.graph import build_extractor
from medfake.detectors.backbone.last_maps import cut_backbone
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import FAMILY, BackboneSpec
from medfake.detectors.backbone.weights import find_weights
from medfake.detectors.cost import BACKWARD, START_S, Cost, Estimate, SplitSizes
from medfake.detectors.families import Family, family
from medfake.detectors.last_maps import LastMaps
from medfake.detectors.stored_network import load_network
from medfake.training.adversarial import slower
from medfake.training.keras_setup import clear_session, import_keras
from medfake.training.precision import SINGLE, policy_of
from medfake.training.trained import Trained

_SLICES, _ROUNDS = 2, 2
_STEP_OF_HEAD_S: Final = 1.5e-3  # a batch of features through the dense layers, on a slow core
_BYTES: Final = 4 + 4  # of a weight in detector.keras and detector.onnx
_FEATURE_BYTES: Final = 4


@family(FAMILY)
class Backbones(Family[BackboneSpec, BackboneOptions]):
    """Image networks with a head."""

    network = True
    convolutional = True

    def fit(self, context: BackboneContext) -> Trained:
        """Train the head on frozen features, then everything."""
        return train_two_phase(context)

    def prepare(self, spec: BackboneSpec, options: BackboneOptions, dataset: Dataset, folder: Path) -> str:
        """Compute the features, unless they are there; networks from scratch share none."""
        if options.from_scratch:
            folder.mkdir(parents=True, exist_ok=True)
            return f"{spec.name} is trained from scratch: each seed has weights of its own, so no features are shared"
        features = compute_features(spec, options, dataset, folder)
        slices, width = features.table.shape
        return f"{slices} slices x {width} features in {folder}, key {features.key[:12]}"

    def features_key(self, options: BackboneOptions) -> str | None:
        """Of weights, input size and window; None for networks from scratch."""
        if options.from_scratch:
            return None
        facts = json.dumps([options.weights, options.input_size, options.window_hu])
        return hashlib.sha256(facts.encode()).hexdigest()[:10]

    def policy(self, options: BackboneOptions) -> str:
        """That of the second phase; the first has nothing to gain from another than single precision."""
        return policy_of(options.precision) if options.fine_tune.epochs else SINGLE

    def weights_sha256(self, spec: BackboneSpec, options: BackboneOptions) -> str | None:
        """Of the weights file."""
        return find_weights(spec, options.weights).sha256

    def last_maps(self, spec: BackboneSpec, package: Path) -> LastMaps:
        """Those of the layer that is registered with the backbone."""
        return cut_backbone(load_network(package), spec.gradcam_layer)

    def estimate(self, spec: BackboneSpec, options: BackboneOptions) -> Estimate:
        """From a forward pass of Keras; ONNX Runtime, which computes features on a CPU, is faster."""
        rate = forward_rate(spec, options)
        weights = spec.parameters_with_head(options.head) or 0

        def cost(sizes: SplitSizes) -> Cost:
            head = options.epochs * sizes.train / options.batch_size * _STEP_OF_HEAD_S
            tries = (
                len(options.candidates()) * (options.folds - 1) if options.grid else 0
            )  # each folds - 1 parts of all
            head += head * tries * (sizes.train + sizes.val) / sizes.train
            own = sizes.all / rate if options.from_scratch else 0.0  # features that no other seed has
            backward = BACKWARD * slower(options.adversarial)
            tune = options.fine_tune.epochs * (backward * sizes.train + sizes.val) / rate
            return Cost(
                training_bytes=weights * _BYTES,
                training_s=own + head + tune + (sizes.val + sizes.test) / rate + START_S,
                shared_bytes=0.0 if options.from_scratch else sizes.all * spec.feature_width * _FEATURE_BYTES,
                shared_s=0.0 if options.from_scratch else sizes.all / rate,
                slices_per_s=rate,
            )

        return cost


def forward_rate(spec: BackboneSpec, options: BackboneOptions) -> float:
    """Slices per second of a forward pass, measured."""
    import_keras(1)
    edge = options.input_size
    extractor, _ = build_extractor(spec.build((edge, edge, 3), None), options, spec.contract)
    slices = np.zeros((_SLICES, edge, edge), np.int16)
    extractor.predict_on_batch(slices)
    started = time.perf_counter()
    for _ in range(_ROUNDS):
        extractor.predict_on_batch(slices)
    seconds = time.perf_counter() - started
    clear_session()
    return _SLICES * _ROUNDS / seconds
