"""Scans that were served beside those that the detector knows: each statistic by itself, corrected for asking often."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from medfake.metrics.drift import (
    FEWEST,
    LARGE,
    LITTLE,
    Shift,
    expected_unseen,
    shift_of_numbers,
    shift_of_words,
    unseen,
)
from medfake.metrics.intervals import Interval, share_interval
from medfake.metrics.scans import Verdict
from medfake.metrics.significance import holm
from medfake.package.measured import FalseAlarms
from medfake.package.reference import Reference
from medfake.package.scan_statistics import STATISTICS, WORDS, Of, Statistic
from medfake.serving.monitoring.served import ServedScan

ALPHA: Final = 0.01
"""Of all statistics together, after Holm: a look a day that finds nothing cries wolf four times a year at most."""
UNSEEN_SHARE: Final = 0.05
"""Of scans beyond what the detector has learnt from, by a word or a number, from which on they are more than strays."""
_ASKED_FOR_NEW: Final = ("maker", "kernel", "rows", "lossy")
_OTHER: Final = "other"


class State(StrEnum):
    """What is found of a statistic."""

    AS_BEFORE = "as before"
    MOVED = "moved a little"
    DRIFTED = "drifted"
    UNKNOWN = "cannot be said"


@dataclass(frozen=True)
class Numbers:
    """Values of a number: ascending, and their middle and 10 % and 90 % quantiles; None where there are none."""

    values: tuple[float, ...]
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Compared:
    """One statistic before and now.

    Attributes:
        name: Key in `STATISTICS`.
        before: Numbers, or scans by word.
        now: Likewise.
        shift: None where they cannot be compared.
        p_adjusted: After Holm's correction over all statistics that were compared; None with `shift`.
        why: Why they cannot be compared, a clause.
    """

    name: str
    before: Numbers | dict[str, int]
    now: Numbers | dict[str, int]
    shift: Shift | None
    p_adjusted: float | None = None
    why: str = ""

    @property
    def statistic(self) -> Statistic:
        """What is compared."""
        return STATISTICS[self.name]

    @property
    def state(self) -> State:
        """Whether it is sure and how large it is, both at once."""
        if self.shift is None or self.p_adjusted is None:
            return State.UNKNOWN
        if self.p_adjusted >= ALPHA or self.shift.psi < LITTLE:
            return State.AS_BEFORE
        return State.DRIFTED if self.shift.psi >= LARGE else State.MOVED

    @property
    def beyond(self) -> bool:
        """Whether more numbers than strays lie below the lowest or above the highest that the detector knows."""
        if not (isinstance(self.before, Numbers) and isinstance(self.now, Numbers)):
            return False
        if not (self.before.values and self.now.values):
            return False
        now, known = np.array(self.now.values), self.before.values
        outside = int(np.count_nonzero((now < known[0]) | (now > known[-1])))
        expected = 2 / (len(known) + 1)  # of further values, had nothing changed
        return share_interval(outside, len(now)).low > max(UNSEEN_SHARE, expected)


@dataclass(frozen=True)
class NewWords:
    """Served scans with a word of the header that the detector has not learnt from.

    Attributes:
        name: Key in `STATISTICS`.
        counts: Word -> scans, the most frequent first.
        share: Of all served scans, 0..1, with its interval.
        expected: Share to be expected had nothing changed.
    """

    name: str
    counts: dict[str, int]
    share: float
    interval: Interval
    expected: float

    @property
    def many(self) -> bool:
        """Whether they are more than strays."""
        return self.interval.low > max(UNSEEN_SHARE, self.expected)


@dataclass(frozen=True)
class Share:
    """Of scans with a verdict.

    Attributes:
        verdict: Which.
        before: Of the reference's untampered scans, or those of the card; None where nobody counted, as the next.
        before_interval: Wilson's, 95 %.
        now: Of the served scans, likewise.
    """

    verdict: str
    before: float | None
    before_interval: Interval | None
    now: float
    now_interval: Interval


@dataclass(frozen=True)
class Comparison:
    """What was served beside what the detector knows.

    Attributes:
        model: Name of the detector.
        of: What served scans are compared with, a clause; "" where there is nothing.
        known: How many scans that is.
        days: First and last day of the served scans; None where there are none.
        served: How many.
        others: Scans of the same days by other detectors, which do not count.
        compared: Statistic by statistic.
        new_words: Makers, kernels and the like that it has not learnt from.
        shares: Of verdicts.
        skipped: Slices without a score, by kind of reason.
    """

    model: str
    of: str
    known: int
    days: tuple[str, str] | None
    served: int
    others: int
    compared: tuple[Compared, ...]
    new_words: tuple[NewWords, ...]
    shares: tuple[Share, ...]
    skipped: dict[str, int]

    def in_state(self, state: State) -> list[Compared]:
        """Statistics of which this was found."""
        return [one for one in self.compared if one.state is state]

    def as_json(self) -> dict[str, Any]:
        """Plain values; of numbers their quantiles, not the values."""
        plain = asdict(self)
        for entry, one in zip(plain["compared"], self.compared, strict=True):
            entry["state"] = str(one.state)
            for side in ("before", "now"):
                if isinstance(getattr(one, side), Numbers):
                    entry[side] = {**entry[side], "values": len(entry[side]["values"])}
        for entry, new in zip(plain["new_words"], self.new_words, strict=True):
            entry["many"] = new.many
        return plain


def compare_served(
    served: Sequence[ServedScan],
    reference: Reference | None,
    *,
    model: str,
    graph: str,
    alarms: FalseAlarms | None = None,
    others: int = 0,
) -> Comparison:
    """Compare served scans with those that a detector knows.

    Args:
        served: By this detector.
        reference: Of the detector; None where it has none.
        model: Its name.
        graph: SHA-256 of its detector.onnx: scores of another one are not compared.
        alarms: Of the detector's card, for the share of scans called tampered where the reference knows none.
        others: Scans by other detectors, to be told.
    """
    days = (min(one.day for one in served), max(one.day for one in served)) if served else None
    compared = [_compare(STATISTICS[name], served, reference, graph) for name in STATISTICS] if reference else []
    adjusted = holm([one.shift.p_value if one.shift else None for one in compared])
    return Comparison(
        model=model,
        of=reference.of if reference else "",
        known=reference.scans if reference else 0,
        days=days,
        served=len(served),
        others=others,
        compared=tuple(replace(one, p_adjusted=p) for one, p in zip(compared, adjusted, strict=True)),
        new_words=tuple(_new_words(served, reference)) if reference and served else (),
        shares=tuple(_shares(served, _known_verdicts(reference, graph, alarms))) if served else (),
        skipped=dict(sorted(sum((Counter(one.skipped) for one in served), Counter()).items())),
    )


def numbers_of(values: Sequence[float]) -> Numbers:
    """Values with their quantiles."""
    if not values:
        return Numbers((), None, None, None)
    low, median, high = (float(value) for value in np.quantile(values, [0.1, 0.5, 0.9]))
    return Numbers(tuple(sorted(values)), median, low, high)


def _compare(statistic: Statistic, served: Sequence[ServedScan], reference: Reference, graph: str) -> Compared:
    why = _incomparable(statistic, reference, graph)
    shift: Shift | None
    before: Numbers | dict[str, int]
    now: Numbers | dict[str, int]
    if statistic.words:
        before, now = reference.words.get(statistic.name, {}), counts_of(served, statistic.name)
        shift, fewest = shift_of_words(before, now), min(sum(before.values()), sum(now.values()))
    else:
        values = [value for one in served if (value := one.numbers.get(statistic.name)) is not None]
        before, now = numbers_of(reference.numbers.get(statistic.name, ())), numbers_of(values)
        shift, fewest = shift_of_numbers(before.values, now.values), min(len(before.values), len(now.values))
    if not why and shift is None:
        why = f"{fewest} scans have it, and {FEWEST} are the least to compare"
    return Compared(statistic.name, before, now, None if why else shift, None, why)


def _incomparable(statistic: Statistic, reference: Reference, graph: str) -> str:
    if not statistic.tested:
        return "told, not judged: archives choose it, not scanners"
    if statistic.whole and not reference.whole:
        return "the detector's own scans were scored by some slices each, served ones whole"
    if statistic.of is Of.SCORES and reference.graph_sha256 != graph:
        return "the scores to compare with are another detector's"
    return ""


def counts_of(served: Sequence[ServedScan], name: str) -> dict[str, int]:
    """Scans by word of a statistic."""
    return dict(sorted(Counter(one.words[name] for one in served if name in one.words).items()))


def _new_words(served: Sequence[ServedScan], reference: Reference) -> list[NewWords]:
    found = []
    for name in (one for one in WORDS if one in _ASKED_FOR_NEW):
        before, now = reference.words.get(name, {}), counts_of(served, name)
        new = unseen(before, now) if before else {}
        if new:
            count = sum(new.values())
            interval = share_interval(count, len(served))
            found.append(NewWords(name, new, count / len(served), interval, expected_unseen(before)))
    return found


def _known_verdicts(reference: Reference | None, graph: str, alarms: FalseAlarms | None) -> Mapping[str, int]:
    """Verdicts on untampered scans; of the card's alarms it is known only which scans were called tampered."""
    if reference and not _incomparable(STATISTICS["verdict"], reference, graph):
        return reference.words.get("verdict", {})
    if alarms is None:
        return {}
    called = round(alarms.rate * alarms.scans)
    return {str(Verdict.TAMPERED): called, _OTHER: alarms.scans - called}


def _shares(served: Sequence[ServedScan], known: Mapping[str, int]) -> list[Share]:
    now, of_known = counts_of(served, "verdict"), sum(known.values())
    shares = []
    for verdict in (Verdict.TAMPERED, Verdict.UNCERTAIN, Verdict.NOT_TAMPERED):
        count = now.get(verdict, 0)
        told = of_known > 0 and (_OTHER not in known or verdict is Verdict.TAMPERED)
        before = known.get(verdict, 0)
        shares.append(
            Share(
                verdict=str(verdict),
                before=before / of_known if told else None,
                before_interval=share_interval(before, of_known) if told else None,
                now=count / len(served),
                now_interval=share_interval(count, len(served)),
            )
        )
    return shares
