"""Trained models as ONNX, compared with their origin before they count."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Agreement
from medfake.detectors.scorer import Scorer
from medfake.errors import ExportMismatchError


def export_keras(model: Any, folder: Path, slices: NDArray[np.int16]) -> Agreement:
    """Write detector.keras and detector.onnx.

    Args:
        model: (slices, rows, cols) int16 HU -> dict with p_tampered.
        folder: Of the package.
        slices: Real slices on which both forms must agree.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    expected = np.concatenate([_predict(model, slices[index : index + 1]) for index in range(len(slices))])
    model.save(folder / KERAS_FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx warns about NumPy aliases
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        model.export(folder / ONNX_FILE, format="onnx", verbose=False)
    return require_agreement(folder, slices, expected)


def require_agreement(folder: Path, slices: NDArray[np.int16], expected: NDArray[np.floating[Any]]) -> Agreement:
    """Compare detector.onnx with what the trained model said of the same slices.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    scored = Scorer(folder / ONNX_FILE).score(slices).p_tampered
    difference = float(np.abs(scored - expected).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportMismatchError(
            f"the ONNX form differs from the trained model by more than {LARGEST_DIFFERENCE}",
            where=folder.name,
            received=f"{difference:.2e} on {len(slices)} slices",
            remedy="report the detector and its options; nothing was stored",
        )
    return Agreement(max_abs_difference=difference, slices=len(slices))


def _predict(model: Any, slices: NDArray[np.int16]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    return probabilities
