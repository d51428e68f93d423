"""Patient IDs that name nobody."""

import pytest

from medfake.dicom.patients import is_placeholder, patient_or_folder


@pytest.mark.parametrize(
    "patient_id", ["ANONYMOUS", "Anonymized", "anonymised^", "UNKNOWN", "N/A", "0", "0000", "XXX", "-"]
)
def test_what_an_anonymiser_gives_to_everybody_names_nobody(patient_id: str) -> None:
    assert is_placeholder(patient_id)
    assert patient_or_folder(patient_id, "a/b") == "a/b"


@pytest.mark.parametrize("patient_id", ["ANON-017", "anonymous2", "LIDC-IDRI-0001", "1000", "Anona", "X1"])
def test_a_number_or_a_name_of_ones_own_is_a_patient(patient_id: str) -> None:
    assert not is_placeholder(patient_id)
    assert patient_or_folder(patient_id, "a/b") == patient_id


def test_without_an_id_the_folder_is_the_patient() -> None:
    assert patient_or_folder("", "a/b") == "a/b"
