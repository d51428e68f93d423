"""Labels at both sides of each distance, in mm and never in slices."""

import numpy as np
import pandas as pd
import pytest

from medfake.config import ExtentLabelling, NeighboursLabelling, NodulesLabelling
from medfake.datasets.labelling import TM_REACH_MM, label_slices

EXTENT = ExtentLabelling(rule="extent", tampered_mm=16.0, ignore_mm=25.0)


def _scan(z_mm: list[float], manipulation: str = "injected", synthetic: str = "") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scan_id": "scan-a",
            "manipulation": manipulation,
            "generator": "" if manipulation == "none" else "gan",
            "z_index": np.arange(len(z_mm)),
            "z_mm": z_mm,
            "synthetic": synthetic,
        }
    )


def _site(
    z_mm: float = 0.0, z_index: int = 0, kind: str = "FM", y: int = 40, x: int = 50, generator: str = "gan"
) -> pd.DataFrame:
    place = {"z_index": z_index, "z_mm": z_mm, "y": y, "x": x}
    return pd.DataFrame([{"scan_id": "scan-a", "kind": kind, **place, "generator": generator}])


NOWHERE = _site().iloc[:0]


def test_only_tampered_slices_name_a_generator() -> None:
    labelled = label_slices(_scan([0.0, 30.0]), _site(), EXTENT)
    assert labelled.generator.tolist() == ["gan", ""]


def test_a_slice_names_the_generator_of_its_nearest_site() -> None:
    sites = pd.concat([_site(0.0, generator="poisson"), _site(40.0, 3, generator="removal")], ignore_index=True)
    labelled = label_slices(_scan([0.0, 10.0, 30.0, 40.0, 80.0]), sites, EXTENT)
    assert labelled.generator.tolist() == ["poisson", "poisson", "removal", "removal", ""]


def test_the_place_along_the_scan_counts_slices_that_are_left_out_too() -> None:
    labelled = label_slices(_scan([-20.0, 0.0, 20.0, 30.0]), _site(), EXTENT)
    assert labelled.z_relative.tolist() == pytest.approx([0.4, 1.0])


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("distance_mm", "label"), [(0.0, 1), (15.99, 1), (16.01, None), (20.0, None), (24.99, None), (25.01, 0), (90.0, 0)]
)
def test_a_slice_is_tampered_ignored_or_real_by_its_distance(
    side: float, distance_mm: float, label: int | None
) -> None:
    labelled = label_slices(_scan([side * distance_mm]), _site(), EXTENT)
    assert labelled.label.tolist() == ([] if label is None else [label])


def test_the_distance_counts_in_mm_and_not_in_slices() -> None:
    fine = label_slices(_scan([index * 0.6 for index in range(100)]), _site(), EXTENT)
    coarse = label_slices(_scan([index * 5.0 for index in range(100)]), _site(), EXTENT)
    assert (fine.label == 1).sum() == 27
    assert (coarse.label == 1).sum() == 4


def test_the_nearest_of_several_sites_counts() -> None:
    sites = pd.concat([_site(0.0, y=1), _site(60.0, y=2)])
    labelled = label_slices(_scan([10.0, 30.0, 50.0, 100.0]), sites, EXTENT)
    assert labelled.label.tolist() == [1, 0, 1, 0]
    assert labelled.site_y.tolist()[::2] == [1.0, 2.0]
    assert labelled.distance_mm.tolist() == [10.0, 30.0, 10.0, 40.0]


def test_a_real_slice_of_a_tampered_scan_forgets_manipulation_and_site() -> None:
    labelled = label_slices(_scan([0.0, 30.0]), _site(), EXTENT)
    assert labelled.manipulation.tolist() == ["injected", "none"]
    assert labelled.site_y.isna().tolist() == [False, True]


def test_a_scan_without_sites_is_real_and_has_no_distance() -> None:
    labelled = label_slices(_scan([0.0, 5.0], "none"), NOWHERE, EXTENT)
    assert labelled.label.tolist() == [0, 0]
    assert labelled.distance_mm.isna().all()


@pytest.mark.parametrize(("distance_mm", "near"), [(TM_REACH_MM - 0.01, True), (TM_REACH_MM + 0.01, False)])
def test_a_real_nodule_leaves_its_slices_real_and_shows_where_it_is(distance_mm: float, near: bool) -> None:
    labelled = label_slices(_scan([distance_mm], "none"), _site(kind="TM"), EXTENT)
    assert labelled.label.tolist() == [0]
    assert labelled.site_x.notna().tolist() == [near]


def test_untouched_slices_of_forged_scans_are_left_out_for_they_copy_their_originals() -> None:
    labelled = label_slices(_scan([0.0, 30.0], synthetic="forged"), _site(), EXTENT)
    assert labelled.label.tolist() == [1]


