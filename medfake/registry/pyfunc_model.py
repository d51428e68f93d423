"""A stored detector as an MLflow pyfunc, kept as code: nothing is unpickled to load it."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from medfake.package.scorer import Scorer


class DetectorModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow ships no types for it
    """Slices in, P(tampered) out, through ONNX Runtime."""

    _skip_type_hint_validation = True  # the signature is stored; MLflow would warn that `predict` has no type hints

    def load_context(self, context: Any) -> None:
        """Load the graph that was stored with the model."""
        self.scorer = Scorer(Path(context.artifacts["onnx"]))

    def predict(self, context, model_input, params=None):  # noqa: ARG002  # MLflow's signature; it would take type hints for a schema
        """Score slices.

        Args:
            context: MLflow's.
            model_input: (slices, rows, cols) Hounsfield units that fit int16.
            params: Unused.

        Returns:
            One row a slice: p_tampered, and site_y, site_x (px), site_p for detectors that localise.
        """
        scores = self.scorer.score(np.asarray(model_input).astype(np.int16))
        return pd.DataFrame({name: values for name, values in vars(scores).items() if values is not None})


mlflow.models.set_model(DetectorModel())
