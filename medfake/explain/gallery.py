"""A few explained slices for eyes: what a detector is surest of, what it misses most, what it is least sure of."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from medfake.dicom.window import grey_of
from medfake.explain.measure import ExplainedSlice
from medfake.explain.overlay import overlay, panels
from medfake.explain.record import Shown
from medfake.files import write_atomic
from medfake.log_odds import logit
from medfake.metrics.localisation import HIT_MM
from medfake.regions import region_of

EDGE: Final = 288
"""Px of each half of a picture; with two halves and few colours some 35 kB."""
_MARGIN_MM: Final = 15.0
_CLIP: Final = 1e-6


def choose_slices(
    slices: Sequence[ExplainedSlice], p: Mapping[str, float], threshold: float
) -> Iterator[tuple[str, ExplainedSlice]]:
    """At most three different ones, each with the reason.

    Args:
        slices: Manipulated ones.
        p: P(tampered) by slice_id.
        threshold: Of slices, as on the card.
    """
    left = list(slices)

    def take(why: str, place: int) -> tuple[str, ExplainedSlice]:
        return why, left.pop(place)

    if left:
        yield take("best", int(np.argmax([p[one.slice_id] for one in left])))
    if left:
        yield take("worst", int(np.argmin([p[one.slice_id] for one in left])))
    if left:
        far = [abs(logit(p[one.slice_id], _CLIP) - logit(threshold, _CLIP)) for one in left]
        yield take("most uncertain", int(np.argmin(far)))


def write_gallery(
    folder: Path, slices: Sequence[ExplainedSlice], p: Mapping[str, float], threshold: float
) -> tuple[Shown, ...]:
    """Write a small PNG of each chosen slice; arguments as for `choose_slices`."""
    shown = []
    for why, one in choose_slices(slices, p, threshold):
        name = f"{why.replace(' ', '-')}.png"
        with write_atomic(folder / name, "wb") as file:
            file.write(picture(one))
        said = one.said
        shown.append(
            Shown(
                file=name, why=why, manipulation=said.manipulation, patient_id=said.patient_id,
                p_tampered=p[one.slice_id], hit=said.hits_within(HIT_MM), peak=said.strongest is not None,
            )
        )  # fmt: skip
    return tuple(shown)


def picture(one: ExplainedSlice) -> bytes:
    """PNG of the lungs of a slice, or of other tissue that is looked at, as it is and under its map."""
    down, across = _region_and_places(one)
    grey = np.repeat(grey_of(one.hu, one.modality)[..., None], 3, axis=2)
    (site,) = one.said.sites[:1].tolist()

    def moved(place: Sequence[float] | None) -> tuple[float, float] | None:
        return None if place is None else (place[0] - down.start, place[1] - across.start)

    radius = (HIT_MM / one.said.spacing_mm[0], HIT_MM / one.said.spacing_mm[1])
    mapped = overlay(one.hu, one.heat, one.modality)
    return panels(
        grey[down, across], mapped[down, across], EDGE, site=moved(site), radius_px=radius,
        peak=moved(one.said.strongest),
    )  # fmt: skip


def _region_and_places(one: ExplainedSlice) -> tuple[slice, slice]:
    """Rows and columns that hold the region, site and peak with a margin; all where there is nothing of it."""
    region = np.argwhere(region_of(one.modality).in_slice(one.hu, one.said.spacing_mm[0]))
    if not len(region):
        return slice(0, one.hu.shape[0]), slice(0, one.hu.shape[1])
    peaks = [] if one.said.strongest is None else [one.said.strongest]
    held = np.concatenate([region, one.said.sites, np.array(peaks).reshape(-1, 2)])
    margin = _MARGIN_MM / np.array(one.said.spacing_mm)
    low, high = np.floor(held.min(axis=0) - margin).astype(int), np.ceil(held.max(axis=0) + margin).astype(int)
    ends = zip(low.tolist(), high.tolist(), one.hu.shape, strict=True)
    down, across = (slice(max(0, first), min(size, last + 1)) for first, last, size in ends)
    return down, across