@pytest.mark.parametrize("k", [0, 1, 5])
def test_neighbours_are_tampered_and_nothing_else_of_their_scan_is_used(k: int) -> None:
    rule = NeighboursLabelling(rule="neighbours", k=k)
    labelled = label_slices(_scan([float(index) for index in range(30)]), _site(15.0, z_index=15), rule)
    assert labelled.z_index.tolist() == list(range(15 - k, 15 + k + 1))
    assert labelled.label.tolist() == [1] * (2 * k + 1)


def test_neighbours_stop_at_the_end_of_a_scan() -> None:
    rule = NeighboursLabelling(rule="neighbours", k=5)
    labelled = label_slices(_scan([float(index) for index in range(30)]), _site(1.0, z_index=1), rule)
    assert labelled.z_index.tolist() == list(range(7))


def test_neighbours_leave_untampered_scans_whole() -> None:
    rule = NeighboursLabelling(rule="neighbours", k=1)
    labelled = label_slices(_scan([0.0, 1.0, 2.0], "none"), _site(kind="TM"), rule)
    assert labelled.label.tolist() == [0, 0, 0]


@pytest.mark.parametrize("rule", [EXTENT, NeighboursLabelling(rule="neighbours", k=1)])
def test_every_slice_of_a_generated_scan_is_tampered_at_no_site(rule: ExtentLabelling | NeighboursLabelling) -> None:
    labelled = label_slices(_scan([0.0, 500.0], "generated"), NOWHERE, rule)
    assert labelled.label.tolist() == [1, 1]
    assert labelled.manipulation.tolist() == ["generated", "generated"]
    assert labelled.generator.tolist() == ["gan", "gan"]
    assert labelled[["distance_mm", "site_y", "site_x", "z_relative"]].isna().all(axis=None)


NODULES = NodulesLabelling(rule="nodules", ignore_mm=8.0)


def _read(
    z_mm: list[float], manipulation: str = "none", annotated: bool = True, marked_mm: float | None = None
) -> pd.DataFrame:
    return _scan(z_mm, manipulation).assign(annotated=annotated, marked=[one == marked_mm for one in z_mm])


def _nodule(low_mm: float | None, high_mm: float | None, z_mm: float = 0.0, y: int = 40) -> pd.DataFrame:
    return _site(z_mm, kind="TM", y=y).assign(low_mm=low_mm, high_mm=high_mm)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("z_mm", "label"), [(0.0, 1), (5.0, 1), (5.01, None), (12.99, None), (13.0, 0), (90.0, 0)])
def test_a_slice_shows_a_nodule_as_far_as_it_is_outlined(side: float, z_mm: float, label: int | None) -> None:
    labelled = label_slices(_read([side * z_mm]), _nodule(-5.0, 5.0), NODULES)
    assert labelled.label.tolist() == ([] if label is None else [label])
    assert set(labelled.manipulation) <= {"none"}


def test_a_slice_with_a_nodule_has_its_place_and_others_have_none() -> None:
    sites = pd.concat([_nodule(-20.0, 4.0, -8.0, y=1), _nodule(6.0, 6.0, 6.0, y=2)], ignore_index=True)
    labelled = label_slices(_read([-30.0, 4.0, 6.0]), sites, NODULES)
    assert labelled.label.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(labelled.site_y, [np.nan, 1.0, 2.0])


@pytest.mark.parametrize("sites", [NOWHERE.assign(low_mm=[], high_mm=[]), _nodule(-2.0, 2.0, z_mm=0.0)])
def test_slices_near_the_mark_of_a_small_nodule_are_of_neither_class(sites: pd.DataFrame) -> None:
    scan = _read([0.0, 50.0, 57.99, 58.0, 90.0], marked_mm=50.0)
    labelled = label_slices(scan, sites, NODULES)
    assert labelled.z_mm.tolist() == [0.0, 58.0, 90.0]
    assert labelled.label.tolist() == [0 if sites.empty else 1, 0, 0]


def test_a_mark_takes_no_outline_away() -> None:
    assert label_slices(_read([0.0], marked_mm=0.0), _nodule(-5.0, 5.0), NODULES).label.tolist() == [1]


def test_a_scan_in_which_readers_found_nothing_has_slices_without_a_nodule() -> None:
    labelled = label_slices(_read([0.0, 5.0]), NOWHERE.assign(low_mm=[], high_mm=[]), NODULES)
    assert labelled.label.tolist() == [0, 0]
    assert labelled.distance_mm.isna().all()


@pytest.mark.parametrize(
    ("scan", "sites"),
    [
        (_read([0.0, 90.0], annotated=False), _nodule(-5.0, 5.0)),
        (_read([0.0, 90.0]), _nodule(None, None)),
        (_read([0.0, 90.0], "injected"), _nodule(-5.0, 5.0)),
        (_read([0.0, 90.0], "generated"), _nodule(-5.0, 5.0)),
    ],
    ids=["not looked at", "not outlined", "tampered", "generated"],
)
def test_a_scan_of_which_nobody_knows_what_it_shows_is_left_out(scan: pd.DataFrame, sites: pd.DataFrame) -> None:
    assert label_slices(scan, sites, NODULES).empty
