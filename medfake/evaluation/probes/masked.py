"""Can the class still be told when the manipulated place is blanked?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.lungs import lung_mask
from medfake.evaluation.probes.registry import NOTHING, Answer, probe, sample, score
from medfake.evaluation.probes.texture import fast_detector, features

CUBE_MM = 32.0  # what CT-GAN cuts out and pastes back
BLANK_HU = -1024


@probe(
    "masked image",
    question="Can a fast detector tell the class when the site is blanked, and a random place in real slices?",
)
def masked(data: Dataset, params: ProbesParams) -> Answer:
    """A linear model on lung noise, learnt and measured on slices with a 32 mm square blanked.

    The control is the same model on the slices as they are: when it does no better than chance, a masked figure near
    chance says nothing.
    """
    rows = {split: sample(data, split, params) for split in ("train", "test")}
    whole = {split: data.mapped(of_split) for split, of_split in rows.items()}
    blanked = {
        split: [_blank(hu, row) for hu, row in zip(whole[split], _placed(of_split, params.seed), strict=True)]
        for split, of_split in rows.items()
    }
    scores = []
    for slices in (blanked, whole):
        described = {split: features(slices[split], rows[split].spacing_mm.tolist()) for split in rows}
        if not described["train"].std(axis=0).any():
            return Answer(NOTHING)
        model = fast_detector(params.seed).fit(described["train"], rows["train"].label)
        scores.append(score(rows["test"], model.predict_proba(described["test"])[:, 1], params.seed))
    return Answer(scores[0], control=scores[1])


def _placed(rows: pd.DataFrame, seed: int) -> Iterator[tuple[float, float, float, bool]]:
    """Row, column, spacing and label of each slice; a real one borrows the relative place of a random tampered one."""
    rng = np.random.default_rng(seed)
    lenders = rows[rows.label == 1]
    lent = lenders.iloc[rng.integers(len(lenders), size=len(rows))]
    own = rows.label.to_numpy() == 1
    borrowed_y = lent.site_y.to_numpy() / lent.rows.to_numpy() * rows.rows.to_numpy()
    borrowed_x = lent.site_x.to_numpy() / lent.cols.to_numpy() * rows.cols.to_numpy()
    y, x = np.where(own, rows.site_y, borrowed_y), np.where(own, rows.site_x, borrowed_x)
    yield from zip(y.tolist(), x.tolist(), rows.spacing_mm.tolist(), own.tolist(), strict=True)


def _blank(hu: NDArray[np.int16], place: tuple[float, float, float, bool]) -> NDArray[np.int16]:
    """A copy with a square blanked around the place, or around the nearest lung when it was borrowed."""
    y, x, spacing_mm, own = place
    if not own:
        lung = np.argwhere(lung_mask(np.asarray(hu), spacing_mm))
        y, x = lung[((lung - (y, x)) ** 2).sum(axis=1).argmin()] if len(lung) else (y, x)
    half = CUBE_MM / 2 / spacing_mm
    copy = np.array(hu)
    from_y, to_y, from_x, to_x = (max(0, round(edge)) for edge in (y - half, y + half, x - half, x + half))
    copy[from_y:to_y, from_x:to_x] = BLANK_HU
    return copy
