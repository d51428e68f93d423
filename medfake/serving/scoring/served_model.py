"""The detector of a package that serves, with the thresholds of the site where it has some."""

from pathlib import Path

from medfake.serving.calibration import SiteCalibration, calibrated
from medfake.serving.model import Model, open_folder
from medfake.serving.scoring.worker_messages import Package


def open_served(package: Package, threads: int = 0) -> Model:
    """Open it.

    Args:
        package: That serves.
        threads: As of `open_package`.

    Raises:
        ManifestError: The package is not whole.
        ScanError: The detector cannot scan, or the calibration is of another one.
    """
    model = open_folder(
        Path(package.folder), package.name, package.chosen, by_default=package.by_default, threads=threads
    )
    calibration = calibration_of(package)
    return model if calibration is None else calibrated(model, calibration)


def calibration_of(package: Package) -> SiteCalibration | None:
    """Of the site; None for the detector's own thresholds."""
    return SiteCalibration.model_validate_json(package.calibration) if package.calibration else None
