"""What probes are given to look at."""

from collections.abc import Callable

import numpy as np
import pytest

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.probes.probe_input import ProbeInput, _squares
from medfake.probes.texture import CUBE_MM

MakeSet = Callable[..., Dataset]


def test_a_large_split_is_sampled_and_the_seed_decides(make_set: MakeSet) -> None:
    data = make_set()
    drawn = [ProbeInput(data, ProbesParams(slices=20, seed=seed)).rows("test").slice_id.tolist() for seed in (1, 1, 2)]
    assert len(drawn[0]) == 20
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(ProbeInput(data, ProbesParams(slices=64)).rows("test")) == 64


def test_copies_are_left_out(make_set: MakeSet) -> None:
    data = make_set()
    data.manifest.loc[data.manifest.index[::2], "transform"] = "flip-x"
    assert set(ProbeInput(data, ProbesParams()).rows("train")["transform"]) == {""}


def test_tampered_slices_are_blanked_at_their_site_and_real_ones_at_a_borrowed_place(make_set: MakeSet) -> None:
    rows = ProbeInput(make_set(), ProbesParams()).rows("test")
    squares = _squares(rows, seed=1)
    for square, row in zip(squares, rows.itertuples(), strict=True):
        assert square.borrowed == (row.label == 0)
        assert square.half_px == pytest.approx(CUBE_MM / 2 / row.spacing_mm)
        assert (square.y, square.x) == (row.site_y, row.site_x) if row.label else (square.y, square.x)
    assert {(s.y, s.x) for s in squares if s.borrowed} == set(
        zip(rows.site_y.dropna(), rows.site_x.dropna(), strict=True)
    )


def test_a_tampered_slice_without_a_site_borrows_too(make_set: MakeSet) -> None:
    rows = ProbeInput(make_set(), ProbesParams()).rows("test").copy()
    rows.loc[rows.label == 1, ["site_y", "site_x"]] = np.nan
    squares = _squares(rows, seed=1)
    assert all(square.borrowed for square in squares)
    assert {(square.y, square.x) for square in squares} == {(80.0, 80.0)}
