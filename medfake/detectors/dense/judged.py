"""Slices through the fixed front once, and through any number of judges: only the judges differ between trainings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.dense import grid
from medfake.package.cores import usable_cores
from medfake.package.in_order import in_order
from medfake.package.scorer import INPUT, RUN, Floats, Scorer, Scores, join, open_session
from medfake.training.keras_setup import load_keras

_MOST_RUNS = 4  # at a time; 440 features of every place of two slices are held in each


def save_judges(judges: Any, path: Path) -> None:
    """Store judges for `open_judges`; the file is there whole or not at all."""
    partial = path.with_name(f".partial-{path.name}")
    judges.save(partial)
    partial.replace(path)


def open_judges(path: Path) -> Any:
    """Judges that `save_judges` stored; the file holds no code."""
    keras = load_keras()
    import medfake.detectors.dense.score_layers  # noqa: F401  # registers the layers of judges by their names

    return keras.saving.load_model(path, compile=False)


class JudgedSlices:
    """The front of dense detectors as an ONNX graph, and judges of what it gives."""

    def __init__(self, front: Path) -> None:
        """Load what `medfake.detectors.dense.statistics.write_front` wrote.

        Raises:
            ManifestError: The file is missing or no graph that can be loaded.
        """
        self._session = open_session(front, threads=1)
        self._threads = min(usable_cores(), _MOST_RUNS)

    def score(self, slices: NDArray[np.int16], judges: Mapping[str, Any]) -> dict[str, Scores]:
        """What each of some judges says of the places of slices; the front looks at them once.

        Args:
            slices: (slices, rows, cols) int16 HU, at least one.
            judges: By name, at least one; of `build_judges`, or graphs that look at slices themselves.

        Returns:
            Maps of places; p_tampered is NaN, as no slice is scored by itself.
        """
        graphs = {name: one for name, one in judges.items() if isinstance(one, Scorer)}
        said = {name: one.score(slices) for name, one in graphs.items()}
        judges = {name: one for name, one in judges.items() if name not in graphs}
        if not judges:
            return said
        runs = (slices[at : at + RUN] for at in range(0, len(slices), RUN))
        parts = [_judged(*places, judges) for places in in_order(self._places, runs, self._threads)]
        return said | {name: join([part[name] for part in parts]) for name in judges}

    def _places(self, slices: NDArray[np.int16]) -> tuple[Floats, Floats]:
        """(places, 440) features of those that count, and (slices, down, across) which do."""
        features, _, counts = self._session.run(None, {INPUT: np.ascontiguousarray(slices)})
        return features[counts[..., 0] > 0], counts[..., 0]


def _judged(features: Floats, counts: Floats, judges: Mapping[str, Any]) -> dict[str, Scores]:
    """Maps as `medfake.detectors.dense.score_layers.Everywhere` makes them; 0 where a place does not count."""
    said = {}
    for name, judge in judges.items():
        logits = np.zeros(counts.shape, np.float32)
        if len(features):
            each = np.asarray(judge(features, training=False))
            logits[counts > 0] = np.clip(each, -grid.HIGHEST_LOGIT, grid.HIGHEST_LOGIT).mean(axis=-1)
        said[name] = Scores(np.full(len(counts), np.nan, np.float32), place_logit=logits, place_counts=counts)
    return said
