"""Manipulated scans against untouched ones: groups, thresholds and sites in three dimensions."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from medfake.datasets.sources.registry import SourceSite
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.labelled_scans import LabelledScan
from medfake.metrics.whole_scans import JudgedScan, _hits, compare_scans
from medfake.package.scan_scores import Site
from medfake.vocabulary import LabelCode, Manipulation

FEW = Bootstrap(resamples=100)


@dataclass(frozen=True)
class Header:
    manufacturer: str = "GE"
    kernel: str = "B"
    spacing_mm: tuple[float, float] = (0.5, 0.5)


@dataclass(frozen=True)
class Slices:
    """What is asked of a series."""

    headers: tuple[Header, ...]
    z_mm: Any = field(default_factory=lambda: np.arange(5) * 4.0)


def scan(
    name: str, kind: Manipulation = Manipulation.NONE, patient: str = "p", maker: str = "GE", generator: str = "made"
) -> LabelledScan:
    sites = () if kind is Manipulation.NONE else (SourceSite(LabelCode.FB, 2, 100, 100),)
    generator = "" if kind is Manipulation.NONE else generator
    return LabelledScan(patient, name, kind, generator, sites, Slices((Header(maker),) * 5))  # type: ignore[arg-type]


def judged(of: LabelledScan, p: float, *, hit: bool = False, at_site: float | None = None) -> JudgedScan:
    slice_p = np.full(5, 0.2)
    near = np.array([False, False, of.tampered, False, False])
    slice_p[near] = p if at_site is None else at_site
    return JudgedScan(of, p, slice_p, near, np.ones(5, bool), hit)


def by(rows: Any) -> dict[tuple[str, str], Any]:
    return {(row.by, row.name): row for row in rows}


REMOVED, INJECTED = Manipulation.REMOVED, Manipulation.INJECTED
SCANS = [
    judged(scan("a", REMOVED, "p-1", "GE"), 0.9, hit=True),
    judged(scan("b", INJECTED, "p-1", "GE"), 0.4),
    judged(scan("c", INJECTED, "p-2", "Siemens"), 0.6, hit=True),
    judged(scan("d", patient="p-1"), 0.5),
    judged(scan("e", patient="p-2", maker="Siemens"), 0.1),
]


def test_scans_are_ranked_against_all_untouched_ones() -> None:
    rows = by(compare_scans(SCANS, 0.6, FEW))
    assert rows["all", "all"].scan_auc.value == pytest.approx(5 / 6)
    assert rows["manipulation", "removed"].scan_auc.value == 1.0
    assert rows["manipulation", "injected"].scan_auc.value == pytest.approx(3 / 4)
    assert rows["patient", "p-1"].scan_auc.value == pytest.approx(3 / 4)


def test_a_score_at_the_threshold_is_called_tampered() -> None:
    (everything, *_) = compare_scans(SCANS, 0.6, FEW)
    assert everything.sensitivity.value == pytest.approx(2 / 3)
    assert everything.specificity.value == 1.0
    (at, *_) = compare_scans(SCANS, 0.5, FEW)
    assert at.specificity.value == 0.5


def test_specificity_is_that_of_the_own_untouched_scans_of_patients_and_scanners() -> None:
    rows = by(compare_scans(SCANS, 0.5, FEW))
    assert rows["patient", "p-1"].specificity.value == 0.0
    assert rows["patient", "p-2"].specificity.value == 1.0
    assert rows["scanner", "GE, kernel B"].untouched == 1
    assert rows["manipulation", "removed"].untouched == 2


def test_hits_are_a_share_of_the_manipulated_scans() -> None:
    rows = by(compare_scans(SCANS, 0.5, FEW))
    assert rows["all", "all"].hit_rate.value == pytest.approx(2 / 3)
    assert rows["manipulation", "injected"].hit_rate.value == 0.5


def test_slices_at_a_site_are_compared_with_slices_of_lung_of_untouched_scans() -> None:
    (everything, *_) = compare_scans(SCANS, 0.5, FEW)
    assert everything.slice_auc.value == 1.0
    dark = [
        JudgedScan(one.scan, one.p_tampered, np.full(5, 0.95), one.near, np.zeros(5, bool), one.hit)
        for one in SCANS[3:]
    ]
    (without, *_) = compare_scans([*SCANS[:3], *dark], 0.5, FEW)
    assert without.slice_auc.value is None  # slices without lung are no untouched slices


def test_slices_without_a_number_are_left_out() -> None:
    broken = JudgedScan(SCANS[0].scan, 0.9, np.full(5, np.nan), SCANS[0].near, np.ones(5, bool), True)
    (everything, *_) = compare_scans([broken, SCANS[3]], 0.5, FEW)
    assert everything.slice_auc.value is None
    assert everything.scan_auc.value == 1.0


def test_a_group_of_one_name_has_no_rows_of_its_own() -> None:
    assert {row.by for row in compare_scans(SCANS, 0.5, FEW)} == {"all", "manipulation", "scanner", "patient"}


def test_named_manipulations_have_rows_against_all_untouched_scans_and_their_families_have() -> None:
    named = [
        judged(scan("a", INJECTED, "p-1", generator="poisson"), 0.9, hit=True),
        judged(scan("b", INJECTED, "p-1", generator="copy-move"), 0.3),
        judged(scan("c", REMOVED, "p-2", generator="removal"), 0.4),
        *SCANS[3:],
    ]
    rows = by(compare_scans(named, 0.5, FEW))
    assert {name for kind, name in rows if kind == "generator"} == {"poisson", "copy-move", "removal"}
    assert {name for kind, name in rows if kind == "family"} == {"cube", "paste"}
    assert (rows["generator", "poisson"].scan_auc.value, rows["generator", "copy-move"].scan_auc.value) == (1.0, 0.5)
    assert rows["family", "paste"].scan_auc.value == 0.75
    assert (rows["family", "paste"].tampered, rows["family", "paste"].untouched) == (2, 2)
    assert rows["generator", "poisson"].hit_rate.value == 1.0


def test_generators_that_medfake_does_not_know_are_not_told_twice() -> None:
    named = [judged(scan(name, INJECTED, "p-1", generator=name), 0.9) for name in ("a", "b")]
    rows = compare_scans([*named, *SCANS[3:]], 0.5, FEW)
    assert {row.by for row in rows} == {"all", "generator"}


@pytest.mark.parametrize(
    ("named", "hit"),
    [
        (Site(2, 8.0, 100, 132, 0.9), True),  # 16 mm
        (Site(2, 8.0, 100, 133, 0.9), False),
        (Site(4, 16.0, 100, 100, 0.9), True),
        (Site(4, 16.0, 100, 127, 0.9), True),  # 8 and 13.5 mm
        (Site(4, 16.0, 100, 129, 0.9), False),  # 8 and 14.5 mm
    ],
)
def test_a_site_hits_within_sixteen_mm_in_three_dimensions(named: Site, hit: bool) -> None:
    assert _hits(named, scan("a", REMOVED)) is hit
