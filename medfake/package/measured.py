"""What was measured of a detector, as its card keeps it: figures, alarms, calibration, folds."""

from pydantic import BaseModel, ConfigDict

from medfake.vocabulary import Evidence


class FalseAlarms(BaseModel):
    """Untouched scans that were called tampered, of patients that the detector had not seen.

    Attributes:
        scans: Untouched scans that were scored.
        rate: Share of them with P >= `scan_threshold_high`.
        low: Lower end of the interval of `rate`, of the card's confidence.
        high: Upper end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scans: int
    rate: float
    low: float
    high: float

    def sentence(self, what: str = "scans") -> str:
        """For a reader; `what` names the scans."""
        called = round(self.rate * self.scans)
        interval = f"[{self.low:.1%}, {self.high:.1%}]"
        return f"{called} of {self.scans} untouched {what} were called tampered: {self.rate:.1%} {interval}"


class Figures(BaseModel):
    """What was measured of some scans or slices.

    Attributes:
        of: Which ones, e.g. "poisson".
        count: How many.
        metrics: By name; None where undefined.
        intervals: Of `metrics`, (low, high); None where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    count: int
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None] = {}


class Elsewhere(BaseModel):
    """What a measurement found on scans that the detector has not learnt from.

    Attributes:
        name: Of the measurement, a key under `measure` in params.yaml.
        graph_sha256: Of the graph that was measured: figures never describe another one.
        evidence: What figures on these scans are worth.
        scans: Manipulated ones.
        untouched: Untouched ones.
        patients: Of both.
        paired: Patients with scans of both kinds; where there are none, figures of scans also measure what else tells
            the sources of both apart.
        within: Labelled slices, each by itself.
        whole: Scans, those of all first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    graph_sha256: str
    evidence: Evidence
    scans: int
    untouched: int
    patients: int
    paired: int = 0
    within: tuple[Figures, ...] = ()
    whole: tuple[Figures, ...] = ()


class Learnt(BaseModel):
    """Training slices.

    Attributes:
        slices: That it learnt from.
        of: That the train split has; more than `slices` where memory held no more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slices: int
    of: int

    @property
    def clause(self) -> str:
        """For a reader; "" where it learnt from all."""
        if self.slices == self.of:
            return ""
        return f"it learnt from a sample of {self.slices} of {self.of} training slices, as many as its memory_gb holds"


class ReliabilityBin(BaseModel):
    """Slices whose P(tampered) lies in one of ten equal bins.

    Attributes:
        count: How many, at least one.
        p: Mean of their P(tampered).
        share: Of them that is tampered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    p: float
    share: float


class Reliability(BaseModel):
    """Whether P(tampered) is a probability.

    Attributes:
        ece: Expected calibration error: mean gap of `bins`, weighed by their counts.
        brier: Mean squared error.
        bins: Those that hold a slice, from low to high.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ece: float
    brier: float
    bins: tuple[ReliabilityBin, ...]


class Calibrated(BaseModel):
    """What calibration did to the validation slices that it was fitted on; never fitted or read on test.

    Attributes:
        slices: How many.
        before: As the detector said it.
        after: As the stored graph says it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slices: int
    before: Reliability
    after: Reliability


class FoldFigures(BaseModel):
    """One fold: what its training reached on patients that it had not seen.

    Attributes:
        fold: Number, from 0.
        threshold: Of slices, chosen on the fold's own val split by `threshold_rule`.
        scan_threshold_low: As of the card, of this training.
        scan_threshold_high: Likewise.
        patients: Tested.
        slices: Tested.
        metrics: On these slices; None where undefined.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fold: int
    threshold: float
    threshold_rule: str
    scan_threshold_low: float
    scan_threshold_high: float
    patients: int
    slices: int
    metrics: dict[str, float | None]


class Folds(BaseModel):
    """What trainings over folds reached; the stored graph is none of them, but was trained in the same way.

    Attributes:
        stand_for_test: Whether there is no test split, so that these figures are also the card's of "test".
        each: Fold by fold.
        mean: Over folds, on slices; None where fewer than two define a figure.
        deviation: Sample standard deviation over folds, likewise.
        pooled: Of all slices together, each called by its own fold's threshold.
        intervals: Of `pooled`, (low, high) from a bootstrap over `interval_unit`.
        patients: Tested, each once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stand_for_test: bool
    each: tuple[FoldFigures, ...]
    mean: dict[str, float | None]
    deviation: dict[str, float | None]
    pooled: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    patients: int
    interval_unit: str
