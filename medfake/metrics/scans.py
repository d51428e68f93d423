"""What the score of a scan means."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Verdict(StrEnum):
    """What is said of a scan."""

    TAMPERED = "tampered"
    NOT_TAMPERED = "not tampered"
    UNCERTAIN = "uncertain"


def decide(p_tampered: float, low: float, high: float) -> Verdict:
    """Say what a scan's score means.

    Args:
        p_tampered: Score of the scan, 0..1.
        low: Below it a scan is not tampered.
        high: From it on a scan is tampered; `low` to `high` is the uncertain band.
    """
    if p_tampered >= high:
        return Verdict.TAMPERED
    return Verdict.NOT_TAMPERED if p_tampered < low else Verdict.UNCERTAIN
