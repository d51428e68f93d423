"""What a study will cost on this machine, from a short measured forward pass of each of its networks."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final, cast

import numpy as np

from medfake.config import Params
from medfake.datasets.manifest import MANIFEST_FILE, read_manifest
from medfake.datasets.views.registry import view_of
from medfake.detectors.backbone.graph import build_extractor
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.registry import DetectorSpec, detector_spec, parameters_with_head, validate_options
from medfake.progress import track
from medfake.training.keras_setup import import_keras

_SLICES, _ROUNDS = 2, 2
_STEP_OF_HEAD_S: Final = 1.5e-3  # a batch of features through the dense layers, on a slow core
_BACKWARD: Final = 3.0  # a training step takes as long as so many forward passes
_START_S: Final = 30.0  # imports, export and storing, once a training
_BYTES: Final = {"keras": 4, "onnx": 4}  # of a weight in each stored form
_UNKNOWN_SLICES: Final = 2500
_SLICE_PX: Final = 512  # edge of a slice as most scanners take it


@dataclass(frozen=True)
class Line:
    """One detector on one data set.

    Attributes:
        trainings: With all first seeds.
        slices_per_s: Measured forward pass; None for detectors that were not measured.
        hours: All trainings together; None where nothing was measured.
        gigabytes: What they leave behind.
    """

    dataset: str
    detector: str
    trainings: int
    slices: int
    slices_per_s: float | None
    hours: float | None
    gigabytes: float


@dataclass(frozen=True)
class Plan:
    """A study's cost.

    Attributes:
        lines: First trainings.
        repeated: Trainings of the best again, of which it is not known yet which they are.
        repeated_hours: As if they were average ones.
        data_gigabytes: Of the data sets.
        guessed: Data sets that are not built and do not say how large they will be.
    """

    lines: tuple[Line, ...]
    repeated: int
    repeated_hours: float
    data_gigabytes: float
    guessed: tuple[str, ...]

    @property
    def trainings(self) -> int:
        """First ones and repeated ones."""
        return sum(line.trainings for line in self.lines) + self.repeated

    @property
    def hours(self) -> float:
        """Of all that was measured."""
        return sum(line.hours or 0.0 for line in self.lines) + self.repeated_hours

    @property
    def gigabytes(self) -> float:
        """On disk: data sets, features and packages."""
        return self.data_gigabytes + sum(line.gigabytes for line in self.lines)


def make_plan(params: Params, slices: Path) -> Plan:
    """Measure each network of a study for a few seconds and add up.

    A forward pass is that of Keras; ONNX Runtime, which computes features on a CPU, is faster. A training step counts
    as three forward passes. Data sets that are built count as they are, others as they say (`planned_slices`).

    Args:
        params: The study.
        slices: Folder of the data sets that are built.
    """
    sizes = {name: _slices(params, slices / name) for name in params.train.datasets}
    specs = [detector_spec(name) for name in params.train.detectors]
    rates = dict(_rates(params, specs))
    lines = [
        _line(params, dataset, spec, sizes[dataset] or _UNKNOWN_SLICES, rates)
        for dataset in params.train.datasets
        for spec in specs
    ]
    repeat = params.train.repeat
    repeated = len(params.train.datasets) * repeat.best * len(repeat.seeds) if repeat else 0
    known = [line.hours / line.trainings for line in lines if line.hours is not None]
    data = [
        (sizes[name] or _UNKNOWN_SLICES) * 2 * prod(view_of(params.datasets[name].view).shape(_SLICE_PX, _SLICE_PX))
        for name in sizes
    ]
    return Plan(
        tuple(lines),
        repeated,
        repeated * float(np.mean(known)) if known else 0.0,
        sum(data) / 1e9,
        tuple(name for name, size in sizes.items() if size is None),
    )


def _slices(params: Params, folder: Path) -> int | None:
    if (folder / MANIFEST_FILE).exists():
        return len(read_manifest(folder))
    return params.datasets[folder.name].planned_slices


def _rates(params: Params, specs: list[DetectorSpec]) -> Iterator[tuple[str, float]]:
    networks = [spec for spec in specs if spec.family == "backbone"]
    for spec in track(networks, "measuring networks", len(networks)):
        options = cast("BackboneOptions", validate_options(spec.name, params.detectors[spec.name]))
        yield spec.name, _rate(spec, options)


def _rate(spec: DetectorSpec, options: BackboneOptions) -> float:
    """Slices per second of a forward pass."""
    keras = import_keras(1)
    edge = options.input_size
    extractor, _ = build_extractor(spec.build((edge, edge, 3), None), options, str(spec.contract))
    slices = np.zeros((_SLICES, edge, edge), np.int16)
    extractor.predict_on_batch(slices)
    started = time.perf_counter()
    for _ in range(_ROUNDS):
        extractor.predict_on_batch(slices)
    seconds = time.perf_counter() - started
    keras.backend.clear_session()
    return _SLICES * _ROUNDS / seconds


def _line(params: Params, dataset: str, spec: DetectorSpec, slices: int, rates: Mapping[str, float]) -> Line:
    options = validate_options(spec.name, params.detectors[spec.name])
    split, seeds = params.datasets[dataset].split, len(params.train.seeds)
    train, val, test = (share * slices for share in (1 - split.val - split.test, split.val, split.test))
    if isinstance(options, BackboneOptions):
        rate = rates[spec.name]
        head = options.epochs * train / options.batch_size * _STEP_OF_HEAD_S
        tune = options.fine_tune.epochs * (_BACKWARD * train + val) / rate
        seconds = slices / rate + seeds * (head + tune + (val + test) / rate + _START_S)
        weights = parameters_with_head(spec.name, options.head)
        stored = seeds * weights * sum(_BYTES.values()) + slices * int(spec.feature_width or 0) * 4
        return Line(dataset, spec.name, seeds, slices, rate, seconds / 3600, stored / 1e9)
    small = isinstance(options, ResidualCNNOptions)
    return Line(dataset, spec.name, seeds, slices, None, None, (1e6 if small else 5e7) * seeds / 1e9)
