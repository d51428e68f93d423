"""What a PACS tells of a series, as far as it makes sense."""

import pytest

from medfake.pacs.found_series import FoundSeries, found_series, is_uid
from medfake.pacs.modality_text import modality_text
from medfake.pacs.queued_series import Address
from tests.fixtures.odd_pacs import element

UIDS = element("0020000D", "1.2") | element("0020000E", "1.2.3")


def test_a_series_is_known_by_its_uids_alone() -> None:
    assert found_series(UIDS) == FoundSeries(Address("1.2", "1.2.3"), "", None)
    assert found_series(element("0020000D", "1.2")) is None


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        (25, 25),
        ("25", 25),
        (0, 0),
        (-1, None),
        (2.5, None),
        ("x", None),
        ("9" * 10, None),
        ("\u0663", None),
        (None, None),
    ],
)
def test_a_number_of_objects_is_a_number_or_none(told: object, taken: int | None) -> None:
    series = found_series(UIDS | element("00201209", told))
    assert series
    assert series.instances == taken


@pytest.mark.parametrize(
    ("said", "kept"),
    [("CT", "CT"), ("ct", "CT"), ("\x1b[31mC\x00T\n", "31MCT"), ("C" * 17, "C" * 16), (None, "NONE"), ("é", "")],
)
def test_a_modality_is_fit_for_tables_and_terminals(said: object, kept: str) -> None:
    assert modality_text(said) == kept


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("1.2", True), ("1" * 64, True), ("1" * 65, False), ("..", False), ("", False), ("1/2", False), ("1.2\n", False)],
)
def test_what_may_be_a_part_of_an_address_is_told(text: str, is_one: bool) -> None:
    assert is_uid(text) is is_one
