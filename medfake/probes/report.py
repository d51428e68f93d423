"""What the probes of a data set found, as a file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from medfake.files import read_json, write_json
from medfake.probes.answer import Score
from medfake.probes.outcome import ProbeOutcome
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence

SCHEMA_VERSION: Final = 2


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        score: On the test split; should be near 0.5.
        val: On the validation split, for comparison.
        control: The same model where it should do better, when there is such a thing.
        outcome: "shortcut", "clear" or "undecided", from the test split alone.
        sentence: What it means, in words.
    """

    name: str
    question: str
    score: Score
    val: Score | None
    control: Score | None
    outcome: ProbeOutcome
    sentence: str

    @property
    def shortcut(self) -> bool:
        """Whether the interval lies wholly outside 0.5 +- limit."""
        return self.outcome is ProbeOutcome.SHORTCUT


@dataclass(frozen=True)
class ProbeReport:
    """All probes of one data set."""

    dataset: str
    dataset_sha256: str
    evidence: Evidence
    limit: float
    findings: tuple[Finding, ...] = field(default=())

    @property
    def shortcuts(self) -> tuple[str, ...]:
        """Names of the probes that found one."""
        return tuple(one.name for one in self.findings if one.shortcut)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Names of the probes that could not tell."""
        return tuple(one.name for one in self.findings if one.outcome is ProbeOutcome.UNDECIDED)

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        findings = [_written(one) for one in self.findings]
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self), "findings": findings})


def read_probes(path: Path) -> ProbeReport:
    """Read what `ProbeReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, _report_of, missing="the probes have not run", damaged="the probes' report cannot be read",
        make=make(Stage.PROBE, path.stem), again=rerun(Stage.PROBE, path.stem),
    )  # fmt: skip


def _report_of(values: Any) -> ProbeReport:
    findings = tuple(_read_finding(one) for one in values["findings"])
    return ProbeReport(
        values["dataset"], values["dataset_sha256"], Evidence(values["evidence"]), values["limit"], findings
    )


def _written(finding: Finding) -> dict[str, Any]:
    values = asdict(finding)
    return {"verdict": values.pop("outcome"), **values}


def _read_finding(values: dict[str, Any]) -> Finding:
    scores = {name: Score(**values[name]) if values[name] else None for name in ("val", "control")}
    outcome = ProbeOutcome(values["verdict"])
    return Finding(
        name=values["name"],
        question=values["question"],
        score=Score(**values["score"]),
        outcome=outcome,
        sentence=values["sentence"],
        **scores,
    )
