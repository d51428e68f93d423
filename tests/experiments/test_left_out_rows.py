"""What can be left out of a bank in turn."""

from pathlib import Path

import pandas as pd
import pytest

from medfake.experiments.left_out_rows import families_of, maker, makers_of, makers_of_patients
from medfake.experiments.single_slices import slices_of_makers
from medfake.tamper.bank import Bank


def bank_of(makers: dict[str, list[str]], manipulations: dict[str, str]) -> Bank:
    """A bank of three manipulated slices a patient and maker, without pixels."""
    rows = [(patient, one, "forged") for patient, own in makers.items() for one in own for _ in range(3)]
    slices = pd.DataFrame(rows, columns=["patient_id", "manufacturer", "kind"])
    slices["number"] = slices.index
    sites = pd.DataFrame({"manipulation": list(manipulations), "family": list(manipulations.values())})
    return Bank(Path("banks/toy"), slices, sites, "0" * 64)


@pytest.mark.parametrize(
    ("spelled", "word"),
    [("GE MEDICAL SYSTEMS", "GE"), ("Siemens Healthineers", "SIEMENS"), ("", "not named"), (" Philips ", "PHILIPS")],
)
def test_makers_are_told_by_their_first_word(spelled: str, word: str) -> None:
    assert maker(spelled) == word


def test_spellings_of_one_maker_are_left_out_together_and_who_names_none_never() -> None:
    bank = bank_of({"a": ["GE MEDICAL SYSTEMS"], "b": ["GE"], "c": ["SIEMENS"], "d": [""]}, {})
    assert makers_of(bank) == {"GE": ("GE", "GE MEDICAL SYSTEMS"), "SIEMENS": ("SIEMENS",)}


def test_patients_of_two_makers_are_of_none() -> None:
    bank = bank_of({"a": ["GE MEDICAL SYSTEMS", "GE"], "b": ["GE", "SIEMENS"], "c": [""]}, {})
    assert makers_of_patients(bank) == {"a": "GE", "c": "not named"}


def test_learned_manipulations_are_a_row_of_their_own_and_of_their_family() -> None:
    bank = bank_of({"a": ["GE"]}, {"injection": "cube", "gan-removal": "cube", "vae-fill": "synthesis"})
    assert families_of(bank) == {
        "cube": ("gan-removal", "injection"), "synthesis": ("vae-fill",), "learned": ("gan-removal", "vae-fill"),
    }  # fmt: skip


def test_single_slices_are_drawn_by_turns_of_patients_of_each_maker() -> None:
    bank = bank_of({"a": ["GE"], "b": ["GE"], "c": ["GE"], "d": ["SIEMENS"]}, {})
    drawn = bank.slices.loc[slices_of_makers(bank, 4, seed=1)]
    assert drawn[drawn.manufacturer == "GE"].groupby("patient_id").size().sort_values().tolist() == [1, 1, 2]
    assert (drawn.manufacturer == "SIEMENS").sum() == 3
