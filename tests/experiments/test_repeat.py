"""Which trainings are repeated."""

from pathlib import Path

import pytest

from medfake.errors import ManifestError
from medfake.experiments.repeat import cards_there
from tests.conftest import MakePackage


def test_a_package_that_is_missing_leaves_the_others_standing(make_package: MakePackage, tmp_path: Path) -> None:
    there, gone = make_package("there"), tmp_path / "gone"
    cards, missing = cards_there([gone, there])
    assert [card.detector for card in cards] == ["ResidualCNN"]
    assert missing == [gone]


def test_a_card_that_is_there_and_damaged_is_not_passed_over(make_package: MakePackage) -> None:
    package = make_package("damaged")
    (package / "card.json").write_text("{")
    with pytest.raises(ManifestError):
        cards_there([package])
