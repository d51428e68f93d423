"""Embeddings of packages looked at: principal components as by hand, t-SNE of few slices, files that anyone reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.errors import ManifestError
from medfake.metrics.embeddings import write_embeddings
from medfake.metrics.latent import look, look_at_packages, principal_components, read_latent
from medfake.metrics.predictions import write_predictions

Predict = Callable[..., pd.DataFrame]


def embedding_of(
    table: pd.DataFrame, width: int = 6, gap: float = 3.0
) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    noise = np.random.default_rng(0).normal(size=(len(table), width))
    return (noise + gap * table["label"].to_numpy()[:, None]).astype(np.float32)


def package(folder: Path, table: pd.DataFrame, *, embedded: bool = True) -> Path:
    where = folder / "chest" / table["detector"].iloc[0] / "seed-1"
    write_predictions(where / "predictions.parquet", table)
    if embedded:
        write_embeddings(where / "embeddings.parquet", table["slice_id"], embedding_of(table))
    return where


def test_principal_components_are_those_of_the_singular_values() -> None:
    points = np.random.default_rng(1).normal(size=(30, 4)) * [5, 2, 1, 0.5]
    places, shares = principal_components(points)
    centred = points - points.mean(axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(places), np.abs(centred @ axes[:2].T), rtol=1e-9)
    assert shares == pytest.approx(tuple(values[:2] ** 2 / (values**2).sum()))


@pytest.mark.parametrize("shape", [(2, 5), (5, 1)])
def test_an_axis_that_is_not_there_is_zero(shape: tuple[int, int]) -> None:
    places, shares = principal_components(np.random.default_rng(1).normal(size=shape))
    assert places.shape == (shape[0], 2)
    assert sum(shares) == pytest.approx(1.0)
    assert shape[1] > 1 or (places[:, 1] == 0).all()


def test_test_slices_of_packages_are_looked_at_and_the_file_says_all(predict: Predict, tmp_path: Path) -> None:
    folders = [
        package(tmp_path, predict(detector="MobileNetV3Large", slices=2)),
        package(tmp_path, predict(detector="RandomForest", slices=2), embedded=False),
    ]
    report = look_at_packages("chest", folders, seed=1)
    assert report.without == ("RandomForest",)
    (run,) = report.runs
    assert (run.detector, run.seed, run.width, len(run.label)) == ("MobileNetV3Large", 1, 6, 32)
    assert len(run.pca) == len(run.tsne) == 32
    assert run.perplexity == pytest.approx(31 / 3)
    assert run.separability.silhouette.beyond_chance
    report.write(tmp_path / "latent" / "chest.json")
    written = read_latent(tmp_path / "latent" / "chest.json")
    assert written.runs[0].separability.silhouette.value == pytest.approx(run.separability.silhouette.value, abs=1e-4)
    written.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "latent" / "chest.json").read_bytes()
    assert look_at_packages("chest", folders, seed=1) == report


@pytest.mark.parametrize(("slices", "shown"), [(3, 0), (4, 4)])
def test_few_slices_have_a_perplexity_that_is_valid_or_no_tsne(predict: Predict, slices: int, shown: int) -> None:
    test = predict(patients=2, val_patients=0, slices=1).iloc[:slices]
    found = look(test, embedding_of(test), seed=1)
    assert (len(found.pca), len(found.tsne)) == (slices, shown)
    assert (found.perplexity is None) == (shown == 0)


def test_slices_at_one_place_are_drawn_there(predict: Predict) -> None:
    test = predict(patients=4, val_patients=0, slices=2)
    found = look(test, np.ones((len(test), 5), np.float32), seed=1)
    assert set(found.pca) == {(0.0, 0.0)}
    assert (found.tsne, found.explained, found.separability.silhouette.value) == ((), (0.0, 0.0), None)


def test_many_slices_are_drawn_at_random(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medfake.metrics.latent.MOST_SLICES", 10)
    test = predict(patients=4, val_patients=0, slices=4)
    found = look(test, embedding_of(test), seed=1)
    assert len(found.label) == len(found.pca) == 10


def test_embeddings_of_other_slices_are_refused(predict: Predict, tmp_path: Path) -> None:
    table = predict(detector="MobileNetV3Large", slices=2)
    where = package(tmp_path, table)
    write_embeddings(where / "embeddings.parquet", table["slice_id"].iloc[:-1], embedding_of(table)[:-1])
    with pytest.raises(ManifestError, match="embeddings lack"):
        look_at_packages("chest", [where], seed=1)
