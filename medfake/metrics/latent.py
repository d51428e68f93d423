"""Test slices as the layer before a detector's last sees them: two axes to look at, and how far classes lie apart.

The embedding of Alsabbagh and Al-Kadi's Figure 4, by principal components and by t-SNE. Computed from
predictions.parquet and embeddings.parquet of packages alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.errors import ManifestError
from medfake.files import read_json, write_json
from medfake.metrics.embeddings import read_embeddings
from medfake.metrics.predictions import read_predictions
from medfake.metrics.scans import Floats
from medfake.metrics.separability import Score, Separability, measure_separability
from medfake.package.card import EMBEDDINGS_FILE, PREDICTIONS_FILE
from medfake.remedies import Stage, make, rerun, retrain
from medfake.vocabulary import Split

SCHEMA_VERSION: Final = 1
MOST_SLICES: Final = 500
"""Drawn at random where there are more: t-SNE takes minutes otherwise, and a drawing shows no more."""
PERPLEXITY: Final = 30.0
_LEAST_TSNE: Final = 4  # slices; a perplexity needs three times as many, and at least 1
_DIGITS: Final = 4

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Of one training.

    Attributes:
        detector: Name.
        seed: Of the training.
        width: Of the embedding.
        label: Of each slice, 1 = tampered.
        pca: Place of each slice along the first two principal components.
        explained: Share of the variance along each of the two; zeros where all slices lie at one place.
        tsne: Place of each slice; empty with fewer than four slices, or where all lie at one place.
        perplexity: Of t-SNE; None with `tsne` empty.
        separability: In the embedding itself, not in two dimensions.
    """

    detector: str
    seed: int
    width: int
    label: tuple[int, ...]
    pca: Points
    explained: tuple[float, float]
    tsne: Points
    perplexity: float | None
    separability: Separability


@dataclass(frozen=True)
class LatentReport:
    """Of all trainings on a data set.

    Attributes:
        runs: Those that store an embedding.
        without: Names of detectors that store none.
    """

    dataset: str
    runs: tuple[Latent, ...]
    without: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable, four digits."""
        write_json(path, _rounded({"schema_version": SCHEMA_VERSION, **asdict(self)}))


def read_latent(path: Path) -> LatentReport:
    """Read what `LatentReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, _report_of, missing="embeddings were not looked at", damaged="what was made of embeddings cannot be read",
        make=make(Stage.LATENT, path.stem), again=rerun(Stage.LATENT, path.stem),
    )  # fmt: skip


def look_at_packages(dataset: str, packages: Sequence[Path], seed: int) -> LatentReport:
    """Look at the test slices of every package of a data set.

    Args:
        dataset: Name.
        packages: Folders <dataset>/<detector>/seed-<n>.
        seed: Of what is drawn.

    Raises:
        ManifestError: A file of a package cannot be read.
    """
    runs, without = [], set()
    for package in packages:
        if not (package / EMBEDDINGS_FILE).is_file():
            without.add(package.parts[-2])
            continue
        predictions = read_predictions(package / PREDICTIONS_FILE)
        test = predictions[predictions["split"] == Split.TEST]
        embeddings = read_embeddings(package / EMBEDDINGS_FILE)
        if not set(test["slice_id"]) <= set(embeddings.index):
            raise ManifestError("predictions have slices that embeddings lack", where=package, remedy=retrain(package))
        if len(test):
            runs.append(look(test, embeddings.loc[test["slice_id"]].to_numpy(), seed))
    return LatentReport(dataset, tuple(runs), tuple(sorted(without)))


def look(test: pd.DataFrame, embedding: NDArray[np.floating], seed: int) -> Latent:
    """Look at slices of one training.

    Args:
        test: Its rows of predictions, at least one.
        embedding: (rows, width) finite.
        seed: Of the draw, t-SNE and swapped labels.
    """
    first = test.iloc[0]
    width = embedding.shape[1]
    if len(test) > MOST_SLICES:
        chosen = np.sort(np.random.default_rng(seed).choice(len(test), MOST_SLICES, replace=False))
        test, embedding = test.iloc[chosen], embedding[chosen]
    points = embedding.astype(np.float64)
    spread = bool((points != points[0]).any())
    pca, explained = principal_components(points) if spread else (np.zeros((len(points), 2)), (0.0, 0.0))
    shown = spread and len(points) >= _LEAST_TSNE
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3) if shown else None
    return Latent(
        detector=str(first["detector"]),
        seed=int(first["seed"]),
        width=width,
        label=tuple(test["label"].astype(int)),
        pca=_pairs(pca),
        explained=explained,
        tsne=_pairs(_tsne(points, pca, perplexity, seed)) if perplexity is not None else (),
        perplexity=perplexity,
        separability=measure_separability(points, test, seed),
    )


def principal_components(points: Floats) -> tuple[Floats, tuple[float, float]]:
    """Places along the first two principal components, and their shares of the variance.

    Args:
        points: (n, width), not all equal; a second axis that is not there is 0.
    """
    from sklearn.decomposition import PCA

    found = PCA(min(2, *points.shape), svd_solver="full")
    axes = found.fit_transform(points)
    missing = 2 - axes.shape[1]
    shares = [*map(float, found.explained_variance_ratio_), *[0.0] * missing]
    return np.pad(axes, ((0, 0), (0, missing))), (shares[0], shares[1])


def _tsne(points: Floats, pca: Floats, perplexity: float, seed: int) -> Floats:
    """From the principal components and on one thread, so that equal embeddings give equal places.

    For so few slices threads cost more than they bring, and on a busy machine they wait for each other.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = pca / pca[:, 0].std() * 1e-4  # as scikit-learn scales its own; its own fails with a width of 1
    with threadpool_limits(1):
        placed: Floats = TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(points)
    return placed.astype(np.float64)


def _pairs(points: Floats) -> Points:
    return tuple((float(x), float(y)) for x, y in points)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


def _report_of(values: Any) -> LatentReport:
    return LatentReport(values["dataset"], tuple(map(_latent_of, values["runs"])), tuple(values["without"]))


def _latent_of(values: Any) -> Latent:
    scores = {name: Score(**one) for name, one in values["separability"].items()}
    pairs = {name: tuple((x, y) for x, y in values[name]) for name in ("pca", "tsne")}
    rest = {"label": tuple(values["label"]), "explained": tuple(values["explained"])}
    return Latent(**{**values, **pairs, **rest, "separability": Separability(**scores)})
