"""Which detector to scan with: the champion, a version, a package on disk, or the one that comes with medfake."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.dicom.series import Series
from medfake.errors import ManifestError, NoChampionError, ScanError, StorageError
from medfake.files import path_text
from medfake.package.card import ONNX_FILE, Card
from medfake.package.scan_scorer import ScanScorer, open_package
from medfake.package.shipped import BUILTIN, builtin_package, has_builtin
from medfake.vocabulary import Evidence, Modality, Task

if TYPE_CHECKING:  # the registry loads MLflow's plumbing, which packages on disk do without
    from medfake.registry.model_registry import ModelRegistry
    from medfake.serving.calibration import SiteCalibration

BUILTIN_NAME = "the built-in detector"
_SCANS = ("here are scans", "scans may come")


@dataclass(frozen=True)
class Model:
    """A detector ready to score.

    Attributes:
        name: What it is, e.g. "medfake-detector version 3 (champion)".
        folder: Of its package.
        chosen: Why it is this one, a clause; "" where it was asked for.
        by_default: Whether nobody asked for a certain one.
        calibration: Of the site whose thresholds the card has, see `calibrated`; None for the detector's own.
    """

    name: str
    folder: Path
    scorer: ScanScorer
    chosen: str = ""
    by_default: bool = False
    calibration: "SiteCalibration | None" = None

    @property
    def card(self) -> Card:
        """Of the detector."""
        return self.scorer.card

    def suited_to_whatever_comes(self) -> "Model":
        """As `suited_to` of scans that are not there yet: any of them may be real."""
        return self.suited_to(None)

    def suited_to(self, series: Iterable[Series] | None) -> "Model":
        """This one; or the built-in one where this learnt from the phantom, was not asked for, and a scan is real.

        Args:
            series: What will be scanned; taken only where it matters, and only up to the first real scan. None where
                nobody knows yet.
        """
        if not self.by_default or self.card.evidence is not Evidence.PHANTOM or not has_builtin():
            return self
        if self.card.modality is not Modality.CT:  # the built-in one knows CT alone
            return self
        ct = None if series is None else (one for one in series if one.modality is Modality.CT)
        if ct is not None and all(header.synthetic == Evidence.PHANTOM for one in ct for header in one.headers):
            return self
        return open_builtin(
            f"{self.name} learnt from the phantom alone, and {_SCANS[series is None]} that are not the phantom's "
            "(--model champion takes it all the same)"
        )


def open_here(wanted: str | None) -> Model:
    """Open a detector from where the user stands, be it in a project or not; arguments and errors as `open_model`.

    Raises:
        ConfigError: A version was asked for, and there is no registry here.
    """
    if wanted is not None and (wanted == BUILTIN or Path(wanted).exists()):
        return open_model(wanted, None)
    registry = registry_here()
    if registry is None and wanted is not None:
        from medfake.project import Project

        Project.find()  # says where to go
    try:
        return open_model(wanted, registry)
    except StorageError as error:
        if wanted is None and has_builtin():
            error.remedy = f"{error.remedy}; --model {BUILTIN} asks no registry"
        raise


def registry_here() -> "ModelRegistry | None":
    """The registry of the project in which the user stands, or of MLFLOW_TRACKING_URI; None where there is neither.

    Raises:
        ConfigError: params.yaml is wrong, or MLFLOW_TRACKING_URI holds no address.
    """
    from medfake.config.server import server_of_environment
    from medfake.project import Project

    project = Project.around()
    tracking = project.tracking if project else server_of_environment()
    if tracking is None:
        return None
    from medfake.registry.model_registry import ModelRegistry

    return ModelRegistry(tracking)


def open_model(wanted: str | None, registry: "ModelRegistry | None") -> Model:
    """Open a detector without TensorFlow.

    Args:
        wanted: None for the champion, or the built-in detector where there is none; a version number, an alias,
            "models:/medfake-detector/3", "builtin", or a package folder or its detector.onnx.
        registry: Where versions are; None outside of a project, and when a package on disk is wanted.

    Raises:
        NoChampionError: Nothing was promoted yet, and this installation lacks the built-in detector.
        RegistryError: There is no such version.
        ManifestError: The package is not whole.
        ScanError: The detector does not judge whole slices, or answers another question than tampering.
    """
    if wanted == BUILTIN:
        return open_builtin("")
    if wanted and Path(wanted).exists():
        return _open_path(Path(wanted))
    if wanted is None:
        return _open_default(registry)
    if registry is None:
        raise ScanError("there is no such package", where=wanted, remedy="give a folder below models/")
    return _open_version(wanted, registry)


def open_builtin(chosen: str) -> Model:
    """Open the detector that comes with medfake.

    Args:
        chosen: Why, a clause; "" where it was asked for.

    Raises:
        ManifestError: This installation lacks it.
    """
    return open_folder(builtin_package(), BUILTIN_NAME, chosen, by_default=bool(chosen))


def _open_path(path: Path) -> Model:
    if path.is_file() and path.name != ONNX_FILE:
        raise ManifestError(
            f"a detector on disk is a package folder or its {ONNX_FILE}", where=path,
            remedy="give a folder below models/",
        )  # fmt: skip
    folder = path.parent if path.is_file() else path
    return open_folder(folder, f"package {path_text(Path(folder.name))}")


def _open_default(registry: "ModelRegistry | None") -> Model:
    if registry is None:
        if not has_builtin():
            raise NoChampionError(
                "there is no detector here: no project with a champion, and no built-in one",
                where=Path.cwd(), remedy="cd into a medfake project, or medfake scan --model FOLDER PATH",
            )  # fmt: skip
        return open_builtin("there is no medfake project here whose champion would scan")
    from medfake.registry.versions import Alias

    if registry.champion() is None and has_builtin():
        return open_builtin("no detector has been promoted yet")
    return _open_version(Alias.CHAMPION, registry, by_default=True)


def _open_version(wanted: str, registry: "ModelRegistry", *, by_default: bool = False) -> Model:
    from medfake.registry.versions import MODEL_NAME

    version = registry.find(wanted.removeprefix(f"models:/{MODEL_NAME}/").removeprefix(f"models:/{MODEL_NAME}@"))
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    chosen = "it is the champion" if by_default else ""
    return open_folder(
        registry.package(version), f"{MODEL_NAME} version {version.number}{aliases}", chosen, by_default=by_default
    )


def open_folder(folder: Path, name: str, chosen: str = "", *, by_default: bool = False, threads: int = 0) -> Model:
    """Open a package under a name; arguments as of `Model` and `open_package`, errors as of `open_model`."""
    if not (folder / ONNX_FILE).is_file():
        raise ManifestError("no detector.onnx in this package", where=folder, remedy="give a folder below models/")
    scorer = open_package(folder, threads)
    task, view = scorer.card.task, scorer.card.view
    if task is not Task.TAMPERING:
        raise ScanError(
            "this detector answers another question than whether a scan was tampered with", where=name,
            received=f"task {task}: {task.sentence}", remedy="scan with a detector of tampering",
        )  # fmt: skip
    if view != "whole":
        raise ScanError(
            "this detector judges slices as a view stores them, and a scan has whole ones", where=name,
            received=f"view {view}",
            remedy="scan with a detector of a data set whose view is whole",
        )  # fmt: skip
    return Model(name, folder, scorer, chosen, by_default)


def describe(model: Model) -> dict[str, object]:
    """A detector, as reports tell it."""
    card = model.card
    return {
        "name": model.name,
        "detector": card.detector,
        "dataset": card.dataset,
        "dataset_sha256": card.dataset_sha256,
        "chosen": model.chosen,
        "evidence": card.evidence,
        "modality": card.modality,
        "threshold": card.threshold,
        "scan_threshold_low": card.scan_threshold_low,
        "scan_threshold_high": card.scan_threshold_high,
        "calibration": model.calibration.model_dump(mode="json") if model.calibration else None,
        "measured_on": [*card.learning, *card.measured_on],
        "blind_to": list(card.blind_to),
        "false_alarms": card.false_alarms.model_dump() if card.false_alarms else None,
        "false_alarms_of_few": card.false_alarms_of_few.model_dump() if card.false_alarms_of_few else None,
        "intended_use": card.intended_use,
    }
