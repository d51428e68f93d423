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
    PositiveClass,
    QualityFlag,
    Split,
    Task,
)

ALL = [word for kind in (Split, Task, PositiveClass, Manipulation, LabelCode, Evidence, QualityFlag) for word in kind]


def test_words_are_those_that_files_hold() -> None:
    assert list(Split) == ["train", "val", "test"]
    assert list(Manipulation) == ["none", "injected", "removed", "generated"]
    assert list(Task) == ["tampering", "nodules"]
    assert list(PositiveClass) == ["tampered", "real"]
    assert list(LabelCode) == ["FM", "FB", "TM", "TB"]
    assert list(Evidence) == ["phantom", "forged", "clinical"]
    assert list(QualityFlag) == ["duplicate", "gap", "instance", "mixed", "series", "tilt"]
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
