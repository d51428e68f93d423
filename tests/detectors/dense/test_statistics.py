"""Features of a bank's places, stored once."""

import shutil

import numpy as np
import pytest

from medfake.detectors.dense import grid
from medfake.detectors.dense.statistics import (
    FOLDER,
    UNTOUCHED_OF_FORGED,
    PlaceStatistics,
    open_statistics,
    store_statistics,
)
from medfake.tamper.bank import Bank
from tests.detectors.dense.conftest import PATIENTS, WriteBank


@pytest.fixture(scope="module")
def places(bank: Bank) -> PlaceStatistics:
    return open_statistics(bank)


def test_every_place_has_its_features_and_what_the_bank_says(places: PlaceStatistics) -> None:
    assert places.features.shape == (len(places.places), grid.FEATURES)
    assert np.isfinite(places.features.astype(np.float32)).all()
    assert set(places.places.patient_id) == set(PATIENTS)
    assert set(places.places[places.places.label == 1].manipulation) == {"injection", "self-blended"}
    assert set(places.places[places.places.label == 1].family) == {"cube", "blend"}


def test_a_tampered_place_comes_with_the_same_place_before(places: PlaceStatistics) -> None:
    rows = places.places
    tampered = rows[rows.label == 1][["site", "i", "j"]]
    before = rows[(rows.label == 0) & (rows.kind == "twin")][["site", "i", "j"]]
    assert len(tampered)
    assert sorted(map(tuple, tampered.to_numpy())) == sorted(map(tuple, before.to_numpy()))


def test_every_slice_is_also_seen_degraded_and_its_twin_alike(places: PlaceStatistics) -> None:
    rows = places.places
    for degraded in (0, 1):
        seen = rows[rows.degraded == degraded]
        assert set(seen[seen.label == 1].site) == set(rows[rows.label == 1].site)
        assert set(seen[seen.kind == "twin"].site) == set(seen[seen.label == 1].site)
    first = rows[rows.label == 1].groupby(["site", "i", "j"]).indices.values()
    pairs = np.array([both for both in first if len(both) == 2])
    clean, after = places.features[pairs[:, 0]], places.features[pairs[:, 1]]
    assert (clean != after).any(axis=1).all()


def test_untouched_places_of_a_manipulated_slice_are_a_sample(places: PlaceStatistics) -> None:
    rows = places.places[(places.places.label == 0) & (places.places.kind == "forged")]
    assert rows.groupby(["number", "degraded"]).size().max() <= UNTOUCHED_OF_FORGED


def test_what_is_stored_is_not_computed_again(bank: Bank, places: PlaceStatistics) -> None:
    part = bank.folder / FOLDER / "features-0000.npy"
    before = part.stat().st_mtime_ns
    assert store_statistics(bank) == len(places.places)
    assert part.stat().st_mtime_ns == before


def test_statistics_of_another_bank_are_not_taken_for_its_own(bank: Bank, write_bank: WriteBank) -> None:
    other = write_bank(PATIENTS[:5], seed=1)
    expected = open_statistics(other).features
    shutil.rmtree(other.folder / FOLDER)
    store_statistics(bank)
    shutil.copytree(bank.folder / FOLDER, other.folder / FOLDER)
    np.testing.assert_array_equal(open_statistics(other).features, expected)


def test_what_was_cut_short_goes_on_to_the_same_features(bank: Bank, places: PlaceStatistics) -> None:
    (bank.folder / FOLDER / "places-0000.npy").unlink()  # written last of a part
    np.testing.assert_array_equal(open_statistics(bank).features, places.features)
