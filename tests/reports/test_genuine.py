"""The picture of what detectors read: figure, figure with the site blanked and hit rate, in marks and in words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.probes.answer import Score
from medfake.probes.blanked import BlankedFigures, BlankedReport, Difference, Reads
from medfake.reports.compare import compare
from medfake.reports.parts import Drawing, Section, Table
from medfake.reports.sections.genuine import genuine_section
from medfake.reports.sections.registry import ReportInput
from medfake.vocabulary import Evidence

NO_MEASURE: Any = SimpleNamespace(measure={})


def _figures(detector: str, as_is: float, site: float, reads: Reads) -> BlankedFigures:
    as_is_, elsewhere, site_ = (Score(auc, auc - 0.1, auc + 0.1, "patients", 9) for auc in (as_is, as_is, site))
    return BlankedFigures(
        detector=detector, seed=1, out_of_fold=True, slices=90, as_is=as_is_, elsewhere=elsewhere, site=site_,
        of_square=Difference(0.0, -0.1, 0.1), of_site=Difference(as_is - site, 0.0, 0.3), reads=reads,
    )  # fmt: skip


@pytest.fixture
def written(predict, enter, tmp_path: Path) -> Section:
    trainings = (
        _figures("RandomForest", 0.75, 0.75, Reads.CONTEXT),
        _figures("ResidualCNN", 0.812, 0.513, Reads.SITE),
        _figures("SVM", 0.5, 0.5, Reads.NOTHING),
    )
    BlankedReport("chest", "d" * 64, Evidence.CLINICAL, True, trainings).write(tmp_path / "blanked/chest.json")
    forest = predict(detector="RandomForest", localises=False)
    comparison = compare([enter(forest), enter(predict())], Bootstrap(resamples=100))
    section = genuine_section(ReportInput(comparison=comparison, params=NO_MEASURE, reports=tmp_path))
    assert section is not None
    return section


def test_the_first_words_say_who_reads_the_source(written: Section) -> None:
    first = str(written.parts[0])
    assert "Of 3 detectors on data set chest, ResidualCNN reads the manipulated place." in first
    assert "RandomForest reads the source of a scan, not the manipulation." in first
    assert "RandomForest has slice AUC 0.750, and 0.750 with the site blanked." in first
    assert "Blanking decides nothing of SVM." in first
    assert "Share of fakes whose named place is right: ResidualCNN 0." in first


def test_the_confounding_is_said_where_the_figures_stand(written: Section) -> None:
    assert str(written.parts[1]).startswith("Confounded by the source. No source has slices of both classes")


def test_the_picture_has_all_its_figures_in_words(written: Section) -> None:
    (drawing,) = (part for part in written.parts if isinstance(part, Drawing))
    assert "RandomForest: slice AUC 0.750 (0.650 to 0.850)" in drawing.alt
    assert "slice AUC, the site blanked 0.513 (0.413 to 0.613), right place named 0." in drawing.alt
    assert "controls: another's site" in drawing.alt
    assert drawing.alt.count("names no place") == 2
    assert drawing.svg.startswith("<svg")


def test_the_table_says_what_each_reads(written: Section) -> None:
    (table,) = (part for part in written.parts if isinstance(part, Table))
    assert [row[0] for row in table.rows] == ["RandomForest", "ResidualCNN", "SVM"]
    assert [row[1] for row in table.rows] == [one.words for one in (Reads.CONTEXT, Reads.SITE, Reads.NOTHING)]
    assert "each scored by a training that had not seen its patient" in table.caption


def test_where_nothing_was_blanked_there_is_no_section(predict, enter, tmp_path: Path) -> None:
    comparison = compare([enter(predict())], Bootstrap(resamples=100))
    assert genuine_section(ReportInput(comparison=comparison, params=NO_MEASURE, reports=tmp_path)) is None
