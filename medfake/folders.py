"""Where things lie below the working folder; dvc.yaml names the same places."""

from pathlib import Path

RAW = Path("data/raw")
SCANS = Path("data/scans")
SLICES = Path("data/slices")
FEATURES = Path("data/features")
MODELS = Path("models")
REPEATED = Path("repeated")
REPORTS = Path("reports")
PROBES = REPORTS / "probes"
PRIVATE = Path(".medfake")
INTERRUPTED = PRIVATE / "interrupted"
TUNING = PRIVATE / "tune"


def package_folder(dataset: str, detector: str, seed: int, root: Path = MODELS) -> Path:
    """Where one training's model package lies; below REPEATED for the seeds that only the best detectors have."""
    return root / dataset / detector / f"seed-{seed}"


def features_folder(dataset: str, detector: str) -> Path:
    """Where the pooled features of a frozen backbone lie."""
    return FEATURES / dataset / detector


def interrupted_file(dataset: str, detector: str, seed: int) -> Path:
    """Where a training keeps what it needs to go on after it was cut short; outside of what DVC removes."""
    return INTERRUPTED / f"{dataset}-{detector}-{seed}.npz"
