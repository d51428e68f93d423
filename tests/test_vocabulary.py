"""The words of files, columns and params.yaml."""

import json
import pickle

import pytest

from medfake.vocabulary import (
    CLASSES,
    TAMPERED_CODES,
    Evidence,
    LabelCode,
    Manipulation,
    Modality,
    PositiveClass,
    QualityFlag,
    Split,
    Units,
)

KINDS = (Split, PositiveClass, Manipulation, LabelCode, Evidence, QualityFlag, Modality, Units)
ALL = [word for kind in KINDS for word in kind]


def test_words_are_those_that_files_hold() -> None:
    assert list(Split) == ["train", "val", "test"]
    assert list(Manipulation) == ["none", "injected", "removed", "generated"]
    assert list(PositiveClass) == ["tampered", "real"]
    assert list(LabelCode) == ["FM", "FB", "TM", "TB"]
    assert list(Evidence) == ["phantom", "forged", "clinical"]
    assert list(QualityFlag) == ["duplicate", "gap", "instance", "mixed", "polarity", "raw", "series", "tilt"]
    assert list(Modality) == ["CT", "MR", "X-ray"]
    assert list(Units) == ["HU", "normalised"]
    assert CLASSES == ("none", "removed", "injected")


def test_a_label_code_names_its_manipulation() -> None:
    assert {code: code.manipulation for code in LabelCode} == {
        "FM": "injected",
        "FB": "removed",
        "TM": "none",
        "TB": "none",
    }
    assert TAMPERED_CODES == ("FM", "FB")


@pytest.mark.parametrize("word", ALL)
def test_a_word_is_written_as_its_value_and_has_a_sentence(word: Split | Evidence) -> None:
    assert json.dumps(word) == f'"{word.value}"' == f'"{word}"'
    assert pickle.loads(pickle.dumps(word)) is word  # noqa: S301  # our own bytes
    assert word.sentence


@pytest.mark.parametrize(
    ("said", "meant"),
    [("CT", "CT"), ("mr ", "MR"), ("CR", "X-ray"), ("DX", "X-ray"), ("MG", None), ("XA", None), ("", None)],
)
def test_words_of_dicom_are_those_of_a_modality_or_none(said: str, meant: str | None) -> None:
    assert Modality.named(said) == meant


def test_a_modality_says_its_units_and_what_its_scans_are_called() -> None:
    assert [(one.units, one.scan, one.is_stack) for one in Modality] == [
        ("HU", "a CT series", True),
        ("normalised", "an MR series", True),
        ("normalised", "an X-ray image", False),
    ]
