"""Statistics of blocks against what scikit-image counts, and what the machine behind them makes of slices."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.graph_front import run_graph
from medfake.detectors.classical.wavelet_blocks import LEVELS, STATISTICS, add_blocks, haar_details
from medfake.detectors.classical.wavelet_cooccurrence import Blocks, WaveletCooccurrenceOptions, fit_plane, write_front
from medfake.errors import TrainingError
from medfake.package.onnx_nodes import Nodes, as_model

BLOCK = 32
PROPERTIES = ("contrast", "homogeneity")
MakeDataset = Callable[..., Dataset]
Floats = NDArray[np.float32]


def statistics_of(hu: NDArray[np.int16]) -> tuple[Floats, Floats]:
    """(42, down, across) and (down, across) of one slice."""
    nodes = Nodes()
    statistics, counts = add_blocks(nodes, BLOCK)
    nodes.named("statistics", statistics)
    nodes.named("counts", counts)
    found = run_graph(as_model("blocks", nodes, {"statistics": 4, "counts": 4}))(["statistics", "counts"], hu[None])
    return found[0][0], found[1][0, 0]


def by_hand(hu: NDArray[np.int16]) -> dict[str, Floats]:
    """(3, down, across) of scikit-image's statistics, each against the mean and deviation over blocks."""
    cut = hu.astype(float)
    quads = np.stack([cut[0::2, 0::2], cut[0::2, 1::2], cut[1::2, 0::2], cut[1::2, 1::2]], axis=-1)
    details = np.einsum("yxk,bk->byx", quads, haar_details().reshape(3, 4))
    edge, step, number = BLOCK // 2, BLOCK // 4, (hu.shape[0] - BLOCK) // (BLOCK // 2) + 1
    found: dict[str, Floats] = {name: np.empty((3, number, number), np.float32) for name in PROPERTIES}
    for band, detail in enumerate(details):
        blocks = [[detail[y * step :, x * step :][:edge, :edge] for x in range(number)] for y in range(number)]
        noise = np.mean([np.minimum(abs(one), 200).mean() for row in blocks for one in row])
        levels = np.clip(np.rint(detail / (noise + 0.5)), -2, 2).astype(np.uint8) + np.uint8(2)
        for y in range(number):
            for x in range(number):
                block = levels[y * step :, x * step :]
                for name in PROPERTIES:
                    found[name][band, y, x] = np.mean([
                        graycoprops(one, name)[0, 0] for one in pairs_of(block, edge)
                    ])  # fmt: skip
    return found


def pairs_of(block: NDArray[np.uint8], edge: int) -> list[NDArray[np.float64]]:
    """Co-occurrences of neighbours down and across that begin within a block."""
    down, across = block[: edge + 1, :edge], block[:edge, : edge + 1]
    return [
        graycomatrix(down, [1], [np.pi / 2], levels=LEVELS, normed=True),
        graycomatrix(across, [1], [0], levels=LEVELS, normed=True),
    ]


def noise(seed: int = 0, edge: int = 128) -> NDArray[np.int16]:
    """A slice that is lung all over, with a smooth piece."""
    hu = np.random.default_rng(seed).normal(-800, 60, (edge, edge))
    hu[32:64, 32:64] = hu[32:64, 32:64] * 0.2 - 640
    return hu.round().astype(np.int16)


@pytest.mark.parametrize(("name", "place"), [("contrast", 9), ("homogeneity", 10)])
def test_statistics_are_those_of_scikit_image_against_the_slice(name: str, place: int) -> None:
    hu = noise()
    statistics, counts = statistics_of(hu)
    assert counts.all()
    for band in range(3):
        expected = by_hand(hu)[name][band]
        against = (expected - expected.mean()) / (expected.std() + 1e-3)
        np.testing.assert_allclose(statistics[band * 14 + place], np.clip(against, -8, 8), atol=2e-3)


def test_a_smooth_block_stands_out() -> None:
    statistics, _ = statistics_of(noise())
    strangeness = np.abs(statistics).mean(axis=0)
    assert np.unravel_index(strangeness.argmax(), strangeness.shape) == (2, 2)  # its corner is at 32, 32


def test_blocks_without_lung_around_them_do_not_count() -> None:
    hu = np.full((256, 256), 40, np.int16)
    hu[:, :64] = noise(edge=256)[:, :64]
    _, counts = statistics_of(hu)
    assert counts[:, 0].all()
    assert not counts[:, -1].any()


@pytest.mark.parametrize("value", [-1024, -800, 40, 3071])
def test_a_constant_slice_has_no_block_that_stands_out(value: int) -> None:
    statistics, counts = statistics_of(np.full((96, 96), value, np.int16))
    assert counts.all() or value == -800
    np.testing.assert_allclose(statistics, 0, atol=1e-3)


