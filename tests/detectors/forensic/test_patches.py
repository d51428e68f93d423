from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.forensic.patches import PatchSource, patch_source
from medfake.detectors.forensic.residual_cnn import PATCH_PX
from medfake.errors import TrainingError
from medfake.lungs import judged_places, lung_pixels
from medfake.vocabulary import Evidence

MakeDataset = Callable[..., Dataset]


def coordinates(size: int = 512) -> np.ndarray[Any, Any]:
    """Every pixel of a (size, size) slice tells where it is: row * 60 + column / 10 is unique enough."""
    y, x = np.mgrid[:size, :size]
    return (y * 60 + x // 10).astype(np.int16)


@pytest.fixture
def source(dataset: Dataset) -> PatchSource:
    return patch_source(dataset, "train", np.random.default_rng(1))


def one_place(y: int, x: int) -> PatchSource:
    place = np.array([[0, y, x]])
    return PatchSource([coordinates()], {"injected": place}, {"real slice": place})


def test_sites_are_listed_by_manipulation(dataset: Dataset, source: PatchSource) -> None:
    train = dataset.split("train").reset_index(drop=True)
    assert sorted(source.positives) == ["injected", "removed"]
    for kind, places in source.positives.items():
        expected = train[train.manipulation == kind]
        np.testing.assert_array_equal(places[:, 0], expected.index)
        np.testing.assert_array_equal(places[:, 1:], expected[["site_y", "site_x"]])


def test_only_the_core_of_a_site_is_a_positive(dataset: Dataset) -> None:
    manifest = dataset.manifest.copy()
    tampered = manifest.index[(manifest.split == "train") & (manifest.label == 1)]
    manifest.loc[tampered, "distance_mm"] = np.where(np.arange(len(tampered)) == 0, 10.0, 10.1)
    changed = Dataset(dataset.folder, "made", manifest, dataset.sites, "0" * 64, Evidence.PHANTOM, "grouped")
    places = patch_source(changed, "train", np.random.default_rng(1)).positives
    assert sum(len(kind) for kind in places.values()) == 1


def test_negatives_lie_in_lungs_and_far_from_every_site_of_their_scan(dataset: Dataset, source: PatchSource) -> None:
    train = dataset.split("train").reset_index(drop=True)
    assert {"same slice", "real slice"} == set(source.negatives)
    for number, y, x in np.concatenate(list(source.negatives.values())):
        lung = lung_pixels(source.slices[number])[y - 48 : y + 48, x - 48 : x + 48]
        assert lung.mean() >= 0.25
        sites = dataset.sites[dataset.sites.scan_id == train.scan_id[number]]
        assert (np.hypot(sites.y - y, sites.x - x) * 0.7 >= 40).all()


def test_every_place_that_is_judged_far_from_sites_can_be_a_negative(dataset: Dataset) -> None:
    rows = dataset.split("train").reset_index(drop=True)
    number = int(rows.index[rows.label == 0][0])
    sites = dataset.sites[dataset.sites.scan_id == rows.scan_id[number]]
    places = judged_places(lung_pixels(dataset.mapped(rows)[number]))
    judged = {(int(y), int(x)) for y, x in places if (np.hypot(sites.y - y, sites.x - x) * 0.7 >= 40).all()}
    drawn: set[tuple[int, int]] = set()
    for seed in range(80):
        negatives = patch_source(dataset, "train", np.random.default_rng(seed)).negatives["real slice"]
        drawn |= {(int(y), int(x)) for at, y, x in negatives if at == number}
    assert judged
    assert judged <= drawn


def test_real_nodules_serve_as_negatives(dataset: Dataset) -> None:
    manifest = dataset.manifest.copy()
    first = manifest.index[(manifest.split == "train") & (manifest.label == 0)][0]
    manifest.loc[first, ["distance_mm", "site_y", "site_x"]] = 3.0, 96.0, 56.0
    changed = Dataset(dataset.folder, "made", manifest, dataset.sites, "0" * 64, Evidence.PHANTOM, "grouped")
    nodules = patch_source(changed, "train", np.random.default_rng(1)).negatives["real nodule"]
    np.testing.assert_array_equal(nodules, [[0, 96, 56]])


def test_a_batch_is_balanced_and_of_whole_hounsfield_units(source: PatchSource) -> None:
    patches, labels = source.draw(np.random.default_rng(0), 10, 8)
    assert patches.shape == (10, PATCH_PX, PATCH_PX)
    assert patches.dtype == np.int16
    assert labels.shape == (10, 1)
    assert labels.sum() == 5


def test_each_kind_is_drawn_equally_often_however_rare() -> None:
    slices = [np.full((PATCH_PX, PATCH_PX), value, np.int16) for value in range(3)]
    many, few = np.array([[0, 64, 64]] * 500), np.array([[1, 64, 64]])
    source = PatchSource(slices, {"injected": many, "removed": few}, {"real slice": np.array([[2, 64, 64]])})
    patches, labels = source.draw(np.random.default_rng(0), 400, 0)
    share = (patches[labels[:, 0] == 1, 0, 0] == 1).mean()
    assert 0.4 < share < 0.6


def test_patches_are_only_turned_and_flipped_never_interpolated() -> None:
    cut = coordinates()[256 - 64 : 256 + 64, 200 - 64 : 200 + 64]
    allowed = {np.rot90(form, turn).tobytes() for form in (cut, cut[:, ::-1]) for turn in range(4)}
    patches, _ = one_place(256, 200).draw(np.random.default_rng(0), 64, 0)
    assert {patch.tobytes() for patch in patches} == allowed


def test_jitter_stays_within_its_bound() -> None:
    patches, _ = one_place(256, 200).draw(np.random.default_rng(0), 200, 8)
    tops = patches.reshape(len(patches), -1).min(axis=1) // 60
    assert tops.min() == 256 - 64 - 8
    assert tops.max() == 256 - 64 + 8


@pytest.mark.parametrize("place", [(0, 0), (511, 511), (10, 300)])
def test_at_the_border_a_patch_moves_inward(place: tuple[int, int]) -> None:
    patches, _ = one_place(*place).draw(np.random.default_rng(0), 4, 8)
    assert patches.shape == (4, PATCH_PX, PATCH_PX)


def test_the_same_generator_state_draws_the_same_batch(source: PatchSource) -> None:
    first, second = (source.draw(np.random.default_rng(7), 6, 8)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_split_without_lungs_says_so(make_dataset: MakeDataset) -> None:
    with pytest.raises(TrainingError, match="no patches to train on"):
        patch_source(make_dataset({"train": 2}, lungs=False), "train", np.random.default_rng(0))


def test_slices_smaller_than_a_patch_are_refused_in_words(make_dataset: MakeDataset) -> None:
    small = make_dataset({"train": 4}, size=120)
    with pytest.raises(TrainingError):
        patch_source(small, "train", np.random.default_rng(0)).draw(np.random.default_rng(0), 2, 0)
