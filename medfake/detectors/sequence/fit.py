"""Training of sequence detectors: a trunk for single slices, then what puts slices together, then calibration."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from medfake.detectors.sequence.maps import MappedScan, mapped_scans, require_neighbours
from medfake.detectors.sequence.trunk import SequenceContext, Trunk, trunk_of
from medfake.errors import ExportMismatchError, TrainingError
from medfake.log_odds import logit
from medfake.package.aggregation import GIVEN
from medfake.package.card import AGGREGATION_FILE, LARGEST_DIFFERENCE, Agreement
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.pieces import pieces_of, write_reach
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Floats, open_session
from medfake.training.calibration import EDGE, fit_platt
from medfake.training.keras_setup import import_keras
from medfake.training.trained import Trained
from medfake.vocabulary import Split

_STATE_FILE = "along-z.npz"


def train_sequence(context: SequenceContext) -> Trained:
    """Train the trunk where none is named, then what the detector learns along z; the val split calibrates.

    A training that was cut short goes on in the trunk's training; sequences take seconds and are learnt anew.

    Raises:
        TrainingError: No scan has slices near to each other, or the trunk cannot be trained, or does not give what
            sequences are made of.
        ManifestError: The package that is named as a trunk is not whole.
    """
    dataset = context.dataset
    require_neighbours(dataset, context.around)
    import_keras(context.seed)
    work = TemporaryDirectory(prefix="medfake-trunk-")
    trunk = trunk_of(context, Path(work.name))
    scorer = trunk.open(context.options.looks_at)
    train = mapped_scans(dataset, Split.TRAIN, scorer, context.around)  # as they are asked for
    val = list(mapped_scans(dataset, Split.VAL, scorer, context.around))
    aggregation = context.spec.build(context, train, val, Path(work.name) / _STATE_FILE)
    a, b = _calibrate(aggregation, val, dataset.name)

    def save(folder: Path) -> Agreement:
        with work:  # the trunk's graphs lie there until now
            return save_package(trunk, aggregation, val[0].scored, folder)

    return Trained(
        save=save,
        parameters=None if trunk.parameters is None else trunk.parameters + int(aggregation.count_params()),
        calibration={"a": a, "b": b},
        weights=trunk.weights,
    )


def save_package(trunk: Trunk, aggregation: Any, scan: ScoredScan, folder: Path) -> Agreement:
    """Write the graphs of a detector.

    Args:
        trunk: Whose graphs are taken as they are.
        aggregation: Keras model of some of `GIVEN`, calibrated.
        scan: On whose first piece both forms of it must agree.
        folder: Of the package.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    reach_mm = reach_of_model(aggregation)
    first = next(pieces_of(scan.z_mm, reach_mm)).read
    given = [values[first] for values in given_to(aggregation, scan)]
    path = folder / AGGREGATION_FILE
    write_onnx(aggregation, path, given)
    if reach_mm is not None and float(aggregation.get_layer("calibration").a) > 0:  # else the lowest slice is the scan
        write_reach(path, reach_mm)
    said = aggregation.predict_on_batch(given)
    named = dict(zip(names_of(aggregation), given, strict=True))
    again = open_session(path, threads=1).run(["slice_p"], named)
    difference = float(np.abs(np.asarray(said["slice_p"]) - again[0]).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportMismatchError(
            f"the ONNX form of what puts slices together differs by more than {LARGEST_DIFFERENCE}",
            where=folder.name, received=f"{difference:.2e} on {len(given[0])} slices",
            remedy="report the detector and its options; nothing was stored",
        )  # fmt: skip
    of_trunk = trunk.copy_to(folder)
    return Agreement(
        max_abs_difference=max(difference, of_trunk.max_abs_difference),
        slices=min(len(given[0]), of_trunk.slices),
    )


def names_of(aggregation: Any) -> list[str]:
    """What a Keras model of a scan asks for, of `GIVEN`."""
    return [one.name for one in aggregation.inputs]


def given_to(aggregation: Any, scan: ScoredScan) -> list[Floats]:
    """What it takes of a scan."""
    return [GIVEN[name](scan) for name in names_of(aggregation)]


def reach_of_model(aggregation: Any) -> float | None:
    """How far it looks along z, mm; None where it may look at the whole scan, as what others put together may."""
    return getattr(aggregation, "reach_mm", None)


def slice_p_of(aggregation: Any, scan: ScoredScan) -> Floats:
    """P of each slice within its scan, which is cut as it is where it is served."""
    given = given_to(aggregation, scan)
    pieces = pieces_of(scan.z_mm, reach_of_model(aggregation))
    said = [(one, aggregation.predict_on_batch([values[one.read] for values in given])["slice_p"]) for one in pieces]
    return np.concatenate([np.asarray(p)[one.kept] for one, p in said])


def _calibrate(aggregation: Any, val: Sequence[MappedScan], name: str) -> tuple[float, float]:
    """Fit Platt's a and b on validation slices, as they stand in their scans, and store them in the graph.

    Slices that show no lung are left out as they are of a scan.

    Raises:
        TrainingError: Those that show lung are all real, or all tampered.
    """
    said, labels = [], []
    for scan in val:
        counted = scan.scored.counted[scan.ours]
        within = slice_p_of(aggregation, scan.scored)[scan.ours]
        said.append(within[counted])
        labels.append(scan.rows.label.to_numpy()[counted])
    known = np.concatenate(labels)
    if len(set(known)) < 2:
        raise TrainingError(
            "validation slices that show lung are of one class alone: there is nothing to calibrate on",
            where=name, received=f"{int(known.sum())} tampered of {len(known)}",
            remedy="give the val split more patients in datasets.<name>.split",
        )  # fmt: skip
    a, b = fit_platt(logit(np.concatenate(said), EDGE), known)
    aggregation.get_layer("calibration").set_weights([np.float32(a), np.float32(b)])
    return a, b