@pytest.mark.parametrize("size", [(96, 96), (97, 131), (512, 512)])
def test_slices_of_any_size_have_one_number_and_a_place_within_them(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).normal(size=STATISTICS).astype(np.float32)
    hu = np.random.default_rng(1).normal(-800, 60, (3, *size)).round().astype(np.int16)
    front = write_front(BLOCK, plane, 0.1)
    assert front.of(hu).shape == (3, 1)
    y, x = run_graph(front.graph())(["site_y", "site_x"], hu)
    assert ((y >= 16) & (y <= size[0] - 16) & (x >= 16) & (x <= size[1] - 16)).all()


def learnt_plane(dataset: Dataset, rows: pd.DataFrame) -> tuple[Floats, float]:
    blocks, labels, _ = Blocks(BLOCK).drawn(dataset, rows, np.random.default_rng(1))
    return fit_plane(blocks, labels, 0.01, dataset.name)


def test_slices_that_are_learnt_from_are_spoken_of_by_planes_of_other_patients(make_dataset: MakeDataset) -> None:
    made = make_dataset({"train": 12}, size=192)
    train = made.split("train").assign(patient_id=np.repeat(list("abc"), 4))
    front = WaveletCooccurrenceOptions(folds=3).write_front(made, train, 1)
    for patient in "abc":
        own = train.patient_id == patient
        others = write_front(BLOCK, *learnt_plane_without(made, train, own))
        np.testing.assert_allclose(front.table(made, train[own]), others.of(made.slices(train[own])), atol=1e-4)
    assert not np.allclose(front.table(made, train), front.of(made.slices(train)), atol=1e-4)


def learnt_plane_without(dataset: Dataset, rows: pd.DataFrame, own: pd.Series) -> tuple[Floats, float]:
    """Of the blocks that are drawn of all rows, those of others."""
    blocks, labels, owners = Blocks(BLOCK).drawn(dataset, rows, np.random.default_rng(1))
    seen = np.isin(owners, np.flatnonzero(~own))
    return fit_plane(blocks[seen], labels[seen], 0.01, dataset.name)


def test_of_too_few_patients_the_plane_itself_speaks(make_dataset: MakeDataset) -> None:
    made = make_dataset({"train": 12}, size=192)
    train = made.split("train").assign(patient_id="one")
    front = WaveletCooccurrenceOptions().write_front(made, train, 1)
    np.testing.assert_allclose(front.table(made, train), front.of(made.slices(train)), atol=1e-5)


def test_the_machine_finds_the_blocks_around_sites(make_dataset: MakeDataset) -> None:
    made = make_dataset({"train": 24, "val": 16}, size=192)
    front = write_front(BLOCK, *learnt_plane(made, made.split("train")))
    tampered = made.split("val")[made.split("val").label == 1]
    y, x = run_graph(front.graph())(["site_y", "site_x"], made.slices(tampered))
    assert (np.hypot(y - tampered.site_y, x - tampered.site_x) < 24).mean() > 0.7


def test_a_table_is_what_the_graph_says_of_its_rows(make_dataset: MakeDataset, tmp_path: Path) -> None:
    made = make_dataset({"train": 6}, size=96)
    front = write_front(BLOCK, np.ones(STATISTICS, np.float32), 0.0)
    rows = made.manifest.iloc[[4, 1, 4]]
    np.testing.assert_array_equal(front.table(made, rows), front.of(made.slices(rows)))
    np.testing.assert_array_equal(front.table(made, rows.iloc[:1]), front.of(made.slices(rows.iloc[:1])))


def test_slices_that_were_generated_whole_have_no_untouched_blocks(make_dataset: MakeDataset) -> None:
    made = make_dataset({"train": 6}, size=96)
    rows = made.manifest.assign(site_y=np.nan, site_x=np.nan, distance_mm=np.nan)
    generated = replace(made, manifest=rows, sites=made.sites.iloc[:0])
    with pytest.raises(TrainingError, match="no blocks to learn from") as caught:
        learnt_plane(generated, rows[rows.label == 1])
    assert caught.value.received == "0 around sites, 0 far from any"


def test_slices_without_sites_teach_nothing(make_dataset: MakeDataset) -> None:
    made = make_dataset({"train": 6}, size=96)
    real = made.manifest[made.manifest.label == 0]
    with pytest.raises(TrainingError, match="no blocks to learn from") as caught:
        learnt_plane(made, real)
    assert caught.value.received == "0 around sites, 75 far from any"
