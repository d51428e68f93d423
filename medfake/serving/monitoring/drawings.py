"""A statistic before and now as a small drawing: shares of scans over the values, or by word."""

from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.reports.drawing import INK, MUTED, SERIES, draw, legend
from medfake.reports.parts import Drawing
from medfake.serving.monitoring.comparison import Compared, Numbers
from medfake.serving.monitoring.sentences import capital, shift_sentence, side_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS: Final = 16
_MOST_WORDS: Final = 8
_LONGEST: Final = 22  # characters of a word beside its bars
_BEFORE, _NOW = "before", "now"


def drawing_of(one: Compared) -> Drawing | None:
    """A statistic; None where there is nothing on either side."""
    if isinstance(one.before, Numbers) and isinstance(one.now, Numbers):
        svg = _of_numbers(one, one.before, one.now)
    elif isinstance(one.before, dict) and isinstance(one.now, dict):
        svg = _of_words(one, one.before, one.now)
    else:
        return None
    if svg is None:
        return None
    said = f"{side_text(one, one.before)} before, {side_text(one, one.now)} now"
    title = capital(one.statistic.title)
    caption = f"{shift_sentence(one)}." if one.shift else f"{title}: {one.why}."
    return Drawing(svg=svg, alt=f"{title}: {said}.", caption=caption)


def _of_numbers(one: Compared, before: Numbers, now: Numbers) -> str | None:
    both = np.concatenate([before.values, now.values])
    if not len(both):
        return None
    low, high = float(both.min()), float(both.max())
    margin = (high - low) * 0.02 or max(abs(high), 1.0) * 0.1
    edges = np.linspace(low - margin, high + margin, _BINS + 1)

    def paint(axes: "Axes") -> None:
        for values, name, colour, filled in (
            (before.values, _BEFORE, MUTED, True),
            (now.values, _NOW, SERIES[1], False),
        ):
            if not values:
                continue
            shares = np.histogram(values, edges)[0] / len(values)
            label = f"{name}, {len(values)} scans"
            if filled:
                axes.stairs(shares, edges, color=colour, fill=True, alpha=0.35, label=label)
            else:
                axes.stairs(shares, edges, color=colour, linewidth=1.8, label=label)
        unit = f", {one.statistic.unit}" if one.statistic.unit else ""
        axes.set(xlabel=f"{one.statistic.title}{unit}", ylabel="share of scans")
        axes.set_ylim(bottom=0)
        axes.set_axisbelow(True)
        legend(axes, "")

    return draw(paint, (3.6, 2.5), f"monitor {one.name}")


def _of_words(one: Compared, before: dict[str, int], now: dict[str, int]) -> str | None:
    totals = [max(1, sum(side.values())) for side in (before, now)]
    shares = {word: tuple(side.get(word, 0) / total for side, total in zip((before, now), totals, strict=True))
              for word in (*before, *now)}  # fmt: skip
    words = sorted(shares, key=lambda word: (-max(shares[word]), word))[:_MOST_WORDS]
    if not words:
        return None

    def paint(axes: "Axes") -> None:
        places = np.arange(len(words))
        for at, (name, colour, offset) in enumerate(((_BEFORE, MUTED, -0.19), (_NOW, SERIES[1], 0.19))):
            values = [shares[word][at] for word in words]
            label = f"{name}, {totals[at]} scans"
            axes.barh(places + offset, values, 0.36, color=colour, alpha=0.35 if at == 0 else 1.0, label=label)
        axes.set_yticks(places, [_short(word) for word in words], color=INK)
        axes.set(ylim=(len(words) - 0.5, -0.5), xlim=(0, 1), xlabel=f"share of scans by {one.statistic.title}")
        axes.grid(visible=False, axis="y")
        axes.set_axisbelow(True)
        legend(axes, "")

    return draw(paint, (3.6, 1.1 + 0.42 * len(words)), f"monitor {one.name}")


def _short(word: str) -> str:
    """What fits beside a bar; matplotlib would take what stands between dollars for mathematics."""
    shown = word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
    return shown.replace("$", r"\$")
