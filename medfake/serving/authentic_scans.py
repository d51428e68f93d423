"""Scans that are known to be untampered, on their way to a threshold: a number a patient is all that stays of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from medfake import __version__
from medfake.dicom.fields import shown
from medfake.dicom.patients import is_placeholder
from medfake.errors import ScanError
from medfake.metrics.authentic_threshold import AuthenticThreshold, fewest_for_rate, least_rate_of, threshold_at_rate
from medfake.package.card import graph_digests
from medfake.serving.calibration import (
    FalseAlarmRate,
    LeftOut,
    Mix,
    SiteCalibration,
    Thresholds,
    percent,
    with_upper_threshold,
)
from medfake.serving.found import FolderFound, Found, ScanFound
from medfake.serving.model import Model
from medfake.serving.verdict import Scored
from medfake.tamper.forged_scans import LEAST_SLICES

MOST_WORDS: Final = 50
"""Of makers, kernels and thicknesses each; headers make them up."""
_OTHERS: Final = "others"
_NOT_SAID: Final = "not said"


@dataclass
class _Counts:
    """Scans by what their headers say."""

    manufacturers: Counter[str] = field(default_factory=Counter)
    kernels: Counter[str] = field(default_factory=Counter)
    thickness_mm: Counter[str] = field(default_factory=Counter)
    slices: Counter[str] = field(default_factory=Counter)

    def add(self, scored: Scored) -> None:
        first = scored.series.headers[0]
        _count(self.manufacturers, shown(first.manufacturer) if first.manufacturer else _NOT_SAID)
        _count(self.kernels, shown(first.kernel) if first.kernel else _NOT_SAID)
        _count(self.thickness_mm, _NOT_SAID if first.thickness_mm is None else f"{first.thickness_mm:g}")
        _count(self.slices, f"under {LEAST_SLICES}" if scored.n_slices < LEAST_SLICES else f"{LEAST_SLICES} and more")

    @property
    def mix(self) -> Mix:
        return Mix(
            manufacturers=dict(self.manufacturers), kernels=dict(self.kernels),
            thickness_mm=dict(self.thickness_mm), slices=dict(self.slices),
        )  # fmt: skip


class AuthenticScans:
    """What is kept of scans that are known to be untampered, some hundred bytes each.

    A patient has the score of the strongest scan, as several of one patient are not independent. Pixels that come
    again count once; patients who share pixels are one, whatever their names are.
    """

    def __init__(self) -> None:
        self.scans = self.unnamed = self.files = 0
        self.without_verdict = self.marked = self.repeated = 0
        self._strongest: dict[str, float] = {}
        self._patient_of_pixels: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._counts = _Counts()

    @property
    def patients(self) -> int:
        """How many have a score."""
        return len(self._strongest)

    def passing(self, findings: Iterable[Found]) -> Iterator[Found]:
        """Look at what a scan finds on its way to others; scans come with `Scored` and digests of their pixels."""
        for found in findings:
            if isinstance(found, ScanFound):
                self._add(found)
            if isinstance(found, ScanFound | FolderFound):
                self.files += len(found.skipped)
            yield found

    def calibration(self, model: Model, rate: float) -> SiteCalibration:
        """Choose thresholds for a detector.

        Args:
            model: That scored the scans, with its own thresholds.
            rate: Share of untampered patients who may be called tampered, 0..1, both excluded.

        Raises:
            ScanError: There are too few patients for this rate, or the detector is certain of too many of them.
        """
        if self.patients < fewest_for_rate(rate):
            raise self._too_few(rate)
        scores = np.array(list(self._strongest.values()))
        chosen = threshold_at_rate(scores, rate)
        if chosen.value > 1:
            raise _certain(int(np.count_nonzero(scores >= 1)), self.patients, rate)
        card = with_upper_threshold(model.card, chosen.value)
        return SiteCalibration(
            medfake_version=__version__,
            model=model.name,
            detector=card.detector,
            package=graph_digests(model.folder),
            modality=card.modality,
            patients=self.patients,
            scans=self.scans,
            unnamed_scans=self.unnamed,
            reached=chosen.reached,
            rate=_rate(chosen, rate),
            before=Thresholds(low=model.card.scan_threshold_low, high=model.card.scan_threshold_high),
            after=Thresholds(low=card.scan_threshold_low, high=card.scan_threshold_high),
            left_out=LeftOut(
                without_verdict=self.without_verdict, marked=self.marked, repeated=self.repeated, files=self.files
            ),
            mix=self._counts.mix,
        )

    def _add(self, found: ScanFound) -> None:
        scored = found.scored
        if scored is None:
            raise ValueError("scans of earlier runs come without what they are calibrated on")
        if any(header.synthetic is not None for header in scored.series.headers):
            self.marked += 1
            return
        if not scored.shows_enough_lung:
            self.without_verdict += 1
            return
        patient = self._one_patient(found.verdict.patient_id)
        known = self._patient_of_pixels.get(scored.pixels_sha256)
        if known is not None:
            self.repeated += 1
            self._join(patient, self._one_patient(known))
            return
        self._patient_of_pixels[scored.pixels_sha256] = patient
        self._strongest[patient] = max(found.verdict.p_tampered, self._strongest.get(patient, 0.0))
        self.scans += 1
        name = scored.series.headers[0].patient_id
        self.unnamed += not name or is_placeholder(name)
        self._counts.add(scored)

    def _one_patient(self, name: str) -> str:
        """The first name of a patient that came under several."""
        while name in self._same:
            name = self._same[name]
        return name

    def _join(self, patient: str, known: str) -> None:
        if patient != known:
            self._same[patient] = known
            self._strongest[known] = max(self._strongest[known], self._strongest.pop(patient, 0.0))

    def _too_few(self, rate: float) -> ScanError:
        fewest, possible = fewest_for_rate(rate), least_rate_of(self.patients) if self.patients else None
        lower = f"; {self.patients} give {percent(possible)} at best" if possible else ""
        asked = f", or --rate {_rounded_up(possible)}" if possible and possible < 1 else ""
        return ScanError(
            f"too few untampered patients for a false-alarm rate of {percent(rate)}: it takes {fewest}{lower}",
            where="scans that have a verdict and carry no mark of medfake",
            received=f"{self.patients} patients in {self.scans} scans; left out: {self.left_out or 'none'}",
            remedy=f"add folders of other patients, {fewest - self.patients} more{asked}",
        )

    @property
    def left_out(self) -> str:
        """What was not calibrated on, counted; "" for nothing."""
        told = (
            (self.without_verdict, "scans with too little lung in view for a verdict"),
            (self.marked, "scans that medfake itself made or forged, as their headers say: these are not authentic"),
            (self.repeated, "scans whose pixels came before"),
            (self.files, "files without a score"),
        )
        return "; ".join(f"{count} {what}" for count, what in told if count)


def _rate(chosen: AuthenticThreshold, wanted: float) -> FalseAlarmRate:
    return FalseAlarmRate(
        wanted=wanted, expected=chosen.expected, low=chosen.interval.low, high=chosen.interval.high,
        confidence=chosen.confidence,
    )  # fmt: skip


def _certain(many: int, patients: int, rate: float) -> ScanError:
    possible = (many + 1) / (patients + 1)
    return ScanError(
        "no threshold gives this rate: the detector is certain that untampered patients were tampered with",
        where="P(tampered) is 1", received=f"{many} of {patients} patients, at a rate of {percent(rate)}",
        remedy=f"--rate {_rounded_up(possible)}, or a detector that knows such scans: --model MODEL"
        if possible < 1 else "calibrate a detector that knows such scans: --model MODEL",
    )  # fmt: skip


def _rounded_up(rate: float) -> str:
    """With so many digits that it is still possible."""
    return f"{min(np.ceil(rate * 10_000) / 10_000, 0.9999):g}"


def _count(counts: Counter[str], word: str) -> None:
    counts[word if word in counts or len(counts) < MOST_WORDS else _OTHERS] += 1
