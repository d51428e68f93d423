"""A square table of numbers between -1 and 1 as a drawing: darker is further from 0, two colours for two signs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.scans import Floats
from medfake.reports.drawing import INK, SERIES, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL_INCHES: Final = 0.34
_NAMES_INCHES: Final = 1.4
_WHOLE: Final = {"1.00": "1", "-1.00": "-1", "0.00": "0", "-0.00": "0"}
_DARKEST: Final = 0.75  # of a cell's colour, so that ink stays legible on it in light and dark


def heat_map(names: Sequence[str], matrix: Floats, salt: str) -> str:
    """Draw a matrix with its numbers.

    Args:
        names: Of rows and columns alike.
        matrix: (names, names), -1..1; NaN stays empty.
        salt: What is shown: equal pictures get equal text.
    """
    from matplotlib.patches import Rectangle

    count = len(names)

    def paint(axes: "Axes") -> None:
        for (row, column), value in np.ndenumerate(matrix):
            if np.isnan(value):
                continue
            colour = SERIES[0] if value >= 0 else SERIES[1]
            strength = _DARKEST * abs(float(value))
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, alpha=strength, linewidth=0))
            axes.text(column, row, number(value), ha="center", va="center", fontsize=7, color=INK)
        axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
        axes.grid(visible=False)

    edge = _NAMES_INCHES + _CELL_INCHES * max(count, 3)
    return draw(paint, (edge, edge), salt)


def number(value: float) -> str:
    """Two digits, without a leading zero, so that thirteen fit side by side: ".97", "-.20", "1"."""
    text = f"{value:.2f}"
    return _WHOLE.get(text, text.replace("0.", ".", 1))
