"""A card as text: the sections that have something to say, and no figure of another graph."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.package.card import ONNX_FILE, graph_digests, read_card
from medfake.package.measured import Elsewhere, FalseAlarms, Figures
from medfake.package.shipped import builtin_package
from medfake.reports.model_card import card_text
from medfake.vocabulary import Evidence

GRAPHS = {ONNX_FILE: "a" * 64}
CARD = read_card(builtin_package()).model_copy(
    update={
        "by_manipulation": (
            Figures(
                of="poisson", count=8, metrics={"scan_auc": 0.7, "hit_rate": 0.5}, intervals={"scan_auc": (0.5, 0.9)}
            ),
            Figures(of="removal", count=8, metrics={"scan_auc": 0.95, "hit_rate": None}),
        ),
        "elsewhere": (
            Elsewhere(
                name="genuine", graph_sha256="a" * 64, evidence=Evidence.CLINICAL, scans=9, untouched=4, patients=13,
                within=(Figures(of="removed", count=21, metrics={"hit_rate": 0.625}),),
            ),
        ),
        "robustness": {"jpeg": {"hit_rate": 0.25}, "clean": {"hit_rate": 0.625}},
        "robustness_on": "genuine",
        "sources": ("LIDC-IDRI, CC BY 3.0",),
        "false_alarms": FalseAlarms(scans=16, rate=0.0, low=0.0, high=0.1936),
    }
)  # fmt: skip


def test_every_section_of_a_model_card_is_there_in_order() -> None:
    headings = [line[3:] for line in card_text(CARD, GRAPHS).splitlines() if line.startswith("## ")]
    assert headings == [
        "What it is, and what it is for", "What it learnt from", "How it was measured", "Figures",
        "By manipulation, the weakest first", "On scans that it has not learnt from", "After what images go through",
        "False alarms", "What it cannot see", "Limits", "Where it comes from",
    ]  # fmt: skip


def test_figures_stand_with_their_intervals_and_what_is_undefined_says_so() -> None:
    text = card_text(CARD, GRAPHS)
    assert "| poisson | 8 | 0.700 [0.500, 0.900] | 0.500 |" in text
    assert "| removal | 8 | 0.950 | n/a |" in text
    assert "| clean | 0.625 |\n| jpeg: 8-bit lung window, JPEG of quality 90 | 0.250 |" in text
    assert "0 of 16 untouched scans were called tampered: 0.0% [0.0%, 19.4%]" in text
    assert "LIDC-IDRI, CC BY 3.0" in text


def test_figures_of_another_graph_are_not_shown() -> None:
    text = card_text(CARD, {ONNX_FILE: "b" * 64})
    assert "| removed (FB) | 21 |" in card_text(CARD, GRAPHS)
    assert "removed (FB)" not in text
    assert "genuine are of another graph" in text


def test_a_card_says_what_was_not_measured() -> None:
    bare = CARD.model_copy(update={"elsewhere": (), "robustness": {}, "by_manipulation": ()})
    text = card_text(bare, GRAPHS)
    assert "it was measured on no scans from elsewhere" in text
    assert "what compression, noise and resampling take from it was not measured" in text
    assert "## By manipulation" not in text


@pytest.mark.parametrize("named", ["builtin", str(builtin_package())])
def test_the_built_in_card_is_shown_outside_of_a_project(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(cli, ["registry", "show", named], catch_exceptions=False).output
    card = read_card(builtin_package())
    assert shown == card_text(card, graph_digests(builtin_package()))
    as_json = CliRunner().invoke(cli, ["registry", "show", named, "--json"], catch_exceptions=False).output
    assert json.loads(as_json) == card.model_dump(mode="json")


def test_a_figure_without_a_fault_is_no_promise() -> None:
    easy = Figures(of="resampled", count=8, metrics={"scan_auc": 1.0})
    text = card_text(CARD.model_copy(update={"by_manipulation": (*CARD.by_manipulation, easy)}), GRAPHS)
    assert "1.000 (resampled): what medfake's own tool leaves behind" in text
    assert "1.000 (" not in card_text(CARD, GRAPHS)


def test_how_a_detector_was_trained_in_its_own_way_stands_first_under_what_it_learnt_from() -> None:
    card = CARD.model_copy(update={"learning": ("learnt from real scans only", "calibrated on real slices alone")})
    under = card_text(card, GRAPHS).split("## What it learnt from\n\n")[1]
    assert under.startswith("- learnt from real scans only\n- calibrated on real slices alone\n")
