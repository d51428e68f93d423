"""A stored detector as an MLflow pyfunc, kept as code: nothing is unpickled to load it.

MLflow stores this very file beside the graph and runs it wherever the model is loaded, so it needs what the model's
requirements name and nothing of medfake; a test holds that it scores as `medfake.package.scorer` does.
"""

import os
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is loaded, which reports to its maker otherwise

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

BATCH = 4  # slices; bounds memory
SMALLEST_EDGE = 96  # px; pools larger than the image would end the process
NO_COLUMNS = ("place_logit", "place_counts", "embedding")  # maps, which nothing here aggregates, and what heads see
CLASSES = ("p_removed", "p_injected")  # of the output p_classes, whose first column is P(untampered)


class DetectorModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow ships no types for it
    """Slices in, P(tampered) out, through ONNX Runtime on the CPU."""

    _skip_type_hint_validation = True  # the signature is stored; MLflow would warn that `predict` has no type hints

    def load_context(self, context: Any) -> None:
        """Load the graph that was stored with the model."""
        graph = Path(context.artifacts["onnx"]).read_bytes()  # bytes: a graph may not name files beside it
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def predict(self, context, model_input, params=None):  # noqa: ARG002  # MLflow's signature; it would take type hints for a schema
        """Score slices.

        Args:
            context: MLflow's.
            model_input: (slices, rows, cols) int16, at least 96 rows and columns: Hounsfield units, or of detectors of
                MR and X-ray the normalised units that the card tells. Pixels do not say what made them; whoever scores
                through medfake has other modalities refused.
            params: Unused.

        Returns:
            One row a slice: p_tampered; site_y, site_x (px) and site_p of detectors that localise; p_removed and
            p_injected of detectors of three classes.

        Raises:
            MlflowException: Another shape or dtype; its pixels are not told.
        """
        slices = np.asarray(model_input)
        if slices.ndim != 3 or slices.dtype != np.int16 or min(slices.shape[1:]) < SMALLEST_EDGE:
            raise MlflowException(
                f"expected (slices, rows, cols) int16 in the units of the card, {SMALLEST_EDGE} rows and columns or "
                "more; "
                f"received {slices.shape} {slices.dtype}",
                INVALID_PARAMETER_VALUE,
            )
        parts = [self.session.run(None, {"hu": slices[at : at + BATCH]}) for at in range(0, len(slices), BATCH)]
        table: dict[str, Any] = {}
        for place, name in enumerate(self.outputs):
            if name in NO_COLUMNS:
                continue
            values = np.concatenate([part[place] for part in parts]) if parts else np.empty(0)
            if name == "p_classes":
                values = values.reshape(-1, 1 + len(CLASSES))
                table |= {column: values[:, at] for at, column in enumerate(CLASSES, start=1)}
            else:
                table[name] = values.reshape(-1)
        return pd.DataFrame(table).astype(np.float32)


mlflow.models.set_model(DetectorModel())
