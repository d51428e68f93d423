"""Block matching: what was copied by a known way is found there, and nothing else is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dctn

from medfake.detectors.classical.copy_move import (
    BLOCK_PX,
    CHANCE_VOTES,
    COEFFICIENTS,
    CopyMoveOptions,
    cosines,
    write_front,
)
from medfake.detectors.classical.graph_front import run_graph

Slice = NDArray[np.int16]
FRONT = write_front(CopyMoveOptions())


def lung(seed: int = 0, edge: int = 160) -> Slice:
    """A slice that is lung all over."""
    return np.random.default_rng(seed).normal(-800, 60, (edge, edge)).round().astype(np.int16)


def copied(hu: Slice, way: tuple[int, int], brighter: int = 0, edge: int = 24) -> Slice:
    """A square from (40, 50) put somewhere else."""
    made = hu.copy()
    y, x = 40 + way[0], 50 + way[1]
    made[y : y + edge, x : x + edge] = hu[40 : 40 + edge, 50 : 50 + edge] + brighter
    return made


def votes(hu: Slice) -> int:
    """For the best way, beyond those of chance."""
    return int(np.expm1(FRONT.of(hu[None]))[0, 0].round())


@pytest.mark.parametrize("way", [(0, 60), (60, 0), (50, 41), (37, -43), (-33, 27)])
@pytest.mark.parametrize("brighter", [0, 35])
def test_a_copy_has_the_votes_of_every_block_in_it(way: tuple[int, int], brighter: int) -> None:
    found = votes(copied(lung(), way, brighter)) + CHANCE_VOTES
    every = 2 * (24 - BLOCK_PX + 1) ** 2  # each of two lists finds each block, if no other falls between
    assert 0.95 * every <= found <= every


def test_where_nothing_was_copied_nothing_votes() -> None:
    assert votes(lung()) == 0


@pytest.mark.parametrize(("way", "found"), [(19, False), (20, True)])
def test_tissue_next_to_itself_is_no_copy(way: int, found: bool) -> None:
    assert (votes(copied(lung(), (way, 0), edge=19)) > 0) is found


def test_the_place_is_one_of_the_two() -> None:
    y, x = run_graph(FRONT.graph())(["site_y", "site_x"], copied(lung(), (50, 41))[None])
    assert (y[0], x[0]) == pytest.approx((51.5, 61.5), abs=0.1)


def test_slices_are_judged_each_by_itself() -> None:
    whole = np.stack([lung(1), copied(lung(2), (60, 0)), lung(3)])
    np.testing.assert_array_equal(FRONT.of(whole), np.concatenate([FRONT.of(one[None]) for one in whole]))


def test_noise_after_the_copy_hides_it() -> None:
    made = copied(lung(), (60, 0)) + np.random.default_rng(9).normal(0, 20, (160, 160)).round().astype(np.int16)
    assert votes(made) == 0


@pytest.mark.parametrize("value", [-1024, -800, 40])
@pytest.mark.parametrize("edge", [96, 97, 512])
def test_a_constant_slice_has_no_copies(value: int, edge: int) -> None:
    hu = np.full((1, edge, edge), value, np.int16)
    np.testing.assert_array_equal(FRONT.of(hu), 0)
    assert np.isfinite(run_graph(FRONT.graph())(["site_y", "site_x"], hu)).all()


def test_soft_tissue_beside_lungs_is_not_looked_at() -> None:
    tissue = copied(lung(edge=256) + np.int16(840), (60, 0))
    assert votes(tissue) > 0  # where there are no lungs, as in other modalities
    assert votes(np.where(np.arange(256) > 150, lung(1, edge=256), tissue)) == 0


def test_no_more_blocks_are_looked_at_than_are_allowed() -> None:
    few = write_front(CopyMoveOptions(blocks=1024))
    best = float(np.expm1(few.of(copied(lung(), (60, 0))[None]))[0, 0])
    assert 0 < best < 2 * (24 - BLOCK_PX + 1) ** 2


def test_filters_are_the_coefficients_of_a_cosine_transform() -> None:
    block = np.random.default_rng(0).normal(size=(BLOCK_PX, BLOCK_PX))
    expected = dctn(block, norm="ortho")
    low = [(u, v) for u in range(7) for v in range(7) if 0 < u + v <= 6]
    assert len(low) == COEFFICIENTS
    np.testing.assert_allclose((cosines()[:, 0] * block).sum(axis=(1, 2)), [expected[one] for one in low], atol=1e-5)
