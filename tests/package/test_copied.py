"""Copies within a scan raise what a package of places says of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake.copies.search import Copy, Place
from medfake.package.copied import COPIED_P, with_copies
from medfake.package.scan_scorer import open_package
from medfake.package.scan_scores import MOST_SITES, ScanScores, ScoredScan, Site
from medfake.package.scorer import Scores
from tests.fixtures.chests import draw_chest
from tests.fixtures.places import give_places

SLICES, SPACING_MM, Z_MM = 6, (0.7, 0.7), np.arange(6) * 2.5
ONE, OTHER = Place(1, 2.5, 80.0, 64.0), Place(4, 10.0, 80.0, 160.0)
COPY = Copy(5, ONE, OTHER, (1, 4))


def scan() -> ScoredScan:
    nothing = np.zeros(SLICES, np.float32)
    every = np.ones(SLICES, bool)
    return ScoredScan(Scores(nothing, None, None, None), Z_MM, every, every, SPACING_MM)


def by_texture(p: float = 0.2, sites: tuple[Site, ...] = ()) -> ScanScores:
    place_p = np.full((SLICES, 28, 28), 0.1, np.float32)
    place_p[OTHER.slice_index, 10, 20] = 0.15
    slice_p = np.full(SLICES, p)
    slice_p[5] = np.nan
    return ScanScores(p, slice_p, np.ones(SLICES, bool), sites, place_p, 8)


def test_without_a_copy_nothing_changes() -> None:
    scores = by_texture()
    assert with_copies(scores, scan(), ()) is scores


def test_a_copy_makes_a_scan_tampered_on_the_slices_that_show_it() -> None:
    scores = with_copies(by_texture(), scan(), (COPY,))
    assert scores.p_tampered == COPIED_P
    assert scores.slice_p[[1, 4]].tolist() == [COPIED_P, COPIED_P]
    assert scores.slice_p[[0, 2, 3]].tolist() == [0.2, 0.2, 0.2]
    assert np.isnan(scores.slice_p[5])
    assert scores.copies == (COPY,)
    assert scores.place_p is not None
    assert scores.place_p[4, 10, 20] == scores.place_p[1, 10, 8] == np.float32(COPIED_P)
    assert (scores.place_p == np.float32(COPIED_P)).sum() == 2


def test_of_both_places_comes_first_which_looks_more_manipulated() -> None:
    first, second = with_copies(by_texture(), scan(), (COPY,)).sites
    assert (first.slice_index, first.z_mm, first.y, first.x, first.p) == (4, 10.0, 80.0, 160.0, COPIED_P)
    assert (second.slice_index, second.y, second.x) == (1, 80.0, 64.0)


def test_a_slice_without_a_number_gets_none() -> None:
    scores = with_copies(by_texture(), scan(), (Copy(3, ONE, Place(5, 12.5, 80.0, 160.0), (1, 5)),))
    assert np.isnan(scores.slice_p[5])


def test_surer_texture_stays_surer_and_one_site_is_not_told_twice() -> None:
    near = Site(4, 10.0, 84.0, 160.0, 0.999)
    far = [Site(index, Z_MM[index], 200.0, 40.0 * index, 0.3) for index in range(5)]
    scores = with_copies(by_texture(0.999, (near, *far)), scan(), (COPY,))
    assert scores.p_tampered == 0.999
    assert len(scores.sites) <= MOST_SITES
    at = np.array([(site.z_mm, site.y * 0.7, site.x * 0.7) for site in scores.sites])
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)[np.triu_indices(len(at), 1)]
    assert apart.min() >= 16.0


@pytest.mark.parametrize("forged", [False, True])
def test_a_package_with_an_aggregation_looks_for_copies(forged: bool, make_package: Callable[..., Path]) -> None:
    rng = np.random.default_rng(5)
    volume = np.stack([draw_chest(rng, 384) for _ in range(4)])
    if forged:
        volume[3, 180:212, 255:287] = volume[1, 160:192, 105:137]
    hu = np.rint(volume).astype(np.int16)
    scorer = open_package(give_places(make_package("mapped")))
    scores = scorer.score_scan([(hu[:2], Z_MM[:2]), (hu[2:], Z_MM[2:4])], SPACING_MM)
    assert bool(scores.copies) is forged
    if forged:
        spots = {(place.slice_index, round(place.y / 30), round(place.x / 30))
                 for copy in scores.copies for place in (copy.one, copy.other)}  # fmt: skip
        assert spots == {(3, 7, 9), (1, 6, 4)}
    plain = open_package(make_package("plain"))
    assert plain.score_scan([(hu, Z_MM[:4])], SPACING_MM).copies == ()
