"""Whole scans to measure on, made one at a time."""

from pathlib import Path

import numpy as np
import pytest

from medfake.tamper.forged_scans import LEAST_SLICES, ForgedScan, forged_scans
from medfake.tamper.registry import manipulations_of
from medfake.vocabulary import Modality
from tests.tamper.conftest import WriteReals, make_chest


def made(folder: Path, **counts: int) -> list[ForgedScan]:
    return list(forged_scans([folder], lambda name: f"p-{name}", seed=3, **counts))


@pytest.fixture
def reals(tmp_path: Path, write_reals: WriteReals) -> Path:
    write_reals(tmp_path / "whole")
    write_reals(tmp_path / "short", make_chest(LEAST_SLICES - 1), patient_id="SHORT")
    return tmp_path


def test_a_scan_comes_untouched_and_then_with_each_manipulation(reals: Path) -> None:
    untouched, *forged = made(reals, scanners=0, forged_scanners=0)
    assert untouched.patient == "p-PATIENT-5"
    assert (untouched.manipulation, untouched.site, untouched.scanner) == ("", None, "")
    assert len(untouched.changed) == len(untouched.volume) == len(untouched.z_mm)
    assert {one.manipulation for one in forged} <= set(manipulations_of(Modality.CT))
    assert len(forged) >= len(manipulations_of(Modality.CT)) - 2  # a manipulation may find no place in a small chest
    for one in forged:
        differs = np.flatnonzero((one.volume != untouched.volume).any(axis=(1, 2)))
        np.testing.assert_array_equal(one.changed, differs)
        assert one.site is not None
        assert one.site.z in differs


def test_virtual_scanners_show_the_same_patient_otherwise(reals: Path) -> None:
    native, *others = made(reals, scanners=2, forged_scanners=-1)
    assert [one.manipulation for one in others] == ["", ""]
    assert {one.patient for one in others} == {native.patient}
    assert all(one.scanner for one in others)
    assert all(len(one.volume) == len(one.z_mm) for one in others)


def test_same_seed_same_scans(reals: Path) -> None:
    first, second = (made(reals, scanners=0, forged_scanners=0)[1] for _ in range(2))
    np.testing.assert_array_equal(first.volume, second.volume)
