"""A trained detector explained on the test slices of its data set: figures, and the maps behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medfake.config import ExplainParams
from medfake.datasets.dataset import Dataset
from medfake.explain.curves import SHARES, CurveFigures, Curves, Score, follow, measure_curves, random_map
from medfake.explain.heat_map import HeatMap
from medfake.explain.pointing import measure_pointing, pointed
from medfake.explain.record import Explained
from medfake.explain.registry import ExplainedPackage, ShownSlice, choose_explanation
from medfake.explain.sample import sample_slices
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.localisation import HIT_MM
from medfake.metrics.within_slice import JudgedSlice
from medfake.progress import track
from medfake.vocabulary import Manipulation, Modality

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ExplainedSlice:
    """A test slice with its map.

    Attributes:
        slice_id: Of the manifest.
        hu: (rows, cols) int16 Hounsfield units, or those of the modality.
        said: Whose it is, its site, and the peak of its map.
        modality: What made it.
    """

    slice_id: str
    hu: NDArray[np.int16]
    heat: HeatMap
    said: JudgedSlice
    modality: Modality = Modality.CT


@dataclass(frozen=True)
class Measured:
    """Figures, and the slices behind them, for pictures."""

    found: Explained
    slices: tuple[ExplainedSlice, ...]


def explain_package(
    dataset: Dataset, package: ExplainedPackage, params: ExplainParams, bootstrap: Bootstrap
) -> Measured:
    """Explain a trained detector; the test split is measured and chooses nothing.

    Args:
        dataset: That it was trained on.
        package: From its training.
        params: Block `explain` of params.yaml.
        bootstrap: How intervals are made.

    Raises:
        MedfakeError: The package cannot be explained by the method that params name.
    """
    method = choose_explanation(package, params.method)
    explain = method.open(package)
    rows = sample_slices(dataset, params.slices, params.seed)
    slices = tuple(
        _explained(row, hu, explain(ShownSlice(hu, (row.spacing_mm, row.spacing_mm))), dataset.modality)
        for row, hu in track(_slices(dataset, rows), f"explaining {package.name}", len(rows))
    )
    curves = _curves(package, slices, params.seed, bootstrap) if params.curves and slices else None
    card = package.scorer.card
    found = Explained(
        dataset=dataset.name,
        dataset_sha256=dataset.digest,
        detector=card.detector,
        seed=card.seed,
        evidence=dataset.evidence,
        method=method.name,
        says=method.says,
        hit_mm=HIT_MM,
        pointing=measure_pointing([one.said for one in slices], [one.hu for one in slices], bootstrap)
        if slices
        else None,
        shares=SHARES,
        curves=curves,
    )
    return Measured(found, slices)


def _slices(dataset: Dataset, rows: "pd.DataFrame") -> Iterator[tuple[Any, NDArray[np.int16]]]:
    for row, hu in zip(rows.itertuples(), dataset.mapped(rows), strict=True):
        yield row, np.ascontiguousarray(hu)


def _explained(row: Any, hu: NDArray[np.int16], heat: HeatMap, modality: Modality) -> ExplainedSlice:
    spacing = (float(row.spacing_mm), float(row.spacing_mm))
    site = np.array([[row.site_y, row.site_x]], np.float64)
    of = JudgedSlice(row.patient_id, row.scan_id, Manipulation(row.manipulation), spacing, site, None, None)
    return ExplainedSlice(row.slice_id, hu, heat, pointed(of, hu, heat, modality), modality)


def _curves(
    package: ExplainedPackage, slices: Sequence[ExplainedSlice], seed: int, bootstrap: Bootstrap
) -> CurveFigures:
    """Of the maps, and of maps that know nothing, on the same slices."""
    curves: list[Curves] = []
    of_random: list[Curves] = []
    score = _score_with(package)
    for number, one in enumerate(track(slices, f"curves of {package.name}", len(slices))):
        rng = np.random.default_rng([seed, number])
        spacing = one.said.spacing_mm
        nothing = random_map((one.hu.shape[0], one.hu.shape[1]), spacing, rng)
        ours, theirs = follow(score, one.hu, spacing, [one.heat, nothing], rng)
        curves.append(ours)
        of_random.append(theirs)
    patients, scans = [one.said.patient_id for one in slices], [one.said.scan_id for one in slices]
    return measure_curves(curves, of_random, patients, scans, bootstrap)


def _score_with(package: ExplainedPackage) -> Score:
    """One slice a run, so that memory holds no more than there are threads."""
    scorer = package.scorer.scorer

    def score(images: Iterator[NDArray[np.int16]]) -> list[float]:
        return [float(one.p_tampered[0]) for one in scorer.score_each(image[None] for image in images)]

    return score
