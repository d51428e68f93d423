"""Whether what is learnt along z is below the window rule is said of both on the same slices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from medfake.config import Params
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.entry import Entry
from medfake.reports.parts import Section, Table
from medfake.reports.sections.along_z import along_z
from medfake.reports.sections.registry import ReportInput

FEW = Bootstrap(resamples=100)
Predict = Callable[..., pd.DataFrame]
Enter = Callable[..., Entry]


@pytest.fixture
def written(predict: Predict, enter: Enter) -> Callable[..., Section | None]:
    """The section on detectors whose tampered slices score so much above real ones."""

    def write(**gaps: float) -> Section | None:
        noise = predict(detector="noise", patients=12, val_patients=2, slices=4, skill=0.0, patient_spread=0.0)
        entries = [
            enter(noise.assign(detector=name, p_tampered=(noise.p_tampered + gap * noise.label).clip(0.01, 0.99)))
            for name, gap in gaps.items()
        ]
        return along_z(ReportInput(comparison=compare(entries, FEW), params=Params.model_construct(), reports=Path()))

    return write


def texts(section: Section | None) -> tuple[str, list[list[str]]]:
    """The sentence, and the cells of the table."""
    assert section is not None
    sentence, table = section.parts
    assert isinstance(sentence, str)
    assert isinstance(table, Table)
    return sentence, [[getattr(cell, "text", cell) for cell in row] for row in table.rows]


def test_one_that_is_worse_is_said_to_be_below(written: Callable[..., Any]) -> None:
    sentence, rows = texts(written(SliceGRU=0.0, SliceWindow=0.9))
    assert "is below the window rule" in sentence
    assert rows[0][1] == "slices"
    assert rows[0][4].startswith("-")
    assert rows[0][5] == "below"


def test_one_that_is_as_good_is_not_below(written: Callable[..., Any]) -> None:
    sentence, rows = texts(written(SliceGRU=0.9, SliceWindow=0.9))
    assert "is nowhere shown to be below" in sentence
    assert [row[4:] for row in rows] == [["+0.000", "not below"]] * 2


def test_of_several_detectors_those_that_are_below_are_named(written: Callable[..., Section | None]) -> None:
    sentence, rows = texts(written(SliceGRU=0.9, SliceFeatureGRU=0.0, SliceWindow=0.9))
    assert "by SliceFeatureGRU is below the window rule" in sentence
    assert {row[0] for row in rows} == {"SliceGRU", "SliceFeatureGRU"}


@pytest.mark.parametrize("trained", [{"SliceGRU": 0.5}, {"SliceWindow": 0.5}, {"ResidualCNN": 0.5, "SliceWindow": 0.4}])
def test_where_there_is_no_pair_nothing_is_said(trained: dict[str, float], written: Callable[..., Any]) -> None:
    assert written(**trained) is None
