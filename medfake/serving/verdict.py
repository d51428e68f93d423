"""From scored slices to the verdict on their scan, its sites and what must be said beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from medfake.datasets.pseudonyms import pseudonym
from medfake.dicom.header import SliceHeader
from medfake.dicom.patients import patient_or_folder
from medfake.dicom.series import Series
from medfake.files import path_text
from medfake.metrics.scans import Verdict, decide, score_scan
from medfake.package.card import Card
from medfake.serving.report import ScanVerdict, SiteFound, SliceScore
from medfake.vocabulary import Evidence, QualityFlag

LEAST_SLICES_WITH_LUNG: Final = 0.25
"""Share of slices that show lung, from which on a scan gets a verdict: lungs are a tenth of an abdomen or a neck that
reaches them, and four tenths of a scan from neck to pelvis."""
MOSTLY_LUNG: Final = 0.5
"""Share below which it is said that the other slices do not count."""
FEW_SLICES = 8
MOST_SITES = 5
SAME_SITE_MM = 16.0


@dataclass(frozen=True)
class ScoredSlice:
    """A slice and what the detector says of it.

    Attributes:
        z_mm: Position along the normal.
        p_tampered: 0..1.
        site_y: Row of its strongest place, px; None when the detector does not localise.
        site_x: Column, px; likewise.
        lung_in_view: Whether it shows lung: what is said of others decides nothing.
    """

    header: SliceHeader
    z_mm: float
    p_tampered: float
    site_y: float | None
    site_x: float | None
    lung_in_view: bool


def judge(series: Series, scored: Sequence[ScoredSlice], card: Card, key: bytes) -> ScanVerdict:
    """Say of a scan whether it was tampered with.

    Slices that show lung speak for the scan. Where none does, P(tampered) is that of all slices; where they are less
    than a quarter of the scan, the verdict is "uncertain" whatever P is: the detector knows chests alone.

    Args:
        series: The scan.
        scored: Its slices that have a score, at least one.
        card: Of the detector.
        key: Of pseudonyms.
    """
    first = series.headers[0]
    with_lung = [one for one in scored if one.lung_in_view]
    counted = with_lung or scored
    score = score_scan(np.array([one.p_tampered for one in counted]), np.array([one.z_mm for one in counted]))
    share = len(with_lung) / len(scored)
    decided = decide(score.p_tampered, card.scan_threshold_low, card.scan_threshold_high)
    warnings = (*_lung_warnings(series, len(with_lung), len(scored)), *_warnings(series, len(scored), card))
    patient = patient_or_folder(first.patient_id, str(first.path.resolve().parent))
    return ScanVerdict(
        scan_id=pseudonym(series.identity, key, "scan"),
        patient_id=pseudonym(patient, key, "patient"),
        p_tampered=score.p_tampered,
        verdict=str(decided if share >= LEAST_SLICES_WITH_LUNG else Verdict.UNCERTAIN),
        n_slices=len(scored),
        sites=tuple(_sites(with_lung, card.threshold)),
        slices=tuple(SliceScore(slice_name(one.header), one.p_tampered) for one in scored),
        warnings=warnings,
    )


def slice_name(header: SliceHeader) -> str:
    """The file as reversible text, with "#" and the frame's index after the first of a multi-frame file."""
    name = path_text(header.path)
    return name if header.frame == 0 else f"{name}#{header.frame}"


def _sites(scored: Sequence[ScoredSlice], threshold: float) -> list[SiteFound]:
    """Strongest places of suspicious slices, at most one within 16 mm along z of another."""
    sites: list[SiteFound] = []
    for one in sorted(scored, key=lambda entry: -entry.p_tampered):
        if one.p_tampered < threshold or len(sites) == MOST_SITES or one.site_y is None or one.site_x is None:
            break
        if all(abs(site.z_mm - one.z_mm) > SAME_SITE_MM for site in sites):
            sites.append(SiteFound(slice_name(one.header), one.z_mm, one.site_y, one.site_x, one.p_tampered))
    return sites


def _lung_warnings(series: Series, with_lung: int, scored: int) -> Iterator[str]:
    parts = sorted({header.body_part for header in series.headers if header.body_part})
    beside = f" (Body Part Examined: {', '.join(parts) or 'not said'})"
    if not with_lung:
        yield f"no lung in view: the detector knows chests alone, so there is no verdict{beside}"
    elif with_lung < LEAST_SLICES_WITH_LUNG * scored:
        yield f"lung in view on {with_lung} of {scored} slices, too few for a verdict{beside}"
    elif with_lung < MOSTLY_LUNG * scored:
        yield f"lung in view on {with_lung} of {scored} slices, and only these count{beside}"


def _warnings(series: Series, scored: int, card: Card) -> Iterator[str]:
    for flag in series.quality_flags:
        yield f"{flag}: {QualityFlag(flag).sentence}"
    if scored < FEW_SLICES:
        yield f"only {scored} slices: a manipulation spans several"
    if card.evidence is not Evidence.CLINICAL:
        yield f"the detector was trained on {card.evidence} data; on real scans its verdicts are no evidence"
