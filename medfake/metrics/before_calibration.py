"""What a detector said before it was calibrated, out of what it says now and the numbers of the calibration.

Calibrations here can be turned round, so that predictions.parquet and the card are all that is needed.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from medfake.log_odds import logit, sigmoid
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import ECE_BINS, ece_bins
from medfake.package.measured import Calibrated, Reliability, ReliabilityBin
from medfake.training.calibration import EDGE, TEMPERATURE
from medfake.vocabulary import CLASSES, Split

_DIGITS = 6  # what differs between processors lies behind them


def before_calibration(rows: pd.DataFrame, calibration: Mapping[str, float]) -> Floats:
    """P(tampered) of some slices as it was before.

    Args:
        rows: p_tampered, and p_removed and p_injected where the detector tells three classes apart.
        calibration: As on the card: "temperature", "a" and "b", or nothing.

    Returns:
        (rows,) 0..1. After Platt's sigmoid, probabilities nearer to 0 or 1 than 1e-6 count as that near.
    """
    p: Floats = rows["p_tampered"].to_numpy(dtype=np.float64)
    if TEMPERATURE in calibration:
        return _cooled(rows, p, calibration[TEMPERATURE])
    if "a" in calibration:
        before: Floats = sigmoid((logit(p, EDGE) - calibration["b"]) / calibration["a"])
        return before
    return p


def calibrated(predictions: pd.DataFrame, calibration: Mapping[str, float]) -> Calibrated | None:
    """Reliability of the validation slices before and after.

    Args:
        predictions: One run's rows; only those of the validation split are read.
        calibration: As on the card.

    Returns:
        None where nothing was fitted, or the split is empty.
    """
    val = predictions[predictions["split"] == Split.VAL]
    if not calibration or val.empty:
        return None
    label, after = val["label"].to_numpy(dtype=np.float64), val["p_tampered"].to_numpy(dtype=np.float64)
    before = before_calibration(val, calibration)
    return Calibrated(slices=len(val), before=reliability(label, before), after=reliability(label, after))


def reliability(label: Floats, p: Floats) -> Reliability:
    """How far probabilities are from shares.

    Args:
        label: (n,) 1 = tampered, at least one.
        p: (n,) P(tampered), 0..1.
    """
    places = ece_bins(p)
    counts = np.bincount(places, minlength=ECE_BINS)
    sums, hits = (np.bincount(places, values, ECE_BINS) for values in (p, label))
    return Reliability(
        ece=round(float(np.abs(sums - hits).sum() / len(p)), _DIGITS),
        brier=round(float(((p - label) ** 2).mean()), _DIGITS),
        bins=tuple(
            ReliabilityBin(
                count=int(counts[at]),
                p=round(float(sums[at] / counts[at]), _DIGITS),
                share=round(float(hits[at] / counts[at]), _DIGITS),
            )
            for at in np.flatnonzero(counts)
        ),
    )


def _cooled(rows: pd.DataFrame, p: Floats, temperature: float) -> Floats:
    """Probabilities of logits that were divided by a temperature are their powers, scaled to a sum of 1."""
    names = [f"p_{word}" for word in CLASSES[1:]]
    three = set(names) <= set(rows) and not rows[names].isna().to_numpy().any()
    tampered = rows[names].to_numpy(dtype=np.float64) if three else p[:, None]
    powers = np.column_stack([np.clip(1 - p, 0, 1), tampered]) ** temperature
    before: Floats = 1 - powers[:, 0] / powers.sum(axis=1)
    return before
