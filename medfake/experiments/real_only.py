"""One-class detectors in the leave-out: they stand beside judges that never saw a family, and have seen none at all."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from medfake.detectors.anomaly.fit import learn_real
from medfake.detectors.anomaly.one_class import Learning
from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.real_slices import RealSlice, by_turns, require_patients, untouched_slices
from medfake.detectors.registry import detector_spec
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scorer import Scorer
from medfake.tamper.bank import Bank
from medfake.training.keras_setup import import_keras

RealOnly = Mapping[str, RealScansOptions]
"""Options by name of the detector."""
_SETS_LEVEL: Final = 4
"""Every fourth patient sets the level of logits, and is not learnt from."""
_TRACED_PX: Final = 128


def real_only_scorer(
    name: str, options: RealScansOptions, bank: Bank, unseen: frozenset[str], seed: int, kept: Path
) -> Scorer:
    """A one-class detector that has not seen some patients, learnt from a bank's untouched slices unless it is kept.

    Args:
        name: Of the detector.
        options: Of it; the bank that they name does not count.
        bank: Whose untouched slices are learnt from.
        unseen: Patients that it is not shown.
        seed: Same seed, same detector.
        kept: Folder where it is kept; it stands for bank, options and seed.

    Raises:
        TrainingError: Too few patients remain, or their slices show too little lung.
    """
    word = hashlib.sha256(json.dumps([name, sorted(unseen)]).encode()).hexdigest()[:16]
    path = kept / f"real-only-{word}.onnx"
    if not path.exists():
        train, val = _dealt(untouched_slices(bank, unseen), bank.folder.name)
        learning = Learning.alone(seed, path.with_suffix(".npz"))
        import_keras(seed)

        from medfake.detectors.dense.network import build_detector

        train = by_turns(train, options.slices, seed)
        learnt = learn_real(detector_spec(name).build(options), train, val, learning)
        partial = path.with_name(f".partial-{path.name}")
        write_onnx(build_detector(learnt.judge, learnt.front), partial, np.zeros((1, _TRACED_PX, _TRACED_PX), np.int16))
        partial.replace(path)
        learning.state.discard()
    return Scorer(path)


def _dealt(slices: Sequence[RealSlice], where: str) -> tuple[list[RealSlice], list[RealSlice]]:
    """To learn from, and to set the level on: of different patients."""
    patients = sorted({one.patient for one in slices})
    apart = set(patients[_SETS_LEVEL - 1 :: _SETS_LEVEL])
    train = [one for one in slices if one.patient not in apart]
    require_patients(train if apart else [], where)
    return train, [one for one in slices if one.patient in apart]
