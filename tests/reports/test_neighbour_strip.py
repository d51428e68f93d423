"""Slices around labelled ones, with a toy set whose tampered scans have a site at the second of three slices."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from matplotlib.image import imread

from medfake.config import DatasetParams, NeighboursLabelling, ViewParams
from medfake.datasets.dataset import Dataset
from medfake.reports.neighbour_strip import STRIP_PNG, Strip, draw_strip, read_strip, write_strip

PROJECT = Path(__file__).resolve().parents[2]
TILE, GAP = 96, 3


@pytest.fixture
def data(toy_set: Path) -> Dataset:
    return Dataset.open(toy_set)


@pytest.fixture(scope="module")
def params() -> DatasetParams:
    block: dict[str, Any] = yaml.safe_load((PROJECT / "studies" / "alsabbagh.yaml").read_text())["datasets"]["replica"]
    return DatasetParams.model_validate(block)


def pixels(png: bytes) -> np.ndarray:
    return np.rint(imread(io.BytesIO(png))[..., :3] * 255).astype(int)


def tile(image: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * (TILE + GAP), column * (TILE + GAP)
    return image[top : top + TILE, left : left + TILE]


def test_a_row_is_a_labelled_slice_between_its_neighbours(data: Dataset) -> None:
    strip, png = draw_strip(data, 1)
    assert strip == Strip(1, ("injected", "injected"), missing=0)
    assert pixels(png).shape == (2 * TILE + GAP, 3 * TILE + 2 * GAP, 3)


def test_the_labelled_slice_is_framed_and_the_site_is_ringed(data: Dataset) -> None:
    image = pixels(draw_strip(data, 1)[1])
    mark = (230, 159, 0)
    before, labelled = tile(image, 0, 0), tile(image, 0, 1)
    assert tuple(labelled[0, 0]) == mark
    assert tuple(before[0, 0]) != mark
    assert tuple(before[TILE // 2, TILE // 2 + 22]) == mark


def test_the_site_is_in_the_middle_of_its_tile(data: Dataset) -> None:
    image = pixels(draw_strip(data, 1)[1])
    first = data.manifest[data.manifest.label == 1].iloc[0]
    hu = next(iter(data.mapped(data.manifest.iloc[[first.name]])))
    grey = np.clip(np.rint((float(hu[10, 31]) + 1350) * 255 / 1500), 0, 255)
    assert tile(image, 0, 0)[TILE // 2, TILE // 2, 0] == grey


def test_slices_that_the_set_does_not_hold_are_counted_and_grey(data: Dataset) -> None:
    strip, png = draw_strip(data, 2)
    assert strip.missing == 4  # the scans begin one slice before the site and hold one after it
    assert (tile(pixels(png), 0, 0) == 128).all()


def test_a_labelled_slice_that_was_left_out_has_no_row(data: Dataset) -> None:
    manifest = data.manifest[(data.manifest.z_index != 1) | (data.manifest.label == 0)]
    assert draw_strip(replace(data, manifest=manifest), 1) == (Strip(1, (), 0), b"")


def test_equal_sets_give_equal_files(data: Dataset, params: DatasetParams, tmp_path: Path) -> None:
    for name in "ab":
        write_strip(tmp_path / name, data, params)
    assert (tmp_path / "a" / STRIP_PNG).read_bytes() == (tmp_path / "b" / STRIP_PNG).read_bytes()
    assert read_strip(tmp_path / "a").k == 5


@pytest.mark.parametrize(
    ("change", "pictured", "why"),
    [
        ({"identifiers": "private"}, True, "not shown"),
        ({}, False, "not shown"),
        ({"view": ViewParams(name="localized")}, True, "not stored whole"),
        ({"labelling": NeighboursLabelling(rule="neighbours", k=0)}, True, "not labelled by their neighbours"),
    ],
)
def test_without_a_picture_the_reason_stands_there(
    data: Dataset, params: DatasetParams, tmp_path: Path, change: dict[str, Any], pictured: bool, why: str
) -> None:
    write_strip(tmp_path / "out", data, params.model_copy(update=change), pictured=pictured)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["strip.json"]
    assert why in read_strip(tmp_path / "out").why_not
