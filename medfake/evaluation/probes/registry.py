"""Probes by name, and what they found; one decorated function adds one."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.errors import ManifestError
from medfake.evaluation.bootstrap import Bootstrap
from medfake.evaluation.intervals import Interval, evaluate_with_intervals
from medfake.evaluation.report import Panel
from medfake.files import write_json

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Score:
    """An AUC on the test split.

    Attributes:
        auc: None when the test split lacks a class.
        low: Of the interval; None when too few patients are there to tell.
        unit: What the interval resamples: "patients", "scans", or "permutations".
    """

    auc: float | None
    low: float | None
    high: float | None
    unit: str


NOTHING = Score(None, None, None, "patients")  # when there is nothing to measure


@dataclass(frozen=True)
class Probe:
    """A question to a data set, and how it is answered."""

    name: str
    question: str
    look: "Look"


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        score: Should be near 0.5.
        control: The same model where it should do better, when there is such a thing.
        shortcut: Whether the interval lies wholly outside 0.5 +- limit.
        sentence: What it means, in words.
    """

    name: str
    question: str
    score: Score
    control: Score | None
    shortcut: bool
    sentence: str


@dataclass(frozen=True)
class Answer:
    """What a probe's function returns; `because` names what gave the class away, "" when nothing stands out."""

    score: Score
    control: Score | None = None
    because: str = ""


Look = Callable[[Dataset, ProbesParams], Answer]
PROBES: list[Probe] = []  # in the order in which they are reported


def probe(name: str, *, question: str) -> Callable[[Look], Look]:
    """Register a function as a probe."""

    def register(look: Look) -> Look:
        PROBES.append(Probe(name, question, look))
        return look

    return register


@dataclass(frozen=True)
class ProbeReport:
    """All probes of one data set."""

    dataset: str
    dataset_sha256: str
    evidence: str
    limit: float
    findings: tuple[Finding, ...] = field(default=())

    @property
    def shortcuts(self) -> tuple[str, ...]:
        """Names of the probes that found one."""
        return tuple(one.name for one in self.findings if one.shortcut)

    def as_panel(self) -> Panel:
        """A section for the report of a comparison."""
        told = [f"{one.name}: AUC {_auc(one.score)}. {one.sentence}" for one in self.findings]
        heading = f"Probes of data set {self.dataset}: what it gives away besides the manipulation"
        return Panel(heading=heading, text=" ".join(told))

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self)})


def run_probes(data: Dataset, params: ProbesParams) -> ProbeReport:
    """Ask every probe; the test split is only measured, and chooses nothing."""
    from medfake.evaluation.probes import labels, masked, metadata  # noqa: F401  # each registers its probe

    findings = tuple(_finding(one, one.look(data, params), params.limit) for one in PROBES)
    return ProbeReport(data.name, data.digest, str(data.evidence), params.limit, findings)


def read_probes(path: Path) -> ProbeReport:
    """Read what `ProbeReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        findings = tuple(
            Finding(
                **{
                    **one,
                    "score": Score(**one["score"]),
                    "control": Score(**one["control"]) if one["control"] else None,
                }
            )
            for one in values["findings"]
        )
        return ProbeReport(values["dataset"], values["dataset_sha256"], values["evidence"], values["limit"], findings)
    except FileNotFoundError:
        raise ManifestError("the probes have not run", where=path, remedy="dvc repro probe") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            "the probes' report cannot be read", where=path, received=type(error).__name__, remedy="dvc repro -f probe"
        ) from None


def sample(data: Dataset, split: str, params: ProbesParams) -> pd.DataFrame:
    """Rows of a split that a probe looks at: slices themselves, no copies, at most `slices` of them."""
    rows = data.split(split)
    rows = rows[rows["transform"] == ""]
    if len(rows) <= params.slices:
        return rows
    rng = np.random.default_rng(params.seed)
    return rows.iloc[np.sort(rng.choice(len(rows), params.slices, replace=False))]


def score(rows: pd.DataFrame, p_tampered: "np.ndarray[tuple[int], np.dtype[np.float64]]", seed: int) -> Score:
    """AUC of some scores on rows of the manifest, with its interval over patients."""
    table = rows[["label", "patient_id", "scan_id"]].assign(p_tampered=np.clip(p_tampered, 0, 1))
    measured = evaluate_with_intervals(table, 0.5, Bootstrap(seed=seed))
    edges: Interval | None = measured.intervals["auc"]
    return Score(measured.figures.auc, edges.low if edges else None, edges.high if edges else None, measured.unit)


def _auc(found: Score) -> str:
    if found.auc is None:
        return "n/a"
    return f"{found.auc:.3f}" + (f" [{found.low:.3f}, {found.high:.3f}]" if found.low is not None else "")


def _finding(asked: Probe, answer: Answer, limit: float) -> Finding:
    found = answer.score
    outside = found.low is not None and found.high is not None and (found.low > 0.5 + limit or found.high < 0.5 - limit)
    return Finding(asked.name, asked.question, found, answer.control, outside, _sentence(answer, outside, limit))


def _sentence(answer: Answer, shortcut: bool, limit: float) -> str:
    found = answer.score
    if found.auc is None:
        return "The test split lacks a class, or the slices show nothing to learn from: nothing can be said."
    if found.low is None or found.high is None:
        return f"AUC {found.auc:.3f}, but too few patients are there for an interval: nothing can be said."
    because = f" What tells most: {answer.because}." if answer.because else ""
    if shortcut:
        return f"A shortcut: the class can be told without the manipulation.{because}"
    if found.low >= 0.5 - limit and found.high <= 0.5 + limit:
        return f"No shortcut: the whole interval lies within {limit:g} of chance."
    return f"No shortcut is shown, but the interval is too wide to rule one out.{because}"
