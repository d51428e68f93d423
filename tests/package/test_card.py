import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.errors import ManifestError, OutputRefusedError
from medfake.package.card import CARD_FILE, Agreement, Card, read_card, require_replaceable, write_card

MakeCard = Callable[..., Card]


@pytest.fixture
def make_card() -> MakeCard:
    def make(**changes: object) -> Card:
        known: dict[str, object] = {
            "detector": "ResidualCNN",
            "options": {"presentations": 64, "head": [512, 256]},
            "seed": 1,
            "dataset": "chest",
            "dataset_sha256": "0" * 64,
            "evidence": "phantom",
            "protocol": "grouped",
            "parameters": 30224,
            "localises": True,
            "threshold": 0.5,
            "threshold_rule": "rule",
            "scan_threshold_low": 0.3,
            "scan_threshold_high": 0.7,
            "calibration": {"a": 1.5, "b": -0.25},
            "weights": {"kind": "none", "sha256": None},
            "metrics": {"val": {"auc": 0.75, "f1": None}, "test": {"auc": 0.5}},
            "agreement": Agreement(max_abs_difference=1e-7, slices=4),
            "git_revision": "abc",
            "dvc_lock_sha256": None,
            "mlflow_run_id": None,
        }
        return Card.model_validate({**known, **changes})

    return make


def test_a_card_comes_back_as_it_was_written(tmp_path: Path, make_card: MakeCard) -> None:
    card = make_card()
    write_card(card, tmp_path)
    assert read_card(tmp_path) == card


def test_a_card_of_before_a_field_was_added_is_still_read(tmp_path: Path, make_card: MakeCard) -> None:
    write_card(make_card(), tmp_path)
    path = tmp_path / CARD_FILE
    old = json.loads(path.read_text())
    for name in ("measured_on", "blind_to", "false_alarms", "robustness"):
        del old[name]
    path.write_text(json.dumps(old))
    card = read_card(tmp_path)
    assert (card.measured_on, card.blind_to, card.false_alarms, card.robustness) == ((), (), None, {})


def test_the_same_card_is_the_same_bytes(tmp_path: Path, make_card: MakeCard) -> None:
    texts = []
    for _ in range(2):
        write_card(make_card(), tmp_path)
        texts.append((tmp_path / CARD_FILE).read_bytes())
    assert texts[0] == texts[1]
    assert texts[0].endswith(b"}\n")


def test_every_card_says_that_it_diagnoses_nothing(make_card: MakeCard) -> None:
    assert "Not a diagnostic device" in make_card().intended_use


def test_a_folder_without_a_card_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="dvc repro"):
        read_card(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"detector": "ResidualCNN"}'])
def test_a_damaged_card_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_FILE).write_text(text)
    with pytest.raises(ManifestError, match=CARD_FILE):
        read_card(tmp_path)


def test_a_card_with_a_field_nobody_knows_is_refused(tmp_path: Path, make_card: MakeCard) -> None:
    write_card(make_card(), tmp_path)
    path = tmp_path / CARD_FILE
    path.write_text(path.read_text().replace('"detector"', '"detektor"'))
    with pytest.raises(ManifestError):
        read_card(tmp_path)


def test_a_package_takes_the_place_of_a_package_or_of_nothing(tmp_path: Path, make_card: MakeCard) -> None:
    require_replaceable(tmp_path / "new")
    require_replaceable(tmp_path)
    (tmp_path / "scan.dcm").write_bytes(b"")
    for kept in (tmp_path, tmp_path / "scan.dcm"):
        with pytest.raises(OutputRefusedError, match="no package"):
            require_replaceable(kept)
    write_card(make_card(), tmp_path)
    require_replaceable(tmp_path)
