"""Lowest and highest values of columns."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Limits = tuple[float | None, float | None]  # None: no limit on this side


def between(limits: dict[str, Limits]) -> list[Any]:
    """Great Expectations that columns lie within their limits."""
    from great_expectations import expectations as gxe

    return [
        gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        for name, (low, high) in limits.items()
    ]


def beyond(column: "pd.Series[Any]", limits: Limits) -> NDArray[np.bool_]:
    """Which values of a column lie outside its limits; an empty one does not."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = limits
    wrong: NDArray[np.bool_] = np.zeros(len(values), dtype=bool)
    if low is not None:
        wrong |= values < low
    if high is not None:
        wrong |= values > high
    return wrong
