"""Patches around sites and at matched places, for the forensic detector."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.forensic.residual_cnn import PATCH_PX
from medfake.errors import TrainingError
from medfake.lungs import PLACE_PX
from medfake.regions import Region, region_of

Patches = NDArray[np.int16]

_HALF = PATCH_PX // 2
_FAR_MM = 40.0  # a negative in a tampered slice: the cube reaches 16 mm, the judged patch about 35 mm
_CORE_MM = 10.0  # along z, slices this near a site show the inner, refilled part of the cube
_MOST = 8
_STEP_PX = 8  # every place that is judged in a slice, and those halfway between


@dataclass(frozen=True)
class PatchSource:
    """Places of one split from which patches are drawn.

    Attributes:
        slices: (rows, cols) int16 HU each.
        positives: By manipulation: (n, 3) slice number, y, x of sites.
        negatives: By origin ("same slice", "real slice", "real nodule"): likewise.
    """

    slices: list[NDArray[np.int16]]
    positives: dict[str, NDArray[np.int64]]
    negatives: dict[str, NDArray[np.int64]]

    def draw(self, rng: Generator, count: int, jitter_px: int) -> tuple[Patches, NDArray[np.float32]]:
        """Draw a balanced batch: half sites, half matched places, each kind equally often; flips and quarter turns.

        Returns:
            (count, 128, 128) int16 HU and (count, 1) labels.
        """
        patches = np.empty((count, PATCH_PX, PATCH_PX), np.int16)
        labels = (np.arange(count) % 2).astype(np.float32)
        for index, label in enumerate(labels):
            kinds = list((self.positives if label else self.negatives).values())
            places = kinds[int(rng.integers(len(kinds)))]
            number, y, x = places[int(rng.integers(len(places)))]
            dy, dx = rng.integers(-jitter_px, jitter_px + 1, size=2)
            patch = _crop(self.slices[number], int(y + dy), int(x + dx))
            patch = np.rot90(patch, int(rng.integers(4)))
            patches[index] = patch[:, ::-1] if rng.random() < 0.5 else patch
        return patches, labels[:, None]


def patch_source(dataset: Dataset, split: str, rng: Generator) -> PatchSource:
    """Find the places of a split.

    Positives are sites in the slices that show them. Negatives are lung places far from every site of the same slices,
    lung places of real slices, and real nodules, so that neither a scan nor brightness gives the class away. Of other
    modalities than CT they are places of any tissue.

    Raises:
        TrainingError: The split shows no site, or no lung.
    """
    region = region_of(dataset.modality)
    rows = dataset.split(split).reset_index(drop=True)
    slices = dataset.mapped(rows)
    positives = {
        str(kind): _centres(group[group.distance_mm <= _CORE_MM])
        for kind, group in rows[rows.label == 1].groupby("manipulation")
    }
    negatives = {
        "same slice": _region_places(rows[rows.label == 1], slices, region, dataset.sites, rng),
        "real slice": _region_places(rows[(rows.label == 0) & rows.site_y.isna()], slices, region, dataset.sites, rng),
        "real nodule": _centres(rows[(rows.label == 0) & rows.site_y.notna() & (rows.distance_mm <= _CORE_MM)]),
    }
    source = PatchSource(slices, _present(positives), _present(negatives))
    smallest = min((min(one.shape) for one in slices), default=PATCH_PX)
    if smallest < PATCH_PX:
        raise TrainingError(
            f"slices are smaller than a patch of {PATCH_PX} px", where=dataset.name, received=f"{smallest} px",
            remedy="leave ResidualCNN out of train.detectors for this data set",
        )  # fmt: skip
    if not source.positives or not source.negatives:
        raise TrainingError(
            f"the {split} split has no patches to train on", where=dataset.name,
            received=f"{len(source.positives)} kinds of sites, {len(source.negatives)} kinds of matched places",
            remedy=f"check the labels' places and that the slices show {region.name}",
        )  # fmt: skip
    return source


def _present(kinds: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    return {kind: places for kind, places in kinds.items() if len(places)}


def _centres(rows: pd.DataFrame) -> NDArray[np.int64]:
    return np.stack([rows.index.to_numpy(), rows.site_y.to_numpy(), rows.site_x.to_numpy()], axis=1).astype(np.int64)


def _region_places(
    rows: pd.DataFrame, slices: list[NDArray[np.int16]], region: Region, sites: pd.DataFrame, rng: Generator
) -> NDArray[np.int64]:
    """Up to eight places of lung a slice, of smaller places as many more, far from every site of its scan."""
    most = _MOST * (PLACE_PX // region.place_px) ** 2
    found = []
    of_scan = {scan_id: group[["y", "x"]].to_numpy() for scan_id, group in sites.groupby("scan_id")}
    for number, scan_id, spacing in zip(rows.index, rows.scan_id, rows.spacing_mm, strict=True):
        places = region.judged(slices[number], _STEP_PX)
        for site in of_scan.get(scan_id, np.empty((0, 2))):
            places = places[np.hypot(*(places - site).T) * spacing >= _FAR_MM]
        chosen = rng.permutation(places)[:most]
        found += [(number, y, x) for y, x in chosen]
    return np.array(found, np.int64).reshape(-1, 3)


def _crop(pixels: NDArray[np.int16], y: int, x: int) -> NDArray[np.int16]:
    """128 x 128 px around a place, moved inward at the border."""
    rows, cols = pixels.shape
    top, left = max(0, min(y - _HALF, rows - PATCH_PX)), max(0, min(x - _HALF, cols - PATCH_PX))
    return pixels[top : top + PATCH_PX, left : left + PATCH_PX]
