"""Backbones in two phases (Alsabbagh and Al-Kadi, section 4): the head on frozen features, then everything, gently."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.features import BACKBONE_SEED, EXTRACTOR_ONNX, Features, compute_features
from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head, build_logits, build_top
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec
from medfake.detectors.context import TrainingContext
from medfake.detectors.grid_search import GRID_FILE, Fold, GridSearch, search_grid, searched_rows
from medfake.errors import ExportMismatchError, TrainingError
from medfake.package.export import export_keras
from medfake.training.adversarial import against_attacks
from medfake.training.calibration import TEMPERATURE, fit_temperature
from medfake.training.hardware import explain_out_of_memory, share_devices
from medfake.training.keras_setup import import_keras
from medfake.training.phase import BatchSource, Phase, ShuffledRows, train_phase
from medfake.training.precision import SINGLE, computing_in
from medfake.training.run_state import RunState
from medfake.training.trained import Trained
from medfake.vocabulary import CLASSES, Split

_HEAD, _FINE_TUNE = "head", "fine-tune"
_CHECKED_SLICES = 4
_LARGEST_FEATURE_DIFFERENCE = 1e-4
_HEAD_VAL_BATCH = 4096
_EVEN = 0.5  # from here on a sigmoid says tampered
_MEAN = "mean_with_sample_weight"  # rows that only fill a batch up weigh nothing

BackboneContext = TrainingContext[BackboneSpec, BackboneOptions]


def train_two_phase(context: BackboneContext) -> Trained:
    """Train a backbone with its head.

    While the backbone is frozen its pooled features are constant: they are computed once and the head trains on them. A
    network from scratch begins with weights of its own seed, whose features no other training shares.
    The validation split chooses the weights of both phases; epochs of the second count on. Options that a grid varies
    are searched first, for the head alone.

    Raises:
        WeightsError: The weights are not there.
        TrainingError: The backbone gives the same features for every slice, memory does not suffice, or there are too
            few patients for the folds of a grid search.
        ExportMismatchError: The assembled model differs from head(features).
    """
    spec, dataset = context.spec, context.dataset
    with _features(context) as known:
        search = _search_head(context, known) if context.options.grid else None
        context = replace(context, options=search.options) if search else context
        options = context.options
        keras = import_keras(context.seed)
        share_devices()
        head = build_head(known.table.shape[1], options.head, _classes(options, dataset))
        extractor = known.extractor()
    checked = dataset.split(Split.VAL).iloc[:_CHECKED_SLICES]
    sample = dataset.slices(checked)
    with explain_out_of_memory(spec.name, options.batch_size, options.input_size):
        _train_head(keras, context, head, known)
        _require_same(build_detector(extractor, head), head, sample, known.of(checked))
        if options.fine_tune.epochs:
            _fine_tune(keras, context, extractor, head)

    calibration = _calibration(context, extractor, head, known)
    temperature = calibration.get(TEMPERATURE, 1.0)
    model = build_detector(extractor, head, temperature)
    frozen = None if options.fine_tune.epochs else (known.folder / EXTRACTOR_ONNX, build_top(head, temperature))
    weights = {key: value for key, value in asdict(known.weights).items() if key != "path"}
    return Trained(
        save=lambda folder: export_keras(model, folder, sample, frozen),
        parameters=int(model.count_params()),
        calibration=calibration,
        weights=weights,
        chosen=search.chosen if search else {},
        tables={GRID_FILE: search.table()} if search else {},
    )


@contextmanager
def _features(context: BackboneContext) -> Iterator[Features]:
    """Of the frozen backbone: shared by all seeds, or of this training alone, whose folder goes when it is read."""
    spec, options, dataset = context.spec, context.options, context.dataset
    if not options.from_scratch:
        yield compute_features(spec, options, dataset, context.features, BACKBONE_SEED)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield compute_features(spec, options, dataset, Path(folder) / "features", context.seed)


def _calibration(context: BackboneContext, extractor: Any, head: Any, known: Features) -> dict[str, float]:
    """The temperature that validation slices choose; nothing where none was asked for."""
    options, dataset = context.options, context.dataset
    if options.calibration == "none":
        return {}
    rows, logits = dataset.split(Split.VAL), build_logits(head)
    features = [known.of(rows)]  # of the frozen backbone
    if options.fine_tune.epochs:
        features = [extractor.predict_on_batch(batch) for batch in dataset.batches(rows, options.batch_size)]
    said = np.concatenate([np.asarray(logits.predict_on_batch(part)) for part in features])
    return {TEMPERATURE: fit_temperature(said, _labels(rows, _classes(options, dataset)).astype(int))}


def _classes(options: BackboneOptions, dataset: Dataset) -> int:
    """Outputs of a softmax; 0 for a sigmoid."""
    classes = int(dataset.facts.get("classes", 2))
    if options.output == "sigmoid" and classes != 2:
        raise TrainingError(
            "one sigmoid cannot tell three classes apart", where=f"data set {dataset.name}", received=classes,
            remedy="set output to softmax, or the data set's classes to 2",
        )  # fmt: skip
    return classes if options.output == "softmax" else 0


def _labels(rows: pd.DataFrame, classes: int) -> NDArray[Any]:
    """What the loss takes: 0 and 1 for a sigmoid and two classes, else the place in `CLASSES`."""
    if classes <= 2:
        return rows.label.to_numpy("float32" if classes == 0 else "int32")
    return rows.manipulation.map(CLASSES.index).to_numpy("int32")


def _compile(keras: Any, model: Any, learning_rate: float, options: BackboneOptions, classes: int) -> None:
    losses = keras.losses
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate, beta_1=options.beta_1, beta_2=options.beta_2),
        loss=(losses.SparseCategoricalCrossentropy if classes else losses.BinaryCrossentropy)(reduction=_MEAN),
    )


def _train_head(keras: Any, context: BackboneContext, head: Any, known: Features) -> None:
    if context.state.position.get("phase") == _FINE_TUNE:
        return  # it stopped in the second phase, whose weights hold the head's
    options, dataset = context.options, context.dataset
    classes = _classes(options, dataset)

    def batches(split: str, batch_size: int) -> BatchSource:
        rows = dataset.split(split)
        return BatchSource(known.of(rows).__getitem__, _labels(rows, classes), batch_size)

    _compile(keras, head, options.learning_rate, options, classes)
    phase = Phase(_HEAD, options.epochs)
    train = ShuffledRows(batches(Split.TRAIN, options.batch_size), context.seed)
    train_phase(head, train, batches(Split.VAL, _HEAD_VAL_BATCH), phase, context.state, context.on_epoch)


def _search_head(context: BackboneContext, known: Features) -> GridSearch[BackboneOptions]:
    """Search the grid for the head alone, on frozen features, which makes it cheap.

    Each candidate is trained as in the first phase, the patients held out choosing its weights: so its accuracy there
    is a little too high, alike for all candidates.
    """
    dataset, seed = context.dataset, context.seed
    rows = searched_rows(dataset)
    classes = _classes(context.options, dataset)
    labels = _labels(rows, classes)

    def learn(fold: Fold) -> Callable[[BackboneOptions], float]:
        dealt = pd.Series(Split.TRAIN.value, index=rows.index)
        dealt.iloc[fold.held_out] = Split.VAL.value
        own = replace(dataset, manifest=rows.assign(split=dealt))
        features, truth = known.of(rows.iloc[fold.held_out]), labels[fold.held_out]

        def accuracy(candidate: BackboneOptions) -> float:
            keras = import_keras(seed)
            head = build_head(known.table.shape[1], candidate.head, classes)
            with tempfile.TemporaryDirectory() as folder:
                state = RunState(Path(folder) / "state", {})
                told = replace(context, options=candidate, dataset=own, state=state, on_epoch=lambda *_: None)
                _train_head(keras, told, head, known)
            said = head.predict(features, batch_size=_HEAD_VAL_BATCH)
            called = said.argmax(axis=1) if classes else said[:, 0] >= _EVEN
            return float((called == truth).mean())

        return accuracy

    return search_grid(context, rows, labels, learn)


def unfreeze(keras: Any, backbone: Any, *, from_scratch: bool = False) -> None:
    """Make a backbone trainable; its BatchNormalization stays in inference unless the network is from scratch."""
    backbone.trainable = True
    if from_scratch:
        return
    for layer in backbone._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _fine_tune(keras: Any, context: BackboneContext, extractor: Any, head: Any) -> None:
    """Unfreeze, and go on slowly; slices are read batch by batch."""
    options, dataset = context.options, context.dataset
    classes = _classes(options, dataset)
    whole = keras.Model(extractor.input, head(extractor.output))
    trained = whole
    if options.precision != SINGLE:
        copy = build_head(extractor.output_shape[-1], options.head, classes)
        with computing_in(options.precision):
            backbone = context.spec.build((options.input_size, options.input_size, 3), None)
            half, _ = build_extractor(backbone, options, context.spec.contract)
            trained = keras.Model(half.input, copy(half.output))
        trained.set_weights(whole.get_weights())
    for layer in trained.layers:
        if isinstance(layer, keras.Model) and layer.name != head.name:
            unfreeze(keras, layer, from_scratch=options.from_scratch)

    def batches(split: str) -> BatchSource:
        rows = dataset.split(split)
        return BatchSource(lambda at: dataset.slices(rows.iloc[at]), _labels(rows, classes), options.batch_size)

    _compile(keras, trained, options.fine_tune.learning_rate, options, classes)
    start_counts = options.epochs > 0 or not options.from_scratch
    phase = Phase(_FINE_TUNE, options.fine_tune.epochs, options.epochs, start_counts)
    shuffled = ShuffledRows(batches(Split.TRAIN), context.seed)
    train = against_attacks(shuffled, options.adversarial, trained, context.seed)
    train_phase(trained, train, batches(Split.VAL), phase, context.state, context.on_epoch)
    if trained is not whole:
        whole.set_weights(trained.get_weights())


def _require_same(model: Any, head: Any, slices: NDArray[np.int16], features: NDArray[np.float32]) -> None:
    whole = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    output = np.asarray(head(features, training=False))
    parts = output[:, 1:].sum(axis=1) if output.shape[1] > 1 else output[:, 0]
    difference = float(np.abs(whole - parts).max())
    if not difference <= _LARGEST_FEATURE_DIFFERENCE:
        raise ExportMismatchError(
            f"the assembled model differs from head(features) by more than {_LARGEST_FEATURE_DIFFERENCE}",
            received=f"{difference:.2e} on {len(slices)} slices",
        )
