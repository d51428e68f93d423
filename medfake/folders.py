"""Where things lie below the working folder; dvc.yaml names the same places."""

from pathlib import Path

RAW = Path("data/raw")
SCANS = Path("data/scans")
SLICES = Path("data/slices")
MODELS = Path("models")
REPORTS = Path("reports")
PROBES = REPORTS / "probes"
PRIVATE = Path(".medfake")


def package_folder(dataset: str, detector: str, seed: int) -> Path:
    """Where one training's model package lies."""
    return MODELS / dataset / detector / f"seed-{seed}"
