"""What the report says of generators, in words first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from medfake.errors import ManifestError
from medfake.generators.pictures import beside
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.comparison import Comparison
from medfake.reports.entry import Entry
from medfake.reports.parts import Drawing, Picture, Section, Table
from medfake.reports.sections.generators import generators
from medfake.reports.sections.registry import ReportInput
from tests.fixtures.generated import draw_pixels
from tests.fixtures.reports import report_input

CURVES = [
    {"epoch": epoch, "generator_loss": 2.0 + epoch, "discriminator_loss": 1.0, "told_real": 0.9, "told_made": 0.9}
    | ({"kid": 3.0 / epoch, "fid": 40.0, "spread": 0.9} if epoch % 2 == 0 else {})
    for epoch in range(1, 7)
]
FACTS: dict[str, Any] = {
    "schema": 1, "plan": {"epochs": 6}, "evidence": "phantom", "learnt_from": {"slices": 80, "patients": 8},
    "epochs_done": 6, "epoch_of_kept_weights": 6, "stopped": "", "curves": CURVES,
    "distance": {
        "features": "Gabor energies", "samples": 128, "kid": 0.5, "fid": 40.0, "kid_floor": 0.25, "spread": 0.9,
    },
    "nearest": {"generated": 4.0, "real": 5.0, "closer": 0.06},
}  # fmt: skip


@pytest.fixture
def comparison(predict: Callable[..., pd.DataFrame], enter: Callable[..., Entry]) -> Comparison:
    return compare([enter(predict())], Bootstrap(100))


@pytest.fixture
def written(comparison: Comparison, tmp_path: Path) -> Callable[..., Section | None]:
    def write(facts: dict[str, Any] | None, *, pictured: bool = True) -> Section | None:
        given = report_input(comparison, tmp_path)
        generator = {"kind": "dcgan", "dataset": "chest", "seed": 1}
        params = given.params.model_copy(update={"generators": {"fakes": generator}})
        folder = tmp_path / "generators/fakes"
        folder.mkdir(parents=True)
        if facts is not None:
            (folder / "generator.json").write_text(json.dumps(facts))
        if pictured:
            (folder / "samples.png").write_bytes(beside(draw_pixels(16), draw_pixels(16)))
        return generators(ReportInput(comparison=comparison, params=params, reports=tmp_path))

    return write


def test_a_study_without_generators_and_one_that_has_not_run_have_no_section(
    comparison: Comparison, tmp_path: Path, written: Callable[..., Section | None]
) -> None:
    assert generators(report_input(comparison, tmp_path)) is None
    assert written(None) is None


def test_one_that_ended_without_losses_has_those_before(written: Callable[..., Section | None]) -> None:
    ended = {"epoch": 7, "generator_loss": None, "discriminator_loss": None, "kid": None, "fid": None, "spread": None}
    section = written({**FACTS, "curves": [*CURVES, ended], "stopped": "it diverged"})
    assert section is not None
    (losses, _) = [part for part in section.parts if isinstance(part, Drawing)]
    assert "at the end 8.00 of the generator" in losses.alt


@pytest.mark.parametrize("facts", [{"schema": 9}, []])
def test_facts_of_another_kind_are_refused(written: Callable[..., Section | None], facts: Any) -> None:
    with pytest.raises(ManifestError, match="the generator is not whole"):
        written(facts)


def test_the_distance_stands_beside_that_between_patients_and_what_it_is_worth(
    written: Callable[..., Section | None],
) -> None:
    section = written(FACTS)
    assert section is not None
    assert section.parts[0] == (
        "fakes learnt from 80 slices of 8 patients, and its samples are 0.500 from slices of other patients (KID on "
        "Gabor energies); two halves of the real patients are 0.250 apart."
    )
    assert str(section.parts[1]).startswith("Phantom figures are no clinical evidence")
    kinds = [type(part) for part in section.parts[2:6]]
    assert kinds == [Picture, Drawing, Drawing, Table]
    losses, distances = section.parts[3:5]
    assert isinstance(losses, Drawing)
    assert isinstance(distances, Drawing)
    assert "8.00 of the generator and 1.00 of the discriminator" in losses.alt
    assert distances.alt == "KID of samples to held-out slices by epoch: 1.5 after 2, 0.75 after 4, 0.5 after 6."


def test_what_stopped_it_and_what_was_learnt_by_heart_are_said_first(written: Callable[..., Section | None]) -> None:
    nearest = {"generated": 1.0, "real": 5.0, "closer": 0.4}
    stopped = {"stopped": "it collapsed: samples are alike", "epochs_done": 4, "epoch_of_kept_weights": 2}
    section = written(FACTS | stopped | {"nearest": nearest})
    assert section is not None
    assert (
        "stopped after 4 of 6 epochs, because it collapsed: samples are alike; the weights of epoch 2 are kept"
        in str(section.parts[0])
    )
    assert "40% of its samples are closer to a slice that it learnt from" in str(section.parts[0])


def test_private_patients_are_not_shown_and_few_patients_have_no_floor(written: Callable[..., Section | None]) -> None:
    facts = FACTS | {"distance": FACTS["distance"] | {"kid_floor": None}, "nearest": {**FACTS["nearest"], "real": None}}
    section = written(facts, pictured=False)
    assert section is not None
    assert not any(isinstance(part, Picture) for part in section.parts)
    assert "private patients" in str(section.parts[2])
    table = next(part for part in section.parts if isinstance(part, Table))
    assert [str(row[1].text) for row in table.rows][1] == "n/a"  # type: ignore[union-attr]
