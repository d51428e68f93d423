"""What a label row calls a scan: spellings that say nothing are the same name, all others are told and no match."""

import unicodedata

import pytest

from medfake.datasets.sources.scan_names import ScanNames

KNOWN = ["007", "101", "hospital/s1", unicodedata.normalize("NFD", "Müller"), "Ward B"]


@pytest.mark.parametrize(
    ("name", "scan"),
    [
        ("007", "007"),
        (unicodedata.normalize("NFC", "Müller"), KNOWN[3]),
        ("hospital\\s1", "hospital/s1"),
        ("./hospital//s1/", "hospital/s1"),
        (" Ward B ", "Ward B"),
    ],
)
def test_accents_slashes_and_blanks_at_the_ends_say_nothing(name: str, scan: str) -> None:
    assert ScanNames(KNOWN).match(name).scan == scan


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("7", "007"),
        ("0101", "101"),
        ("101.0", "101"),
        ("HOSPITAL/S1", "hospital/s1"),
        ("ward-b", "Ward B"),
        ("s1", "hospital/s1"),
        ("/data/scans/hospital/s1", "hospital/s1"),
    ],
)
def test_another_case_a_lost_zero_or_another_folder_is_no_match_but_near(name: str, near: str) -> None:
    match = ScanNames(KNOWN).match(name)
    assert match.scan is None
    assert match.near == (near,)
    assert match.hint == f", did you mean {near!r}?"


def test_a_similar_name_is_told_and_one_of_no_likeness_is_not() -> None:
    names = ScanNames(KNOWN)
    assert (names.match("hospitel/s2").near, names.match("hospitel/s2").similar) == ((), ("hospital/s1",))
    assert names.match("xyz").hint == ""


def test_a_name_of_two_scans_is_none_unless_it_is_spelled_as_one_of_them() -> None:
    forms = [unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD")]
    names = ScanNames(forms)
    assert [names.match(form).scan for form in forms] == forms
    assert names.match(f"{forms[0]}/").scan is None
    assert set(names.match(f"{forms[0]}/").near) == set(forms)


def test_no_name_means_no_scan_not_even_the_one_in_the_root() -> None:
    assert ScanNames(["."]).match("").scan is None
    assert ScanNames(["."]).match("./").scan == "."
