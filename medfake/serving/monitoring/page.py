"""A comparison as a page: the answer first, then what it rests on."""

from collections.abc import Iterator
from typing import Final

from medfake.metrics.drift import FEWEST, LARGE, LITTLE
from medfake.package.scan_statistics import STATISTICS
from medfake.reports.parts import Cell, Details, Part, Row, Section, Table
from medfake.reports.sections_page import Answer, answer_fragment, answer_page
from medfake.serving.monitoring.advice import advise
from medfake.serving.monitoring.comparison import ALPHA, Compared, Comparison, Numbers, State
from medfake.serving.monitoring.drawings import drawing_of
from medfake.serving.monitoring.sentences import (
    beside_sentence,
    capital,
    middle_text,
    percent,
    percent_interval,
    range_text,
    side_text,
)

TITLE: Final = "Do the scans that are served look like those that the detector knows?"
_HEAD: Final = ("Statistic", "Before", "Now", "PSI", "KS", "p", "Found")
_STANDS_OUT: Final = (State.DRIFTED, State.MOVED)
_INDEX: Final = (
    "PSI is the population stability index over quantiles of the scans before, less what chance makes of samples of "
    "this size (Yurdakul and Naranjo 2020), so that it is about 0 where nothing changed; from "
    f"{LITTLE} on a change is by convention moderate, from {LARGE} on large. KS is the distance of Kolmogorov and "
    "Smirnov. p is that of their two-sample test, for words that of Pearson's chi-squared under random exchange of the "
    "scans, after Holm's correction over all statistics. Something has drifted where p is below "
    f"{ALPHA} and PSI {LARGE} or more: sure, and large."
)
_PATIENTS: Final = (
    "Scans count as if each were of another patient, because nothing that is recorded says otherwise; many series of "
    f"few patients look surer than they are. Fewer than {FEWEST} scans are not compared."
)
_PIXELS: Final = (
    "Pixels are looked at in a quarter of the slices, deep in the lung: the mean of its tissue, its noise, that is "
    "how far pixels two apart differ, and how much of that neighbours have (near 1 for sharp kernels). No pixel and no "
    "identifier is kept."
)


def monitor_page(found: Comparison) -> str:
    """A whole page of HTML that asks nobody for anything, light and dark, for screens and paper."""
    return answer_page(_answer(found), _sections(found))


def monitor_fragment(found: Comparison) -> str:
    """The same without head and header, for a page that has the report's style sheet."""
    return answer_fragment(_answer(found), _sections(found))


def _answer(found: Comparison) -> Answer:
    advice = advise(found)
    return Answer(
        eyebrow=f"medfake · monitoring of {found.model}",
        title=TITLE,
        lead=beside_sentence(found),
        word=str(advice.finding),
        sentence=advice.sentence,
        reasons=advice.reasons,
        steps=advice.steps,
    )


def _sections(found: Comparison) -> dict[str, Section]:
    return {name: Section(heading=heading, nav=heading, parts=parts)
            for name, heading, parts in _all(found) if parts}  # fmt: skip


def _all(found: Comparison) -> Iterator[tuple[str, str, list[Part]]]:
    yield "verdicts", "Verdicts", [_verdicts(found)] if found.shares else []
    yield "statistics", "What was compared", _statistics(found) if found.compared else []
    yield "new", "Not learnt from", [_new_words(found)] if found.new_words else []
    yield "drawings", "Before and now", _drawings(found)
    if found.skipped:
        told = ", ".join(f"{count} {kind}" for kind, count in found.skipped.items())
        yield "skipped", "Without a score", [f"Slices of the served scans that have no score: {told}."]


def _verdicts(found: Comparison) -> Table:
    rows: list[Row] = []
    for one in found.shares:
        before = Cell("n/a") if one.before is None or one.before_interval is None else Cell(
            percent(one.before), one.before, percent_interval(one.before_interval)
        )  # fmt: skip
        rows.append([one.verdict, before, Cell(percent(one.now), one.now, percent_interval(one.now_interval))])
    caption = "Share of scans by verdict, with Wilson's 95 % intervals beneath."
    return Table(caption=caption, head=("Verdict", "Before", "Now"), rows=rows)


def _statistics(found: Comparison) -> list[Part]:
    rows = [_row(one) for one in found.compared]
    changed = [place for place, one in enumerate(found.compared) if one.state in _STANDS_OUT]
    caption = "Middle of the scans with the range of four fifths, or the most frequent words; what changed stands out."
    return [
        Table(caption=caption, head=_HEAD, rows=rows, best=changed),
        *_whys(found),
        Details(summary="How it is measured", parts=[_INDEX, _PATIENTS, _PIXELS]),
    ]


def _row(one: Compared) -> Row:
    before, now = (_side(one, side) for side in (one.before, one.now))
    if one.shift is None or one.p_adjusted is None:
        return [one.statistic.title, before, now, "n/a", "n/a", "n/a", str(one.state)]
    distance = one.shift.distance
    return [
        one.statistic.title,
        before,
        now,
        Cell(f"{one.shift.psi:.2f}", one.shift.psi),
        "n/a" if distance is None else Cell(f"{distance:.2f}", distance),
        Cell("< 0.001" if one.p_adjusted < 0.001 else f"{one.p_adjusted:.3f}", one.p_adjusted),
        str(one.state),
    ]


def _side(one: Compared, side: Numbers | dict[str, int]) -> Cell | str:
    """The middle with its range beneath, or words."""
    if isinstance(side, Numbers) and side.median is not None:
        return Cell(middle_text(one, side), None, range_text(side))
    return side_text(one, side)


def _whys(found: Comparison) -> list[str]:
    """Why some statistics cannot be compared, a sentence a reason."""
    titles: dict[str, list[str]] = {}
    for one in found.compared:
        if one.shift is None:
            titles.setdefault(one.why, []).append(one.statistic.title)
    return [f"{capital(', '.join(named))}: {why}." for why, named in titles.items()]


def _new_words(found: Comparison) -> Table:
    rows: list[Row] = [
        [STATISTICS[new.name].title, word, Cell(str(scans), scans), "more than strays" if new.many else "strays"]
        for new in found.new_words
        for word, scans in new.counts.items()
    ]
    caption = "Words of the header that none of the scans before has, and of how many served scans they are."
    return Table(caption=caption, head=("What", "Word", "Scans", "Found"), rows=rows)


def _drawings(found: Comparison) -> list[Part]:
    """What changed, and folded up what did not."""
    drawn = [(one.state, drawing) for one in found.compared if one.statistic.tested and (drawing := drawing_of(one))]
    changed: list[Part] = [drawing for state, drawing in drawn if state in _STANDS_OUT]
    others: list[Part] = [drawing for state, drawing in drawn if state not in _STANDS_OUT]
    return [*changed, Details(summary="What did not change, or cannot be said", parts=others)] if others else changed
