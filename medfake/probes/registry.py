"""Probes by name, and what they found; one decorated function adds one."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.errors import ManifestError
from medfake.files import write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.probes.material import Material
from medfake.probes.verdict import Answer, Score, Verdict, judge

SCHEMA_VERSION = 2
Look = Callable[[Material], Answer]


@dataclass(frozen=True)
class Probe:
    """A question to a data set, how it is answered, and what it means when the answer is yes."""

    name: str
    question: str
    means: str
    look: Look


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        score: On the test split; should be near 0.5.
        val: On the validation split, for comparison.
        control: The same model where it should do better, when there is such a thing.
        verdict: "shortcut", "clear" or "undecided", from the test split alone.
        sentence: What it means, in words.
    """

    name: str
    question: str
    score: Score
    val: Score | None
    control: Score | None
    verdict: Verdict
    sentence: str

    @property
    def shortcut(self) -> bool:
        """Whether the interval lies wholly outside 0.5 +- limit."""
        return self.verdict is Verdict.SHORTCUT


PROBES: dict[str, Probe] = {}  # name -> probe


def probe(
    name: str, *, question: str, means: str = "the class can be told without the manipulation"
) -> Callable[[Look], Look]:
    """Register a function as a probe.

    Args:
        name: One or two words, unique.
        question: What is asked, in a sentence.
        means: What a shortcut means, a clause.
    """

    def register(look: Look) -> Look:
        PROBES[name] = Probe(name, question, means, look)
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

    @property
    def undecided(self) -> tuple[str, ...]:
        """Names of the probes that could not tell."""
        return tuple(one.name for one in self.findings if one.verdict is Verdict.UNDECIDED)

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self)})


def run_probes(data: Dataset, params: ProbesParams) -> ProbeReport:
    """Ask every probe; the test split is only measured, and chooses nothing."""
    from medfake.probes import labels, masked, metadata  # noqa: F401  # each registers its probe

    material = Material(data, params)
    with threadpool_limits(1):  # threads that wait for each other make small tables slow
        findings = tuple(_finding(one, one.look(material), params.limit) for _, one in sorted(PROBES.items()))
    return ProbeReport(data.name, data.digest, str(data.evidence), params.limit, findings)


def read_probes(path: Path) -> ProbeReport:
    """Read what `ProbeReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        findings = tuple(_read_finding(one) for one in values["findings"])
        return ProbeReport(values["dataset"], values["dataset_sha256"], values["evidence"], values["limit"], findings)
    except FileNotFoundError:
        raise ManifestError("the probes have not run", where=path, remedy="dvc repro probe") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            "the probes' report cannot be read", where=path, received=type(error).__name__, remedy="dvc repro -f probe"
        ) from None


def score(material: Material, split: str, p_tampered: NDArray[np.float64]) -> Score:
    """AUC of some scores on a split's rows, with its interval over patients."""
    table = material.rows(split)[["label", "patient_id", "scan_id"]].assign(p_tampered=np.clip(p_tampered, 0, 1))
    bootstrap = Bootstrap(resamples=material.params.bootstrap, seed=material.params.seed)
    measured = evaluate_with_intervals(table, 0.5, bootstrap)
    edges = measured.intervals["auc"]
    low, high = (edges.low, edges.high) if edges else (None, None)
    return Score(measured.metrics.auc, low, high, measured.unit, measured.clusters)


def _finding(asked: Probe, answer: Answer, limit: float) -> Finding:
    verdict, sentence = judge(answer, limit, asked.means)
    return Finding(asked.name, asked.question, answer.score, answer.val, answer.control, verdict, sentence)


def _read_finding(values: dict[str, Any]) -> Finding:
    scores = {name: Score(**values[name]) if values[name] else None for name in ("val", "control")}
    return Finding(**{**values, **scores, "score": Score(**values["score"]), "verdict": Verdict(values["verdict"])})
