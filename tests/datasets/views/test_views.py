"""Places, shapes and cuts of every view, on drawn chests."""

import numpy as np
import pandas as pd
import pytest

from medfake.config import ViewParams
from medfake.datasets.views.delocalized import DelocalizedView
from medfake.datasets.views.localized import LocalizedView
from medfake.datasets.views.registry import VIEWS, Cut, Place, view_of
from medfake.datasets.views.resized import ResizedView
from medfake.lungs import lungs_in_slice
from medfake.vocabulary import Modality

SPACING = 0.7
NOWHERE = Place(float("nan"), float("nan"), labelled=False, spacing_mm=SPACING)
BLOCKS = [
    ViewParams(name="whole"),
    ResizedView(name="resized", size=96),
    LocalizedView(name="localized"),
    DelocalizedView(name="delocalized"),
]


def chest(size: int = 512, reach: float = 0.17) -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    """A body with two lungs, `reach` (of the size) wide from their middle, and a vessel in the left one."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    hu = np.full((size, size), -1000, np.int16)
    hu[(y / 0.35) ** 2 + (x / 0.45) ** 2 < 1] = 40
    for side in (-0.21, 0.21):
        hu[(y / 0.2) ** 2 + ((x - side) / reach) ** 2 < 1] = -850
    hu[(y**2 + (x + 0.21) ** 2) < (4 / size) ** 2] = 30
    hu[int(0.95 * size) :, :] = 100  # a table
    return hu


def _rows(*rows: tuple[str, int, float, float]) -> pd.DataFrame:
    """(split, label, site_y, site_x)."""
    frame = pd.DataFrame(rows, columns=["split", "label", "site_y", "site_x"])
    return frame.assign(scan_id="s", rows=512, cols=512, z_mm=0.0, distance_mm=0.0)


def _sites(*places: tuple[int, int]) -> pd.DataFrame:
    rows = [{"scan_id": "s", "kind": "FM", "z_index": 0, "z_mm": 0.0, "y": y, "x": x} for y, x in places]
    return pd.DataFrame(rows, columns=["scan_id", "kind", "z_index", "z_mm", "y", "x"])


def test_lungs_are_air_inside_the_body_with_their_vessels() -> None:
    mask = lungs_in_slice(chest(), SPACING)
    assert mask[256, 256 - 107]  # the vessel
    assert mask[256, 256 + 107]
    assert not mask[5, 5]
    assert not mask[256, 256]
    assert mask.mean() == pytest.approx(2 * np.pi * 0.2 * 0.17, rel=0.05)


@pytest.mark.parametrize("value", [-1000, 40])
def test_a_slice_without_lungs_has_none(value: int) -> None:
    assert not lungs_in_slice(np.full((64, 64), value, np.int16), SPACING).any()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_every_view_cuts_what_it_promises(block: ViewParams) -> None:
    kind = view_of(block)
    cut = kind.cut(chest(), Place(200.0, 150.0, labelled=True, spacing_mm=SPACING))
    assert cut is not None
    assert cut.pixels.shape == kind.shape(512, 512)
    assert cut.pixels.dtype == np.int16


def test_what_a_view_has_stored_already_keeps_its_shape() -> None:
    for block in BLOCKS:
        shape = view_of(block).shape(512, 512)
        assert view_of(block).shape(*shape) == shape


def test_every_view_is_looked_at_here() -> None:
    assert set(VIEWS) == {block.name for block in BLOCKS}


def test_a_localized_cut_has_the_place_at_its_centre() -> None:
    hu = chest()
    hu[200, 150] = 3000
    cut = view_of(LocalizedView(name="localized")).cut(hu, Place(200.0, 150.0, labelled=True, spacing_mm=SPACING))
    assert cut is not None
    assert cut.pixels[64, 64] == 3000
    assert (cut.origin_y, cut.origin_x) == (136.0, 86.0)


def test_a_cut_that_would_leave_the_slice_is_moved_inwards() -> None:
    cut = view_of(LocalizedView(name="localized")).cut(chest(), Place(0.0, 511.0, labelled=True, spacing_mm=SPACING))
    assert cut is not None
    assert (cut.origin_y, cut.origin_x) == (0.0, 384.0)


def test_a_borrowed_place_outside_the_lungs_is_moved_into_them() -> None:
    cut = view_of(LocalizedView(name="localized", size=32)).cut(chest(), Place(256.0, 256.0, False, SPACING))
    assert cut is not None
    assert lungs_in_slice(chest(), SPACING)[int(cut.origin_y) + 16, int(cut.origin_x) + 16]


def test_a_slice_smaller_than_the_square_gives_none() -> None:
    kind = view_of(LocalizedView(name="localized", size=128))
    assert kind.cut(chest(100), Place(50.0, 50.0, labelled=True, spacing_mm=SPACING)) is None


def test_a_slice_with_two_sites_gives_two_squares() -> None:
    kept = _rows(("train", 1, 100.0, 120.0))
    placed = view_of(LocalizedView(name="localized")).places(kept, _sites((100, 120), (300, 310)), 1)
    assert list(zip(placed.view_y, placed.view_x, strict=True)) == [(100.0, 120.0), (300.0, 310.0)]
    assert list(zip(placed.site_y, placed.site_x, strict=True)) == [(100.0, 120.0), (300.0, 310.0)]


def test_real_slices_borrow_places_and_nodules_keep_theirs() -> None:
    rows = [("train", 1, 100.0, 120.0), ("train", 0, 33.0, 44.0), *[("train", 0, np.nan, np.nan)] * 200]
    placed = view_of(LocalizedView(name="localized")).places(_rows(*rows), _sites((100, 120)), 1)
    assert tuple(placed.loc[1, ["view_y", "view_x"]]) == (33.0, 44.0)
    borrowed = placed.iloc[2:]
    assert borrowed.view_y.mean() == pytest.approx(100, abs=3)
    assert borrowed.view_x.mean() == pytest.approx(120, abs=3)
    assert borrowed.view_y.std() > 5
    assert borrowed.site_y.isna().all()


def test_the_delocalized_cut_holds_both_lungs_at_full_resolution() -> None:
    hu = chest(440)
    kind = view_of(DelocalizedView(name="delocalized"))
    cut = kind.cut(hu, NOWHERE)
    assert cut is not None
    assert cut.scale == 1.0
    top, left = int(cut.origin_y), int(cut.origin_x)
    np.testing.assert_array_equal(cut.pixels[50:200, 50:300], hu[top + 50 : top + 200, left + 50 : left + 300])
    assert (cut.pixels == -850).sum() == (hu == -850).sum()


def test_lungs_larger_than_the_view_are_scaled_down() -> None:
    cut = view_of(DelocalizedView(name="delocalized", rows=100, cols=120)).cut(chest(), NOWHERE)
    assert cut is not None
    assert cut.scale == pytest.approx(120 / 390, rel=0.02)
    assert (cut.pixels == -850).sum() == pytest.approx((chest() == -850).sum() * cut.scale**2, rel=0.05)


@pytest.mark.parametrize(("reach", "found"), [(0.17, True), (0.004, False)])
def test_a_slice_with_hardly_any_lung_gives_none(reach: float, found: bool) -> None:
    assert (view_of(DelocalizedView(name="delocalized")).cut(chest(reach=reach), NOWHERE) is not None) is found


def resized(size: int, hu: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> Cut | None:
    """What the view stores of a slice."""
    return view_of(ResizedView(name="resized", size=size)).cut(hu, NOWHERE)


def test_a_slice_of_the_wanted_size_keeps_its_pixels() -> None:
    cut = resized(128, chest(128))
    assert cut is not None
    np.testing.assert_array_equal(cut.pixels, chest(128))
    assert (cut.scale, cut.origin_y, cut.origin_x) == (1.0, 0.0, 0.0)


def test_a_resized_pixel_is_the_mean_of_those_that_it_stands_for() -> None:
    hu = np.random.default_rng(0).integers(-1000, 1000, (64, 64)).astype(np.int16)
    cut = resized(16, hu)
    assert cut is not None
    np.testing.assert_array_equal(cut.pixels, np.rint(hu.reshape(16, 4, 16, 4).mean(axis=(1, 3))))


def test_no_pixel_counts_more_than_another_where_sizes_do_not_divide() -> None:
    means = []
    for y, x in ((0, 0), (7, 49), (33, 34)):
        hu = np.zeros((50, 50), np.int16)
        hu[y, x] = 10000
        cut = resized(16, hu)
        assert cut is not None
        means.append(cut.pixels.sum())
    np.testing.assert_allclose(means, 10000 * 16**2 / 50**2, atol=2)  # rounded four times


def test_fine_noise_is_averaged_and_not_aliased() -> None:
    stripes = np.tile(np.array([-1000, 1000], np.int16), (128, 64))
    cut = resized(32, stripes)
    assert cut is not None
    assert not cut.pixels.any()


def test_a_site_follows_its_slice_to_fewer_pixels() -> None:
    hu = np.full((512, 512), -1000, np.int16)
    hu[196:204, 296:304] = 3000
    cut = resized(128, hu)
    assert cut is not None
    found = np.argwhere(cut.pixels > -500).mean(axis=0)
    np.testing.assert_allclose(found, (np.array([199.5, 299.5]) - [cut.origin_y, cut.origin_x]) * cut.scale)


def test_a_slice_that_is_no_square_is_padded_and_not_stretched() -> None:
    cut = resized(32, np.full((64, 128), 40, np.int16))
    assert cut is not None
    assert (cut.pixels == 40).sum() == 16 * 32
    assert (cut.pixels[:8] == -1024).all()
    assert (0 - cut.origin_y) * cut.scale == pytest.approx(8 - 0.5 + 0.125)


@pytest.mark.parametrize(("modality", "empty"), [(Modality.CT, -1024), (Modality.MR, -1250), (Modality.XRAY, -1250)])
def test_what_a_slice_is_padded_with_is_the_darkest_of_its_modality(modality: Modality, empty: int) -> None:
    place = Place(float("nan"), float("nan"), labelled=False, spacing_mm=SPACING, modality=modality)
    cut = view_of(ResizedView(name="resized", size=32)).cut(np.full((64, 128), 40, np.int16), place)
    assert cut is not None
    assert set(np.unique(cut.pixels)) == {empty, 40}


@pytest.mark.parametrize(("size", "stored"), [(95, False), (96, True)])
def test_pixels_are_not_made_up(size: int, stored: bool) -> None:
    assert (resized(96, chest(size)) is not None) is stored
