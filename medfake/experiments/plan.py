"""What a study will cost on this machine, as far as the families of its detectors can estimate it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final

import numpy as np

from medfake.config import DatasetParams, Params
from medfake.datasets.augment import transforms
from medfake.datasets.manifest import MANIFEST_FILE, read_manifest
from medfake.datasets.views.registry import view_of
from medfake.detectors.cost import Cost, Estimate, Memory, SplitSizes
from medfake.detectors.families import family_of
from medfake.detectors.registry import detector_spec, validate_options
from medfake.progress import track
from medfake.vocabulary import Split

_UNKNOWN_SLICES: Final = 2500
_SLICE_PX: Final = 512  # edge of a slice as most scanners take it


@dataclass(frozen=True)
class Line:
    """One detector on one data set.

    Attributes:
        trainings: With all first seeds; those of folds are counted in hours and gigabytes alone.
        slices_per_s: Measured forward pass; None for detectors that were not measured.
        hours: All trainings together; None where nothing was measured.
        gigabytes: What they leave behind; None where the detector cannot be built.
        memory: That a training takes; None where nothing is known of it.
    """

    dataset: str
    detector: str
    trainings: int
    slices: int
    slices_per_s: float | None
    hours: float | None
    gigabytes: float | None
    memory: Memory | None = None

    def memory_warning(self, machine_bytes: float) -> str | None:
        """What to know of memory before it is spent: a sample that is learnt from, or a machine that is too small.

        Args:
            machine_bytes: Memory of the machine.
        """
        if self.memory is None:
            return None
        needed, limit, has = self.memory.needed_bytes / 1e9, self.memory.limit_bytes / 1e9, machine_bytes / 1e9
        who = f"{self.detector} on {self.dataset}"
        if min(needed, limit) > has:
            return (
                f"{who} takes {min(needed, limit):.1f} GB, and this machine has {has:.1f}: set "
                f"detectors.{self.detector}.memory_gb lower, and a sample is learnt from"
            )
        if needed > limit:
            return (
                f"{who} would take {needed:.1f} GB, and its memory_gb is {limit:g} (this machine has {has:.1f}): "
                f"a sample of {self.memory.slices} training slices is learnt from"
            )
        return None


@dataclass(frozen=True)
class Plan:
    """A study's cost.

    Attributes:
        lines: First trainings.
        repeated: Trainings of the best again, of which it is not known yet which they are.
        data_gigabytes: Of the data sets.
        guessed: Data sets that are not built and do not say how large they will be.
        missing: Detector to the package that it needs and that is not installed.
        generators: Of whole slices, a training each.
    """

    lines: tuple[Line, ...]
    repeated: int
    data_gigabytes: float
    guessed: tuple[str, ...]
    missing: Mapping[str, str]
    generators: tuple[Line, ...] = ()

    @property
    def trainings(self) -> int:
        """First ones and repeated ones, and those of generators."""
        return sum(line.trainings for line in (*self.lines, *self.generators)) + self.repeated

    @property
    def unmeasured(self) -> list[str]:
        """Detectors whose hours are not known, in the order of their lines."""
        return list(dict.fromkeys(line.detector for line in self.lines if line.hours is None))

    @property
    def repeated_hours(self) -> float | None:
        """Of the repeated trainings, as if they were average ones of those measured; None where nothing was."""
        known = [line.hours / line.trainings for line in self.lines if line.hours is not None]
        return self.repeated * float(np.mean(known)) if known else None

    @property
    def hours(self) -> float | None:
        """Of all that was measured, which is not all where `unmeasured` names detectors; None where nothing was."""
        known = [line.hours for line in (*self.lines, *self.generators) if line.hours is not None]
        return sum(known) + (self.repeated_hours or 0.0) if known else None

    @property
    def gigabytes(self) -> float:
        """On disk: data sets, features and packages."""
        return self.data_gigabytes + sum(line.gigabytes or 0.0 for line in self.lines)


def make_plan(params: Params, slices: Path) -> Plan:
    """Measure each detector of a study for a few seconds and add up.

    Data sets that are built count as they are, others as they say (`planned_slices`). A detector whose package is not
    installed is planned without figures.

    Args:
        params: The study.
        slices: Folder of the data sets that are built.
    """
    sizes = {name: _slices(params, slices / name) for name in params.train.datasets}
    estimates: dict[str, Estimate] = {}
    missing: dict[str, str] = {}
    for name in track(params.train.detectors, "measuring detectors", len(params.train.detectors)):
        try:
            estimates[name] = _estimate(params, name)
        except ModuleNotFoundError as error:
            missing[name] = str(error.name)
    lines = [
        _line(params, dataset, detector, sizes[dataset] or _UNKNOWN_SLICES, estimates.get(detector))
        for dataset in params.train.datasets
        for detector in params.train.detectors
    ]
    repeat = params.train.repeat
    repeated = len(params.train.datasets) * repeat.best * len(repeat.seeds) if repeat else 0
    data = [
        (sizes[name] or _UNKNOWN_SLICES) * 2 * prod(view_of(params.datasets[name].view).shape(_SLICE_PX, _SLICE_PX))
        for name in sizes
    ]
    guessed = tuple(name for name, size in sizes.items() if size is None)
    generators = tuple(_generator_line(params, name, slices) for name in params.generators)
    return Plan(tuple(lines), repeated, sum(data) / 1e9, guessed, missing, generators)


def _slices(params: Params, folder: Path) -> int | None:
    if (folder / MANIFEST_FILE).exists():
        return len(read_manifest(folder))
    return params.datasets[folder.name].planned_slices


def _estimate(params: Params, detector: str) -> Estimate:
    spec = detector_spec(detector)
    return family_of(spec).estimate(spec, validate_options(detector, params.detectors[detector]))


def _line(params: Params, dataset: str, detector: str, slices: int, estimate: Estimate | None) -> Line:
    block, trainings = params.datasets[dataset], len(params.train.seeds)
    with_folds = trainings * (1 + (block.split.folds or 0))  # those of folds learn from no more slices
    if estimate is None:
        return Line(dataset, detector, trainings, slices, None, None, None)
    shape = view_of(block.view).shape(_SLICE_PX, _SLICE_PX)
    train, val, test = (share * slices for share in _shares(block))
    cost: Cost = estimate(SplitSizes(train, val, test, *shape))
    seconds = cost.seconds(with_folds)
    hours = None if seconds is None else seconds / 3600
    gigabytes = cost.bytes(with_folds) / 1e9
    return Line(dataset, detector, trainings, slices, cost.slices_per_s, hours, gigabytes, cost.memory)


def _generator_line(params: Params, name: str, slices: Path) -> Line:
    """A generator of whole slices: some of its steps are timed."""
    from medfake.generators.cost import seconds_of_a_step

    plan = params.generators[name]
    count = _slices(params, slices / plan.dataset) or _UNKNOWN_SLICES
    learnt = count * _shares(params.datasets[plan.dataset])[0]
    seconds = seconds_of_a_step(plan)
    hours = plan.epochs * (learnt / plan.batch_size) * seconds / 3600
    return Line(plan.dataset, f"generator {name}", 1, count, plan.batch_size / seconds, hours, None)


def _shares(block: DatasetParams) -> list[float]:
    """Of stored slices, by split; copies stand in those that are augmented."""
    split = block.split
    sizes = {Split.TRAIN: 1 - split.val - split.test, Split.VAL: split.val, Split.TEST: split.test}
    if block.augment:
        for name in block.augment.splits:
            sizes[name] *= 1 + len(transforms(block.augment))
    return [size / sum(sizes.values()) for size in sizes.values()]
