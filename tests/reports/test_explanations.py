"""The section on explanations: who points at the manipulation, figures, curves, pictures."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import Params
from medfake.explain.curves import SHARES, CurveFigures
from medfake.explain.pointing import Pointing
from medfake.explain.record import Explained, Shown, write_record
from medfake.metrics.intervals import Interval
from medfake.metrics.within_slice import Figure
from medfake.reports.parts import Cell, Details, Drawing, Picture, Section, Table
from medfake.reports.sections.explanations import MOST_PICTURES, explanations
from medfake.reports.sections.registry import SECTIONS, ReportInput
from medfake.vocabulary import Evidence

PROJECT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


def rate(value: float, half: float = 0.05) -> Figure:
    return Figure(value, Interval(value - half, value + half))


def curves() -> CurveFigures:
    falling = tuple(1 - share for share in SHARES)
    return CurveFigures(falling, SHARES, falling, SHARES, rate(0.3), rate(0.7), rate(0.1), rate(-0.2))


def record(detector: str, hits: float, **changes: Any) -> Explained:
    pointing = Pointing(rate(hits), rate(0.04), rate(0.1), 0, 12, 5, "patients")
    said: dict[str, Any] = {
        "dataset": "chest", "dataset_sha256": "d" * 64, "detector": detector, "seed": 1, "evidence": Evidence.PHANTOM,
        "method": "occlusion", "says": "how far it falls", "hit_mm": 16.0, "pointing": pointing, "shares": SHARES,
        "curves": curves(),
    }  # fmt: skip
    return Explained(**said | changes)


@pytest.fixture
def given(tmp_path: Path) -> ReportInput:
    """The default study, with reports in a folder of their own."""
    params = Params.model_validate(yaml.safe_load((PROJECT / "params.yaml").read_text()))
    nothing: Any = None  # the section looks at no comparison
    return ReportInput(comparison=nothing, params=params, reports=tmp_path)


def write(given: ReportInput, *records: Explained | None, folder: str = "") -> None:
    for one in records:
        own = given.reports / "explain" / "chest" / (one.detector if one else folder) / "seed-1"
        write_record(own, one)
        for picture in one.pictures if one else ():
            (own / picture.file).write_bytes(PNG)


def written(given: ReportInput) -> Section:
    section = explanations(given)
    assert section is not None
    return section


def of_kind(section: Section, kind: type) -> list[Any]:
    return [part for part in section.parts if isinstance(part, kind)]


def test_it_stands_in_the_report_under_its_name() -> None:
    assert SECTIONS["explanations"].order == 50


def test_where_nothing_was_explained_there_is_no_section(given: ReportInput) -> None:
    assert explanations(given) is None
    write(given, None, folder="RandomForest")
    assert explanations(given) is None


def test_it_begins_with_who_points_at_the_manipulation_and_who_does_not(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9), record("RandomForest", 0.1), record("MobileNetV3Large", 0.0))
    first, evidence, *_ = written(given).parts
    assert first == (
        "ResidualCNN looks where slices were manipulated: the peak of its map lies at the site in 90% of 12 slices, a "
        "random place of the lung in 4%. The maps of RandomForest and MobileNetV3Large point there no more often than "
        "the controls, as far as these slices can tell: what is answered may rest on something else than the "
        "manipulation."
    )
    assert evidence == Evidence.PHANTOM.sentence


@pytest.mark.parametrize(("hits", "points"), [(0.151, True), (0.149, False)])
def test_a_detector_points_there_where_its_interval_is_above_the_better_control(
    given: ReportInput, hits: float, points: bool
) -> None:
    write(given, record("ResidualCNN", hits))  # the interval reaches .05 down, the centre has .1
    section = written(given)
    assert str(section.parts[0]).startswith("ResidualCNN looks where") is points
    (table,) = of_kind(section, Table)
    assert list(table.best) == ([0] if points else [])


def test_the_table_has_figures_with_intervals_best_first(given: ReportInput) -> None:
    write(given, record("RandomForest", 0.1), record("ResidualCNN", 0.9))
    (table,) = of_kind(written(given), Table)
    assert [row[0] for row in table.rows] == ["ResidualCNN", "RandomForest"]
    assert table.rows[0][3:] == [
        Cell("0.900", 0.9, "[0.85, 0.95]"), Cell("0.040", 0.04, "[-0.01, 0.09]"), Cell("0.100", 0.1, "[0.05, 0.15]"),
        Cell("0.100", 0.1, "[0.05, 0.15]"), Cell("-0.200", -0.2, "[-0.25, -0.15]"),
    ]  # fmt: skip
    assert all(len(row) == len(table.head) for row in table.rows)


def test_both_curves_are_drawn_with_their_areas_in_words(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9))
    deletion, insertion = of_kind(written(given), Drawing)
    assert "ResidualCNN 0.300" in deletion.alt
    assert "ResidualCNN 0.700" in insertion.alt
    assert deletion.svg.startswith("<svg")


def test_without_curves_there_are_neither_drawings_nor_columns_of_them(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9, curves=None))
    section = written(given)
    assert of_kind(section, Drawing) == []
    (table,) = of_kind(section, Table)
    assert len(table.head) == len(table.rows[0]) == 6


def shown(count: int) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            file=f"{n}.png", why="worst", manipulation="removed", patient_id="patient-1", p_tampered=0.25, hit=n == 0,
            peak=n < 2,
        )
        for n in range(count)
    )  # fmt: skip


def test_pictures_say_whose_they_are_why_and_where_the_peak_lies(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9, pictures=shown(3)))
    captions = [one.caption for one in of_kind(written(given), Picture)]
    peaks = ("at the site", "elsewhere", "nowhere")
    assert captions == [f"ResidualCNN, worst: removed, P 0.25, peak {peak} (patient-1)" for peak in peaks]


def test_a_gallery_has_an_end(given: ReportInput) -> None:
    many = record("RandomForest", 0.1, pictures=shown(MOST_PICTURES))
    write(given, record("ResidualCNN", 0.9, pictures=shown(1)), many)
    section = written(given)
    assert len(of_kind(section, Picture)) == 1
    assert "Pictures of further detectors lie below reports/explain/chest." in section.parts


def test_it_says_why_there_are_no_pictures_and_how_it_was_measured(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9, no_pictures="slices of own patients are not shown"))
    section = written(given)
    assert "There are no pictures: slices of own patients are not shown." in section.parts
    (details,) = of_kind(section, Details)
    assert details.parts[0] == "occlusion: how far it falls."
    assert any("within 16 mm of the site" in str(part) for part in details.parts)


def test_where_no_site_is_known_that_is_all_it_says(given: ReportInput) -> None:
    write(given, record("ResidualCNN", 0.9, pointing=None, curves=None))
    assert written(given).parts == ["No manipulated test slice has a known site, so that maps cannot be measured."]
