from pathlib import Path

import numpy as np
import pytest

from medfake.reports.bank_page import CROP_PX, manipulation_rows, triples, write_bank_page
from medfake.tamper.bank import Bank
from medfake.tamper.make_bank import BankPlan, make_bank
from tests.tamper.conftest import make_chest, write_series_of


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    root = tmp_path_factory.mktemp("reals")
    for number in range(5):
        write_series_of(root / str(number), make_chest(3)[1:2], patient_id=f"P{number}")
    folder = tmp_path_factory.mktemp("banks") / "chest"
    make_bank(BankPlan(1, [root], 6, 1, 0.0, {"injection": 1.0, "self-blended-nodule": 1.0}), folder, str)
    return Bank.open(folder)


def test_the_page_counts_and_shows_every_manipulation(tmp_path: Path, bank: Bank) -> None:
    write_bank_page(tmp_path / "chest.html", bank, "chest", pictured=True)
    page = (tmp_path / "chest.html").read_text(encoding="utf-8")
    rows = manipulation_rows(bank, pictured=True)
    assert page.count('<img src="data:image/png;base64,') == sum(len(row.pngs) for row in rows) >= len(rows) == 2
    for word in ("injection", "self-blended-nodule", "blend", "cube", "no clinical evidence", "Research use only"):
        assert word in page
    assert "<script" not in page


def test_slices_of_private_patients_stay_out_of_the_page(tmp_path: Path, bank: Bank) -> None:
    write_bank_page(tmp_path / "chest.html", bank, "chest", pictured=False)
    page = (tmp_path / "chest.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "not shown" in page


def test_a_row_tells_family_type_and_numbers(bank: Bank) -> None:
    rows = {row.name: row for row in manipulation_rows(bank, pictured=False)}
    assert (rows["injection"].family, rows["injection"].code) == ("cube", "FM")
    assert sum(row.slices for row in rows.values()) == len(bank.sites)
    assert all(row.strong_mm2 > 0 for row in rows.values())


def test_a_picture_shows_before_after_and_difference(bank: Bank) -> None:
    (shown,) = triples(bank, "injection", count=1)
    assert shown.shape == (CROP_PX, 3 * CROP_PX + 8)
    before, after, difference = (shown[:, start : start + CROP_PX] for start in (0, CROP_PX + 4, 2 * CROP_PX + 8))
    assert (before != after).any()
    assert np.median(difference) == 128
    assert difference.max() == 255
