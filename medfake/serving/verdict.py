"""From scored slices to the verdict on their scan, its sites and what must be said beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from medfake.copies.search import Place
from medfake.datasets.pseudonyms import pseudonym
from medfake.dicom.fields import shown
from medfake.dicom.header import SliceHeader
from medfake.dicom.patients import patient_or_folder
from medfake.dicom.series import Series
from medfake.files import path_text
from medfake.metrics.scans import Verdict, decide
from medfake.package.card import Card
from medfake.package.pixel_statistics import NOTHING_SEEN, PixelStatistics
from medfake.package.scan_scores import ScanScores
from medfake.serving.report import CopyFound, PlaceFound, ScanVerdict, SiteFound, SliceScore
from medfake.serving.validity import Judged, losses_of_validity

LEAST_SLICES_WITH_LUNG: Final = 0.25
"""Share of slices that show lung, from which on a scan gets a verdict: lungs are a tenth of an abdomen or a neck that
reaches them, and four tenths of a scan from neck to pelvis."""
MOSTLY_LUNG: Final = 0.5
"""Share below which it is said that the other slices do not count."""


@dataclass(frozen=True)
class Scored:
    """A scan and what its detector says of the slices that could be decoded.

    Attributes:
        headers: (n,) of those slices, in the order of `scores`.
        pixels: What they look like, for monitoring; no verdict rests on it.
        pixels_sha256: Of all that was decoded; "" where nobody asked.
    """

    series: Series
    headers: tuple[SliceHeader, ...]
    scores: ScanScores
    pixels: PixelStatistics = NOTHING_SEEN
    pixels_sha256: str = ""

    @property
    def n_slices(self) -> int:
        """Slices with a number."""
        return int(np.isfinite(self.scores.slice_p).sum())

    @property
    def with_lung(self) -> int:
        """Of those, the ones that show lung."""
        return int((np.isfinite(self.scores.slice_p) & self.scores.shows_lung).sum())

    @property
    def shows_enough_lung(self) -> bool:
        """Whether the scan gets a verdict; if not, it is "uncertain" whatever P is."""
        return self.with_lung >= LEAST_SLICES_WITH_LUNG * self.n_slices


def judge(scored: Scored, card: Card, key: bytes) -> ScanVerdict:
    """Say of a scan whether it was tampered with.

    Slices that show lung speak for the scan. Where none does, P(tampered) is that of all slices; where they are less
    than a quarter of the scan, the verdict is "uncertain" whatever P is: the detector knows chests alone.

    Args:
        scored: At least one of its slices has a number.
        card: Of the detector.
        key: Of pseudonyms.
    """
    series, scores = scored.series, scored.scores
    first = series.headers[0]
    with_lung, n_slices = scored.with_lung, scored.n_slices
    decided = decide(scores.p_tampered, card.scan_threshold_low, card.scan_threshold_high)
    if not scored.shows_enough_lung:
        decided = Verdict.UNCERTAIN
    patient = patient_or_folder(first.patient_id, str(first.path.resolve().parent))
    return ScanVerdict(
        scan_id=pseudonym(series.identity, key, "scan"),
        patient_id=pseudonym(patient, key, "patient"),
        p_tampered=scores.p_tampered,
        verdict=str(decided),
        n_slices=n_slices,
        sites=tuple(_sites(scored, card.threshold)) if with_lung else (),
        slices=tuple(
            SliceScore(slice_name(header), float(p))
            for header, p in zip(scored.headers, scores.slice_p, strict=True)
            if np.isfinite(p)
        ),
        warnings=(*_lung_warnings(series, with_lung, n_slices), *losses_of_validity(Judged(series, n_slices, card))),
        copies=tuple(
            CopyFound(_place(scored, copy.one), _place(scored, copy.other), copy.pairs) for copy in scores.copies
        ),
    )


def slice_name(header: SliceHeader) -> str:
    """The file as reversible text, with "#" and the frame's index after the first of a multi-frame file."""
    name = path_text(header.path)
    return name if header.frame == 0 else f"{name}#{header.frame}"


def _sites(scored: Scored, threshold: float) -> Iterator[SiteFound]:
    """The detector's sites that count as tampered."""
    for site in scored.scores.sites:
        if site.p >= threshold:
            yield SiteFound(slice_name(scored.headers[site.slice_index]), site.z_mm, site.y, site.x, site.p)


def _place(scored: Scored, place: Place) -> PlaceFound:
    return PlaceFound(slice_name(scored.headers[place.slice_index]), place.z_mm, place.y, place.x)


def _lung_warnings(series: Series, with_lung: int, scored: int) -> Iterator[str]:
    parts = sorted({shown(header.body_part) for header in series.headers if header.body_part})
    beside = f" (Body Part Examined: {', '.join(parts) or 'not said'})"
    if not with_lung:
        yield f"no lung in view: the detector knows chests alone, so there is no verdict{beside}"
    elif with_lung < LEAST_SLICES_WITH_LUNG * scored:
        yield f"lung in view on {with_lung} of {scored} slices, too few for a verdict{beside}"
    elif with_lung < MOSTLY_LUNG * scored:
        yield f"lung in view on {with_lung} of {scored} slices, and only these count{beside}"
