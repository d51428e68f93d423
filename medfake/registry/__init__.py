"""The model registry: versions, nominate, gates, promote, roll back, ledger."""

from pathlib import Path


def pyfunc_model_path() -> Path:
    """The file that MLflow stores as the model's code; it is never imported here."""
    return Path(__file__).with_name("pyfunc_model.py")
