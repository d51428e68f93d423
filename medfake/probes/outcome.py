"""What a probe's figures mean, in a word and a sentence."""

from enum import StrEnum

from medfake.metrics.intervals import FEW_CLUSTERS
from medfake.probes.answer import Answer


class ProbeOutcome(StrEnum):
    """What a probe says of a data set."""

    SHORTCUT = "shortcut"
    CLEAR = "clear"
    UNDECIDED = "undecided"


def judge(answer: Answer, limit: float, means: str) -> tuple[ProbeOutcome, str]:
    """Say what an answer means.

    A shortcut is an interval wholly outside 0.5 +- limit; an interval wholly inside is clear; between, or with fewer
    than five patients, nothing is decided.

    Args:
        answer: Of a probe.
        limit: Largest distance of an AUC from 0.5 that is let pass, 0..0.5.
        means: What a shortcut means here, a clause.
    """
    found = answer.score
    if found.auc is None and answer.because:
        return ProbeOutcome.UNDECIDED, f"Not asked here: {answer.because}."
    if found.auc is None:
        nothing = "The test split lacks a class, or the slices show nothing to learn from: nothing can be said."
        return ProbeOutcome.UNDECIDED, nothing
    if found.low is None or found.high is None or found.count < FEW_CLUSTERS:
        few = f"Only {found.count} {found.unit} in the test split: too few to say anything."
        return ProbeOutcome.UNDECIDED, few
    because = f" What tells most: {answer.because}." if answer.because else ""
    if found.low > 0.5 + limit or found.high < 0.5 - limit:
        return ProbeOutcome.SHORTCUT, f"A shortcut: {means}.{because}"
    blind = _is_blind(answer, limit)
    doubt = " The control tells little more than chance, so neither does this probe." if blind else ""
    if found.low >= 0.5 - limit and found.high <= 0.5 + limit:
        outcome = ProbeOutcome.UNDECIDED if blind else ProbeOutcome.CLEAR
        return outcome, f"No shortcut: the whole interval lies within {limit:g} of chance.{doubt}"
    wide = "No shortcut is shown, but the interval is too wide to rule one out."
    return ProbeOutcome.UNDECIDED, f"{wide}{because}{doubt}"


def _is_blind(answer: Answer, limit: float) -> bool:
    """Whether the control sees nothing that a masked model could lose."""
    control = answer.control
    return control is not None and (control.auc is None or control.low is None or control.low < 0.5 + limit)
