"""Banks made of small chests: volumes, single slices, a gap, two series of one patient."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medfake.dicom.series import find_series
from medfake.errors import ManifestError, SourceError
from medfake.tamper import make_bank as module
from medfake.tamper.bank import SITE_COLUMNS, SLICE_COLUMNS, Bank, Change
from medfake.tamper.make_bank import BankPlan, make_bank
from medfake.tamper.pair import PlannedSite, change_of, forged
from medfake.tamper.runs import runs
from medfake.tamper.site import Site
from medfake.tamper.slice_sites import APART_PX, sites_in_slice
from medfake.vocabulary import QualityFlag
from tests.tamper.conftest import SPACING, make_chest, write_series_of

CT_REALS = Path(__file__).resolve().parents[2].parent / "shared" / "ct-reals"
MIXTURE = {"injection": 1.0, "copy-move": 1.0, "self-blended-nodule": 2.0}
Write = Callable[..., np.ndarray]


def plan_of(*reals: Path, **changes: object) -> BankPlan:
    plan = BankPlan(seed=3, reals=reals, slices=9, untouched=3, scanners=0.5, manipulations=MIXTURE)
    return replace(plan, **changes)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def reals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients: a single slice, a gap, two series at two spacings, and three plain ones."""
    root = tmp_path_factory.mktemp("reals")
    chest = make_chest(14)
    for number in range(3):
        write_series_of(root / f"plain-{number}", np.roll(chest, 2 * number, axis=1), patient_id=f"PLAIN-{number}")
    write_series_of(root / "single", chest[7:8], patient_id="SINGLE")
    write_series_of(root / "gap", chest, patient_id="GAP")
    for index in (5, 6):
        (root / "gap" / f"{index}.dcm").unlink()
    write_series_of(root / "two" / "a", chest, patient_id="TWO")
    write_series_of(root / "two" / "b", chest[::2], patient_id="TWO", spacing_mm=(1.2, 1.2), kernel="B70f")
    return root


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, reals: Path) -> Bank:
    folder = tmp_path_factory.mktemp("banks") / "bank"
    make_bank(plan_of(reals), folder, lambda one: f"p-{one}")
    return Bank.open(folder)


def test_a_bank_holds_pairs_sites_and_untouched_slices_of_every_patient(bank: Bank) -> None:
    assert list(bank.slices.columns) == list(SLICE_COLUMNS)
    assert list(bank.sites.columns) == list(SITE_COLUMNS)
    assert list(bank.slices.number) == list(range(len(bank.slices)))
    kinds = bank.slices.kind.value_counts()
    assert kinds["forged"] == kinds["twin"] >= 9
    assert set(bank.sites.number) == set(bank.slices.number[bank.slices.kind == "forged"])
    whole = bank.slices[bank.slices.kind == "untouched"]
    assert whole.patient_id.nunique() == 6
    assert whole.groupby("patient_id").size().max() == 3
    assert set(bank.slices.patient_id) == {"p-PLAIN-0", "p-PLAIN-1", "p-PLAIN-2", "p-SINGLE", "p-GAP", "p-TWO"}
    assert (bank.slices.twin.ge(0) == (bank.slices.kind == "forged")).all()


def test_a_twin_is_the_same_slice_but_for_the_changes_that_the_mask_tells(bank: Bank) -> None:
    for row in bank.slices[bank.slices.kind == "forged"].itertuples():
        after, before = bank.hu(row.number), bank.hu(row.twin)
        delta = np.abs(after.astype(np.float32) - before)
        smooth = gaussian_filter(delta, 2.5, truncate=4.0, mode="constant")
        change = bank.change(row.number)
        np.testing.assert_array_equal(change == Change.NONE, smooth == 0)
        assert not bank.change(row.twin).any()
        twin = bank.slices.loc[row.twin]
        assert (twin.z_mm, twin.scan, twin.scanner, twin.kind) == (row.z_mm, row.scan, row.scanner, "twin")
        for site in bank.sites[bank.sites.number == row.number].itertuples():
            near = change[max(site.y - 24, 0) : site.y + 25, max(site.x - 24, 0) : site.x + 25]
            assert (near == Change.STRONG).any()
            assert abs(site.off_mm) <= 8


