"""Where things lie below the working folder; dvc.yaml names the same places."""

import os
from pathlib import Path

RAW = Path("data/raw")
SCANS = Path("data/scans")
SLICES = Path("data/slices")
FEATURES = Path("data/features")
MODELS = Path("models")
REPEATED = Path("repeated")
REPORTS = Path("reports")
PROBES = REPORTS / "probes"
NOMINATION = REPORTS / "nomination.json"
PRIVATE = Path(".medfake")
INTERRUPTED = PRIVATE / "interrupted"
TUNING = PRIVATE / "tune"


def user_data() -> Path | None:
    """Folder of what this user keeps for good, whichever folder they work in; None when they have no home.

    XDG Base Directory Specification: $XDG_DATA_HOME, which counts only when absolute, or ~/.local/share.
    """
    return _of_user("XDG_DATA_HOME", ".local/share")


def user_cache() -> Path | None:
    """Folder of what may be thrown away at any time: $XDG_CACHE_HOME or ~/.cache; None without a home."""
    return _of_user("XDG_CACHE_HOME", ".cache")


def _of_user(variable: str, below_home: str) -> Path | None:
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named / "medfake"
    try:
        return Path.home() / below_home / "medfake"
    except RuntimeError:  # neither $HOME nor an entry in the user database
        return None


def package_folder(dataset: str, detector: str, seed: int, root: Path = MODELS) -> Path:
    """Where one training's model package lies; below REPEATED for the seeds that only the best detectors have."""
    return root / dataset / detector / f"seed-{seed}"


def features_folder(dataset: str, detector: str) -> Path:
    """Where the pooled features of a frozen backbone lie."""
    return FEATURES / dataset / detector


def interrupted_file(dataset: str, detector: str, seed: int) -> Path:
    """Where a training keeps what it needs to go on after it was cut short; outside of what DVC removes."""
    return INTERRUPTED / f"{dataset}-{detector}-{seed}.npz"
