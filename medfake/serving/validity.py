"""What makes a verdict worth less than the detector's figures say: one decorated rule each, from headers to a sentence.

Such a scan is scored all the same, and the sentence stands beside its verdict. What cannot be scored at all is refused
where it is read, or by `suited`: other modalities than the detector's, CT that is not axial, slices of fewer than 96
pixels. Each rule says of which modalities it is.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from medfake.dicom.fields import shown
from medfake.dicom.series import SAME_PLACE_MM, Series
from medfake.package.card import Card
from medfake.serving.suited import parts_known, says_no_part
from medfake.vocabulary import Evidence, Modality, QualityFlag

FEW_SLICES: Final = 8
THICK_MM: Final = 5.0
SMALL_PX: Final = 256
PIXEL_MM: Final = (0.4, 1.0)
"""What chest CT is reconstructed with; a field of view of 205 to 512 mm on 512 pixels."""
OBLIQUE_DEGREES: Final = 5.0
UNEVEN: Final = 0.2
"""Of the median step between slices, by which the steps of most slices may differ."""
COARSE_HU: Final = 1.5
COMPUTED: Final = {
    *("DERIVED", "MPR", "RESAMPLED", "REFORMATTED", "AVERAGE", "MEAN"),
    *("PROJECTION IMAGE", "MIP", "MINIP", "MAX_IP", "MIN_IP", "CSA MPR", "CSA RESAMPLED"),
}
FRONTAL: Final = {"PA", "AP"}
_CLEAN, _LOSSY = "clean", "jpeg"  # names of perturbations on a card


@dataclass(frozen=True)
class Judged:
    """A scan that was scored.

    Attributes:
        n_slices: That have a score.
        card: Of the detector.
    """

    series: Series
    n_slices: int
    card: Card


Rule = Callable[[Judged], Iterable[str]]
_RULES: list[tuple[Rule, tuple[Modality, ...]]] = []


def rule(*modalities: Modality) -> Callable[[Rule], Rule]:
    """Register a function that says what makes a verdict worth less; they are asked in the order of the file.

    Args:
        modalities: Of the scans that it is asked of; all without one.
    """

    def register(judge: Rule) -> Rule:
        _RULES.append((judge, modalities or tuple(Modality)))
        return judge

    return register


def losses_of_validity(judged: Judged) -> Iterator[str]:
    """Sentences, each about one thing; none for a plain scan of what the detector learnt from."""
    for one, modalities in _RULES:
        if judged.series.modality in modalities:
            yield from one(judged)


@rule()
def quality_flags(judged: Judged) -> Iterator[str]:
    """What reading the series found odd."""
    for flag in judged.series.quality_flags:
        yield f"{flag}: {QualityFlag(flag).sentence}"


@rule(Modality.CT, Modality.MR)
def few_slices(judged: Judged) -> Iterator[str]:
    """A manipulation reaches over several slices, and their agreement is what tells it from noise."""
    if judged.n_slices == 1:
        yield "a single slice: nothing is compared along z, so one odd place decides"
    elif judged.n_slices < FEW_SLICES:
        yield f"only {judged.n_slices} slices: a manipulation spans several"


@rule(Modality.CT)
def thick_slices(judged: Judged) -> Iterator[str]:
    """Slice Thickness (0018,0050), or the distance of slices where that is more."""
    known = [header.thickness_mm for header in judged.series.headers if header.thickness_mm is not None]
    reach_mm = max([*known, judged.series.spacing_zyx_mm[0]])
    if reach_mm > THICK_MM:
        yield f"slices of {reach_mm:g} mm (over {THICK_MM:g}): they average a manipulation with what lies around it"


@rule(Modality.CT, Modality.MR)
def uneven_steps(judged: Judged) -> Iterator[str]:
    """Slices of two spacings in one series; single gaps are a quality flag."""
    steps = np.diff(judged.series.z_mm)
    steps = steps[steps > SAME_PLACE_MM]
    if len(steps) < 2:
        return
    low, high = np.quantile(steps, 0.1, method="higher"), np.quantile(steps, 0.9, method="lower")
    if high - low > UNEVEN * np.median(steps):
        yield f"slices lie {low:.3g} to {high:.3g} mm apart: several spacings in one series"


@rule(Modality.CT)
def small_matrix(judged: Judged) -> Iterator[str]:
    """Rows (0028,0010) and Columns (0028,0011) of a scan that was made smaller."""
    first = judged.series.headers[0]
    if min(first.rows, first.cols) < SMALL_PX:
        yield f"slices of {first.rows} x {first.cols} pixels (under {SMALL_PX}): the fine structure to judge is gone"


@rule(Modality.CT)
def pixel_spacing(judged: Judged) -> Iterator[str]:
    """Pixel Spacing (0028,0030) far from what chests are reconstructed with."""
    low, high = PIXEL_MM
    rows_mm, cols_mm = judged.series.headers[0].spacing_mm
    if min(rows_mm, cols_mm) < low or max(rows_mm, cols_mm) > high:
        yield (
            f"pixels of {rows_mm:.3g} x {cols_mm:.3g} mm (chest CT has {low:g} to {high:g}): "
            "the scan was resampled, or is none of a chest"
        )


@rule(Modality.CT, Modality.MR)
def computed_images(judged: Judged) -> Iterator[str]:
    """Image Type (0008,0008), or Frame Type (0008,9007), of images that were computed from others.

    SECONDARY beside ORIGINAL is what many archives write into scans whose names they take out, and says nothing. What
    carries medfake's own mark is derived, too, but no scanner's reformat.
    """
    headers = [header for header in judged.series.headers if header.synthetic is None]
    types = {header.image_type for header in headers if {word.strip().upper() for word in header.image_type} & COMPUTED}
    if types:
        yield (
            f"Image Type (0008,0008) is {shown(min(types))}: pixels that were computed from other images "
            "may hide a manipulation, or look like one"
        )


@rule(Modality.CT)
def oblique_slices(judged: Judged) -> Iterator[str]:
    """Image Orientation (Patient) (0020,0037) off the axial plane, where it is no tilt of the gantry."""
    if QualityFlag.TILT in judged.series.quality_flags:
        return
    row, column = np.split(np.array(judged.series.headers[0].orientation), 2)
    normal = np.cross(row, column)
    degrees = float(np.degrees(np.arccos(min(1.0, abs(normal[2]) / np.linalg.norm(normal)))))
    if degrees > OBLIQUE_DEGREES:
        yield f"slices lie {degrees:.0f} degrees off the axial plane: a reformat, whose pixels are interpolated"


@rule(Modality.CT)
def coarse_values(judged: Judged) -> Iterator[str]:
    """Rescale Slope (0028,1053) of values that were stored coarsely, e.g. in 8 bits."""
    steps_hu = max(abs(header.slope) for header in judged.series.headers)
    if steps_hu > COARSE_HU:
        yield f"values are {steps_hu:.3g} HU apart: the noise that is judged is rounded away"


@rule()
def lossy_compression(judged: Judged) -> Iterator[str]:
    """Lossy Image Compression (0028,2110), with what the detector was measured to lose by it."""
    if not any(header.lossy for header in judged.series.headers):
        return
    measured = judged.card.robustness
    clean = measured.get(_CLEAN, {})
    losses = [
        f"{name}: {', '.join(f'{metric} {figures[metric]:.2f} instead of {clean[metric]:.2f}' for metric in shared)}"
        for name, figures in measured.items()
        if name.lower().startswith(_LOSSY) and (shared := sorted(figures.keys() & clean.keys()))
    ]
    said = f"measured on other scans, {'; '.join(losses)}" if losses else "what this detector loses is not measured"
    yield f"compressed with loss, which wipes out traces: {said}"


@rule(Modality.MR)
def not_axial(judged: Judged) -> Iterator[str]:
    """The plane of an MR series: any is read, and detectors mostly learn from axial ones."""
    if judged.series.plane != "axial":
        yield f"{judged.series.plane} slices: figures of the detector hold for the planes that it learnt from"


@rule(Modality.MR, Modality.XRAY)
def unknown_part(judged: Judged) -> Iterator[str]:
    """Body Part Examined (0018,0015), where the header does not say it."""
    if says_no_part(judged.series, judged.card):
        known = ", ".join(parts_known(judged.card))
        yield f"the header does not say which part of the body it shows (0018,0015); the detector learnt from {known}"


@rule(Modality.XRAY)
def magnified(judged: Judged) -> Iterator[str]:
    """Estimated Radiographic Magnification Factor (0018,1114): lengths are those on the detector."""
    factor = judged.series.headers[0].projection.magnification
    if factor is not None and factor != 1:
        yield f"magnified {factor:g} times (0018,1114), which is not taken into account: lengths are on the detector"


@rule(Modality.XRAY)
def other_views(judged: Judged) -> Iterator[str]:
    """View Position (0018,5101) of radiographs that are not frontal."""
    view = judged.series.headers[0].projection.view
    if view and view not in FRONTAL:
        yield f"View Position (0018,5101) is {shown(view)}: figures of the detector are mostly of frontal views"


@rule()
def evidence(judged: Judged) -> Iterator[str]:
    """What the detector's own figures are worth."""
    card = judged.card
    measured = card.evidence is Evidence.FORGED and card.measured_on  # what it was measured on is told with the report
    if card.evidence is not Evidence.CLINICAL and not measured:
        yield f"the detector was trained on {card.evidence} data; on real scans its verdicts are no evidence"
