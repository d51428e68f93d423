"""A sample after one perturbation, severity by severity."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.neighbours import Neighbourhood
from medfake.errors import SourceError
from medfake.metrics.robustness.figures import Perturbed, Rows
from medfake.metrics.robustness.sample import Sample
from medfake.package.scorer import SMALLEST_EDGE
from medfake.robustness.registry import Given, Gradient, Needs, Perturbation, Slice, Stack
from medfake.training.input_gradient import InputGradient
from medfake.vocabulary import Modality

FindNeighbours = Callable[[pd.DataFrame, float], Iterator[Neighbourhood | None]]
"""Rows of whole slices and a reach in mm -> what lies around each."""
WHOLE_VIEW = "whole"


@dataclass(frozen=True)
class Usable:
    """The slices of a sample that a perturbation can be done to.

    Attributes:
        rows: As places in the sample.
        stacks: Of each, where neighbours are needed; else none at all.
        reason: Why there are none; "" where there are.
    """

    rows: Rows
    stacks: Sequence[Stack] = ()
    reason: str = ""


@dataclass(frozen=True)
class Severe:
    """A severity, done.

    Attributes:
        perturbed: The slices.
        without_lung: Slices that showed lung before and show none now.
        unmoved: Slices that came out as they went in.
        reason: Why no detector can be measured on them; "" where it can.
    """

    perturbed: Perturbed
    without_lung: int
    unmoved: int
    reason: str = ""


def usable(
    one: Perturbation,
    most: float,
    sample: Sample,
    view: str,
    find: FindNeighbours,
    modality: Modality = Modality.CT,
) -> Usable:
    """Find what a perturbation can be done to.

    Args:
        one: The perturbation.
        most: Its highest severity: where one slice lacks neighbours for it, it is left out of all severities.
        sample: Slices.
        view: Of the data set.
        find: Where neighbours come from.
        modality: Of the data set.
    """
    everything = np.arange(len(sample.rows), dtype=np.intp)
    if modality not in one.modalities:
        reason = f"{one.name} is of {', '.join(one.modalities)} alone, and the data set of {modality}"
        return Usable(everything[:0], reason=reason)
    if one.needs is not Needs.NEIGHBOURS:
        return Usable(everything)
    if view != WHOLE_VIEW:
        return Usable(everything[:0], reason=f"the data set holds parts of slices ({view}): they have no neighbours")
    try:
        around = list(find(sample.rows, most / 2))
    except SourceError:
        return Usable(everything[:0], reason="the sources of the data set are not here: there are no neighbours")
    found = [(row, near) for row, near in enumerate(around) if near is not None]
    if not found:
        return Usable(everything[:0], reason="no slice has neighbours as far as the thickest slab reaches")
    z_mm = sample.rows.z_mm.to_numpy(np.float64)
    stacks = [Stack(near.volume, near.z_mm, float(z_mm[row])) for row, near in found]
    return Usable(np.array([row for row, _ in found], np.intp), stacks)


def as_it_is(sample: Sample, rows: Rows) -> Severe:
    """Some slices at severity 0."""
    slices = [sample.slices[row] for row in rows]
    spacing = [(float(mm), float(mm)) for mm in sample.spacing_mm[rows]]
    return Severe(Perturbed(rows, slices, spacing, sample.sites[rows]), 0, len(rows), _too_small(slices))


def done(
    one: Perturbation, severity: float, sample: Sample, of: Usable, seed: int, gradient: InputGradient | None = None
) -> Severe:
    """Do a perturbation at a severity; chance is the same for all detectors and severities.

    Args:
        one: The perturbation.
        severity: Of its scale.
        sample: Slices.
        of: Those that it can be done to.
        seed: Of all chance.
        gradient: Of the detector that is attacked.
    """
    before = as_it_is(sample, of.rows).perturbed
    slices, spacing, sites, lost, showed, unmoved = list[Slice](), [], [], 0, 0, 0
    for number, (row, hu, mm, site) in enumerate(
        zip(of.rows, before.slices, before.spacing_mm, before.sites, strict=True)
    ):
        given = Given(
            np.asarray(hu), np.random.default_rng([seed, int(row)]), of.stacks[number] if of.stacks else None,
            _of_slice(gradient, sample.label[row : row + 1]) if gradient else None,
        )  # fmt: skip
        made = one.at(severity, given)
        size, after = (hu.shape[0], hu.shape[1]), (made.shape[0], made.shape[1])
        slices.append(made)
        spacing.append(one.spacing_after(mm, size, after))
        sites.append(one.move(site[None], size, after)[0])
        shows = bool(sample.shows_lung[row])
        showed += shows
        lost += shows and not sample.region.in_view(made, float(np.sqrt(np.prod(spacing[-1]))))
        unmoved += made.shape == hu.shape and bool((made == hu).all())
    reason = _too_small(slices)
    if showed and lost == showed:
        reason = f"no lung is left in {lost} of {showed} slices that showed some"
    return Severe(Perturbed(of.rows, slices, spacing, np.array(sites).reshape(-1, 2)), lost, unmoved, reason)


def _of_slice(gradient: InputGradient, label: NDArray[np.int64]) -> Gradient:
    return lambda hu: gradient(hu[None], label.astype(np.float32))[0]


def _too_small(slices: Sequence[Slice]) -> str:
    edge = min((min(hu.shape) for hu in slices), default=SMALLEST_EDGE)
    return "" if edge >= SMALLEST_EDGE else f"slices of {edge} px are smaller than the {SMALLEST_EDGE} px of detectors"