def test_sites_of_a_slice_are_apart(bank: Bank) -> None:
    for _, sites in bank.sites.groupby("number"):
        for one, other in combinations(sites.itertuples(), 2):
            assert np.hypot(one.y - other.y, one.x - other.x) >= APART_PX


def test_untouched_slices_are_those_of_the_files(bank: Bank, reals: Path) -> None:
    from medfake.dicom.reader import read_volume

    alone = next(series for series in find_series(reals)[0] if len(series.headers) == 1)
    row = bank.slices[(bank.slices.patient_id == "p-SINGLE") & (bank.slices.kind == "untouched")].iloc[0]
    np.testing.assert_array_equal(bank.hu(int(row.number)), read_volume(alone.headers)[0])


def test_the_bytes_depend_on_the_plan_alone_and_a_killed_run_goes_on(
    tmp_path: Path, bank: Bank, reals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = module.make_unit

    def counted(work: module.UnitOfWork) -> module.Unit:
        made.append(work.name)
        if len(made) == 5:
            raise KeyboardInterrupt
        return real(work)

    monkeypatch.setattr(module, "make_unit", counted)
    again = tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        make_bank(plan_of(reals), again, lambda one: f"p-{one}")
    assert not again.exists()
    make_bank(plan_of(reals), again, lambda one: f"p-{one}")
    assert len(made) == len(set(made)) + 1  # what the kill met was done again, nothing else
    assert contents(again) == contents(bank.folder)
    assert not list(tmp_path.glob(".*"))


def test_another_number_of_processes_makes_the_same_bytes_and_another_seed_does_not(
    tmp_path: Path, bank: Bank, reals: Path
) -> None:
    make_bank(plan_of(reals), tmp_path / "two", lambda one: f"p-{one}", jobs=2)
    assert contents(tmp_path / "two") == contents(bank.folder)
    make_bank(plan_of(reals, seed=4, slices=1), tmp_path / "other", lambda one: f"p-{one}")
    assert contents(tmp_path / "other")["sites.parquet"] != contents(bank.folder)["sites.parquet"]


def test_what_an_abandoned_plan_left_is_removed(tmp_path: Path, reals: Path) -> None:
    left = tmp_path / ".bank.work-0123456789ab"
    left.mkdir()
    make_bank(plan_of(reals, slices=1, untouched=0), tmp_path / "bank", str)
    assert not left.exists()


def test_a_folder_of_reals_that_is_missing_is_told_with_what_names_it(tmp_path: Path, reals: Path) -> None:
    with pytest.raises(SourceError, match="a folder of real scans is missing") as caught:
        make_bank(plan_of(reals, tmp_path / "nowhere"), tmp_path / "bank", str)
    assert caught.value.where == str(tmp_path / "nowhere")
    assert caught.value.remedy == "mend banks.bank.reals in params.yaml"
    assert not (tmp_path / "bank").exists()


def test_a_bank_takes_the_place_of_no_original(tmp_path: Path) -> None:
    (tmp_path / "bank" / "scans").mkdir(parents=True)
    with pytest.raises(SourceError, match="would take their place") as caught:
        make_bank(plan_of(tmp_path / "bank" / "scans"), tmp_path / "bank", str)
    assert "banks.bank.reals" in str(caught.value.remedy)
    assert (tmp_path / "bank" / "scans").is_dir()


def test_a_bank_of_one_patient_is_refused_with_how_many_it_needs_and_why(tmp_path: Path, reals: Path) -> None:
    with pytest.raises(SourceError, match="at least 5 patients: a detector that learns from fewer knows") as caught:
        make_bank(plan_of(reals / "two"), tmp_path / "bank", str)
    assert caught.value.received == "1 patient"
    assert "banks.bank.reals" in str(caught.value.remedy)
    shutil.copytree(reals, tmp_path / "five", ignore=shutil.ignore_patterns("plain-0"))
    make_bank(plan_of(tmp_path / "five", slices=1, untouched=0), tmp_path / "bank", str)


def test_a_folder_without_ct_is_refused(tmp_path: Path, reals: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no CT series") as caught:
        make_bank(plan_of(reals, tmp_path / "empty"), tmp_path / "bank", str)
    assert caught.value.where == str(tmp_path / "empty")


def test_scans_without_lung_are_refused(tmp_path: Path, write_reals: Write) -> None:
    for number in range(5):
        write_reals(tmp_path / "reals" / str(number), np.full((2, 128, 128), 40, np.int16), patient_id=f"P{number}")
    with pytest.raises(SourceError, match="too little lung"):
        make_bank(plan_of(tmp_path / "reals"), tmp_path / "bank", str)


def test_a_gap_parts_a_series_and_a_position_counts_once(reals: Path) -> None:
    gap = next(series for series in find_series(reals / "gap")[0])
    assert QualityFlag.GAP in gap.quality_flags
    parts = runs(gap)
    assert [part.indices for part in parts] == [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9, 10, 11)]
    assert parts[1].z_mm[0] == 17.5
    assert {part.step_mm for part in parts} == {2.5}


def test_a_site_outside_the_lung_is_refused(chest: np.ndarray) -> None:
    for site in (Site(12, 124, 128), Site(12, 2, 2), Site(30, 124, 184)):
        with pytest.raises(SourceError, match="outside the lungs"):
            forged(chest, SPACING, [PlannedSite(site, "injection")], np.random.default_rng(1))


def test_sites_of_a_slice_lie_in_lung_and_some_on_bright_structures(chest: np.ndarray) -> None:
    found = [site for seed in range(20) for site in sites_in_slice(chest, 12, SPACING, np.random.default_rng(seed), 2)]
    near = [np.hypot(site.y - 124, site.x - 68) < 8 for site in found]
    assert 0.1 < np.mean(near) < 0.6
    for site in found:
        forged(chest, SPACING, [PlannedSite(site, "resampled")], np.random.default_rng(1))


def test_a_change_below_the_noise_is_weak_and_beyond_its_reach_there_is_none(chest: np.ndarray) -> None:
    before, site = chest[12], Site(12, 124, 184)
    for delta, strongest in ((1, Change.WEAK), (40, Change.STRONG)):
        after = before.copy()
        after[120:129, 180:189] += delta
        change = change_of(before, after, SPACING, [site])
        assert change.max() == change[124, 184] == strongest
        assert change[124, 184 + 4 + 10] == Change.WEAK
        assert change[124, 184 + 4 + 11] == Change.NONE


def test_a_bank_that_lost_a_file_says_how_to_make_it_anew(bank: Bank, tmp_path: Path) -> None:
    bank = Bank.open(shutil.copytree(bank.folder, tmp_path / "bank"))
    (bank.folder / "hu-0000.npy").unlink()
    with pytest.raises(ManifestError, match="missing or damaged") as caught:
        bank.hu(0)
    assert caught.value.received == "no such file or directory"
    assert caught.value.remedy == "dvc repro -s -f bank"
    (bank.folder / "sites.parquet").unlink()
    with pytest.raises(ManifestError, match="not whole"):
        Bank.open(bank.folder)


@pytest.mark.skipif(not CT_REALS.is_dir(), reason="../shared/ct-reals is not here")
def test_single_slices_of_real_scanners_make_a_bank(tmp_path: Path) -> None:
    plan = plan_of(CT_REALS, slices=30, untouched=1)
    make_bank(plan, tmp_path / "bank", str)
    bank = Bank.open(tmp_path / "bank")
    assert bank.slices[bank.slices.kind == "forged"].patient_id.nunique() >= 8
