"""Options that are numbers one can reckon with."""

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A number within bounds; "nan" and "inf" are none, for a limit of either limits nothing and tells nobody."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number
