"""The detector that comes with medfake: whole, small, without pickles, and honest about itself."""

import json
import re

import numpy as np
import pytest

from medfake.package import shipped
from medfake.package.card import AGGREGATION_FILE, CARD_FILE, LARGEST_DIFFERENCE, ONNX_FILE, graph_digests, read_card
from medfake.package.scan_scorer import open_package
from medfake.vocabulary import Evidence
from tests.fixtures.bodies import chest

LARGEST_BYTES = 1_500_000

pytestmark = pytest.mark.skipif(not shipped.has_builtin(), reason="this checkout lacks the built-in detector")


def test_it_is_small_and_made_of_graphs_and_a_card_alone() -> None:
    files = list(shipped.builtin_package().iterdir())
    assert {path.suffix for path in files} == {".onnx", ".json"}
    assert sum(path.stat().st_size for path in files) < LARGEST_BYTES


def test_its_card_says_what_it_was_measured_on_and_cannot_see() -> None:
    card = read_card(shipped.builtin_package())
    assert card.evidence is not Evidence.PHANTOM
    assert card.measured_on
    assert card.blind_to
    assert card.false_alarms is not None
    assert card.false_alarms.low <= card.false_alarms.rate <= card.false_alarms.high
    assert card.agreement.max_abs_difference <= LARGEST_DIFFERENCE


def test_its_card_is_of_the_graphs_beside_it_and_names_what_it_learnt_from() -> None:
    folder = shipped.builtin_package()
    card = read_card(folder)
    assert card.graphs == graph_digests(folder)
    assert set(card.graphs) == {ONNX_FILE, AGGREGATION_FILE}
    assert {one.graph_sha256 for one in card.elsewhere} <= {card.graphs[ONNX_FILE]}
    assert card.dataset.startswith("bank ")
    assert re.fullmatch("[0-9a-f]{64}", card.dataset_sha256)
    assert re.match("[0-9a-f]{7}", card.git_revision)
    assert any("CC BY" in one for one in card.sources)


def test_its_card_names_no_place_of_the_machine_that_made_it() -> None:
    text = (shipped.builtin_package() / CARD_FILE).read_text()
    assert json.loads(text)
    assert "/home/" not in text
    assert "/tmp/" not in text  # noqa: S108  # looked for, not used


def test_it_scores_a_chest() -> None:
    scorer = open_package(shipped.builtin_package())
    volume = np.stack([chest(0.7, seed) for seed in range(5)])
    scores = scorer.score_scan([(volume, np.arange(5) * 2.5)], (0.7, 0.7))
    assert 0 <= scores.p_tampered <= 1
    assert np.isfinite(scores.slice_p).all()
