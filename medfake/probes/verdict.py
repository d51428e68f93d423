"""What a probe's figures mean, in a word and a sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from medfake.metrics.intervals import FEW_CLUSTERS


class Verdict(StrEnum):
    """What a probe says."""

    SHORTCUT = "shortcut"
    CLEAR = "clear"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Score:
    """An AUC on one split.

    Attributes:
        auc: None when the split lacks a class, or there is nothing to learn from.
        low: Lower end of its 95 % interval; None when it has none.
        high: Upper end.
        unit: What the interval rests on: "patients", "scans", or "permutations".
        count: How many of them there are.
    """

    auc: float | None
    low: float | None
    high: float | None
    unit: str
    count: int

    def __str__(self) -> str:
        if self.auc is None:
            return "n/a"
        return f"{self.auc:.3f}" + (f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None else "")


NOTHING: Final = Score(None, None, None, "patients", 0)
"""When there is nothing to measure."""


@dataclass(frozen=True)
class Answer:
    """What a probe's function returns.

    Attributes:
        score: On the test split; should be near 0.5.
        val: On the validation split, for comparison; it decides nothing.
        control: The same model where it should do better, when there is such a thing.
        because: What gave the class away, "" when nothing stands out.
    """

    score: Score
    val: Score | None = None
    control: Score | None = None
    because: str = ""


def judge(answer: Answer, limit: float, means: str) -> tuple[Verdict, str]:
    """Say what an answer means.

    A shortcut is an interval wholly outside 0.5 +- limit; an interval wholly inside is clear; between, or with fewer
    than five patients, nothing is decided.

    Args:
        answer: Of a probe.
        limit: Largest distance of an AUC from 0.5 that is let pass, 0..0.5.
        means: What a shortcut means here, a clause.
    """
    found = answer.score
    if found.auc is None:
        nothing = "The test split lacks a class, or the slices show nothing to learn from: nothing can be said."
        return Verdict.UNDECIDED, nothing
    if found.low is None or found.high is None or found.count < FEW_CLUSTERS:
        few = f"Only {found.count} {found.unit} in the test split: too few to say anything."
        return Verdict.UNDECIDED, few
    because = f" What tells most: {answer.because}." if answer.because else ""
    if found.low > 0.5 + limit or found.high < 0.5 - limit:
        return Verdict.SHORTCUT, f"A shortcut: {means}.{because}"
    blind = _is_blind(answer, limit)
    doubt = " The control tells little more than chance, so neither does this probe." if blind else ""
    if found.low >= 0.5 - limit and found.high <= 0.5 + limit:
        verdict = Verdict.UNDECIDED if blind else Verdict.CLEAR
        return verdict, f"No shortcut: the whole interval lies within {limit:g} of chance.{doubt}"
    wide = "No shortcut is shown, but the interval is too wide to rule one out."
    return Verdict.UNDECIDED, f"{wide}{because}{doubt}"


def _is_blind(answer: Answer, limit: float) -> bool:
    """Whether the control sees nothing that a masked model could lose."""
    control = answer.control
    return control is not None and (control.auc is None or control.low is None or control.low < 0.5 + limit)
