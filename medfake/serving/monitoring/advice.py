"""What a comparison means, in words: whether to train anew, why, and what to type next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from medfake.metrics.drift import FEWEST
from medfake.package.scan_statistics import STATISTICS, Of
from medfake.serving.monitoring.comparison import Compared, Comparison, NewWords, State
from medfake.serving.monitoring.sentences import new_words_sentence, shift_sentence

PATIENTS: Final = 10
"""Fewest that a bank of one's own is made of."""
AGAIN: Final = "`medfake monitor --since 30d`, a month from now"
_FIGURES: Final = "its figures are of the mix before: `medfake registry show champion` tells them, or another VERSION"
TO_A_REFERENCE: Final = (
    "`medfake monitor --baseline 100` compares with the first 100 scans that it was served",
    "`medfake monitor reference FOLDER` of untampered scans, then `medfake monitor --reference reference.json`",
)


class Finding(StrEnum):
    """What to make of it, in a word or a few."""

    RETRAIN = "retrain"
    MIX = "another mix"
    LOOK = "look"
    MOVED = "moved a little"
    FINE = "as before"
    TOO_FEW = "too few scans to say"
    NOTHING_KNOWN = "nothing to compare with"


DRIFT: Final = (Finding.RETRAIN, Finding.MIX, Finding.LOOK)
UNKNOWN: Final = (Finding.TOO_FEW, Finding.NOTHING_KNOWN)


@dataclass(frozen=True)
class Advice:
    """What to do.

    Attributes:
        finding: In a word.
        sentence: The answer.
        reasons: A sentence each, without full stop.
        steps: What to type or do next, a line each; what is typed stands between backquotes.
    """

    finding: Finding
    sentence: str
    reasons: tuple[str, ...]
    steps: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def advise(found: Comparison) -> Advice:
    """Say what a comparison means.

    Pixels or headers that drifted beyond what the detector learnt from, or makers and kernels that it never saw in more
    than strays, mean that it judges what it does not know: train anew. Where they drifted within that, it knows such
    scans, but its figures are of another mix. Scores alone also move where there is tampering: look.
    """
    if not found.served and not found.known:
        step = "`medfake serve` records what it is given, in the same --database"
        return Advice(Finding.TOO_FEW, "Nothing was recorded of this detector yet.", (), (step,))
    if not found.of:
        sentence = f"{found.model} does not say how the scans look that it learnt from."
        return Advice(Finding.NOTHING_KNOWN, sentence, (), TO_A_REFERENCE)
    if min(found.served, found.known) < FEWEST:
        return _too_few(found)
    drifted, moved = found.in_state(State.DRIFTED), found.in_state(State.MOVED)
    many = [one for one in found.new_words if one.many]
    strays = [one for one in found.new_words if not one.many]
    inputs = [one for one in drifted if one.statistic.of is not Of.SCORES]
    if many or any(one.beyond for one in inputs):
        return Advice(
            Finding.RETRAIN,
            "The scans that are served are not like those that the detector learnt from.",
            _reasons(drifted, many),
            _retrain(many),
        )
    if inputs:
        return Advice(
            Finding.MIX,
            "The scans that are served are of kinds that the detector learnt from, in another mix.",
            _reasons(drifted, strays),
            (_FIGURES, "retrain where the mix stays: `medfake study use own-bank` takes scans of these days", AGAIN),
        )
    if drifted:
        return Advice(
            Finding.LOOK,
            "The scans look as before, but the detector says other things of them: tampering, or what is not measured.",
            _reasons([*drifted, *moved], strays),
            (
                "look: `medfake explain PATH` of scans that are called tampered; where they are, no training helps",
                AGAIN,
            ),
        )
    if moved:
        sentence = "Something moved, too little to train anew for."
        return Advice(Finding.MOVED, sentence, _reasons(moved, strays), (AGAIN,))
    sentence = "The scans that are served look like those that the detector learnt from."
    return Advice(Finding.FINE, sentence, _reasons([], strays), (AGAIN,))


def _reasons(shifts: Sequence[Compared], words: Sequence[NewWords]) -> tuple[str, ...]:
    return (*map(shift_sentence, shifts), *map(new_words_sentence, words))


def _retrain(many: Sequence[NewWords]) -> tuple[str, ...]:
    named = [f"{STATISTICS[one.name].title} {next(iter(one.counts))}" for one in many]
    like = f"with {' or '.join(named)}" if named else "of these days"
    return (
        f"retrain: have scans {like} at hand, of {PATIENTS} patients or more; no labels are needed",
        "`medfake study use own-bank`, write their folder into banks.own.reals of params.yaml, then `dvc repro`",
        "`medfake promote --dry-run` says whether the new detector beats this one on the same scans",
        "until then, believe its verdicts on such scans less than its card says",
    )


def _too_few(found: Comparison) -> Advice:
    words = tuple(map(new_words_sentence, found.new_words))
    if found.known < FEWEST:
        sentence = f"The detector tells of {found.known} scans; {FEWEST} are the least to compare with."
        return Advice(Finding.TOO_FEW, sentence, words, TO_A_REFERENCE)
    sentence = f"{found.served} scans were served; {FEWEST} are the least to say anything."
    step = f"`medfake monitor` again, when {FEWEST - found.served} more scans have been served"
    return Advice(Finding.TOO_FEW, sentence, words, (step,))
