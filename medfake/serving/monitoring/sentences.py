"""What was found of a statistic as text: one wording for the terminal and the page."""

from typing import Final

from medfake.metrics.intervals import Interval
from medfake.package.scan_statistics import STATISTICS
from medfake.reports.sentences import p_text
from medfake.serving.monitoring.comparison import Compared, Comparison, NewWords, Numbers

_MOST_WORDS: Final = 3


def shift_sentence(one: Compared) -> str:
    """What became of a statistic, with its figures."""
    measured = "" if one.shift is None else f" (PSI {one.shift.psi:.2f}, {p_clause(one.p_adjusted)})"
    now, before = (side_text(one, side) for side in (one.now, one.before))
    return f"{capital(one.statistic.title)} {one.state}: {now} instead of {before}{measured}"


def side_text(one: Compared, side: Numbers | dict[str, int]) -> str:
    """A statistic before or now: "15.8 HU (14.2 to 17)", the middle and four fifths; or "soft 60 %, lung 40 %"."""
    if isinstance(side, Numbers):
        return f"{middle_text(one, side)} ({range_text(side)})" if side.median is not None else "none"
    if not side:
        return "none"
    total = sum(side.values())
    ordered = sorted(side.items(), key=lambda pair: (-pair[1], pair[0]))
    return _few([f"{name} {percent(count / total)}" for name, count in ordered])


def middle_text(one: Compared, side: Numbers) -> str:
    """The middle of the scans with its unit."""
    unit = f" {one.statistic.unit}" if one.statistic.unit else ""
    return "none" if side.median is None else f"{side.median:.3g}{unit}"


def range_text(side: Numbers) -> str:
    """Between which values four fifths of the scans lie."""
    return "" if side.low is None or side.high is None else f"{side.low:.3g} to {side.high:.3g}"


def new_words_sentence(new: NewWords) -> str:
    """Which words are new, and of how many scans."""
    count = sum(new.counts.values())
    scans = "1 scan has" if count == 1 else f"{count} scans have"
    told = _few([f"{name} ({own})" for name, own in new.counts.items()])
    share = f"{percent(new.share)} of those served ({percent_interval(new.interval)})"
    return f"{capital(STATISTICS[new.name].title)}: {scans} one that the detector has not learnt from: {told}; {share}"


def beside_sentence(found: Comparison) -> str:
    """What is compared with what."""
    if found.days is None:
        served = "No scan was served"
    else:
        first, last = found.days
        when = f"on {first}" if first == last else f"from {first} to {last}"
        served = f"{found.served} scan{'s' * (found.served != 1)} served {when}"
    known = f", beside {found.known}: {found.of}" if found.of else ""
    others = f" {found.others} by other detectors do not count." if found.others else ""
    return f"{served}{known}.{others}"


def p_clause(p_value: float | None) -> str:
    """A p-value as "p = 0.012" or "p < 0.001"."""
    text = p_text(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def capital(text: str) -> str:
    """A text that begins a sentence."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """A share as "12 %"."""
    return f"{100 * share:.0f} %"


def percent_interval(interval: Interval) -> str:
    """An interval of a share as "8 to 17 %"."""
    return f"{100 * interval.low:.0f} to {percent(interval.high)}"


def _few(told: list[str]) -> str:
    rest = len(told) - _MOST_WORDS
    more = [f"{rest} other{'s' * (rest != 1)}"] if rest > 0 else []
    return ", ".join([*told[:_MOST_WORDS], *more])
