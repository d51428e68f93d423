"""The page of a measurement: what its figures are worth, controls beside them, maps of public sets only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.forensics import Forensics, Measured, Speed, rows_by_kind, within_rows
from medfake.metrics.intervals import Interval
from medfake.metrics.judged_slices import JudgedSet
from medfake.metrics.place_controls import Control, judged_by
from medfake.metrics.whole_scans import ScanFigures, WholeScans
from medfake.metrics.within_slice import Figure, JudgedSlice, PlaceMap
from medfake.reports.forensics_page import headline, write_forensics_page
from medfake.reports.site_pictures import picture
from medfake.vocabulary import Evidence, Manipulation
from tests.fixtures.chests import draw_chest

FEW = Bootstrap(resamples=100)
SIZE = 256
HU = np.clip(draw_chest(np.random.default_rng(0), SIZE), -1024, 3000).astype(np.int16)


class Stored:
    """A labelled slice that is in memory."""

    def read(self) -> Any:
        return HU


def said(patient: str, kind: Manipulation, hit: bool) -> JudgedSlice:
    y, x = np.indices((32, 32)) * 8.0
    counts = HU[::8, ::8] < -400
    site = np.array([[128.0, 72.0]])
    at = site[0] if hit else (128.0, 184.0)
    places = PlaceMap(-np.hypot(y - at[0], x - at[1]), counts)
    return JudgedSlice(patient, f"{patient}-scan", kind, (1.0, 1.0), site, places, places.strongest)


def judged(slices: Sequence[JudgedSlice]) -> JudgedSet:
    controls = {
        control: tuple(judged_by(control, HU, one, np.random.default_rng(1)) for one in slices) for control in Control
    }
    return JudgedSet(tuple(Stored() for _ in slices), tuple(slices), 2.0, 1, controls)  # type: ignore[arg-type]


def measured(*, whole: bool = True, paired: int = 3, **changes: Any) -> Measured:
    slices = [said(f"patient-{n}", kind, n % 2 == 0) for n, kind in
              enumerate([Manipulation.REMOVED] * 4 + [Manipulation.INJECTED] * 2)]  # fmt: skip
    of = judged(slices)
    figure = Figure(0.75, Interval(0.5, 1.0))
    scans = [ScanFigures(by, name, *[figure] * 5, 4, 3, 2) for by, name in
             (("all", "all"), ("manipulation", "removed"), ("generator", "<odd> maker"))]  # fmt: skip
    facts: dict[str, Any] = {
        "name": "genuine",
        "detector": "ResidualStatistics",
        "graphs": {"detector.onnx": "a" * 64},
        "learnt_from": "bank",
        "learnt_evidence": Evidence.CLINICAL,
        "evidence": Evidence.CLINICAL,
        "maps": True,
        "scans": 6,
        "untouched": 3 if whole else 0,
        "patients": 6,
        "problems": 2,
        "unread": 1,
        "within": within_rows(of, FEW),
        "perturbed": tuple(rows_by_kind("noise", "10 HU", slices, FEW)),
        "whole": WholeScans(tuple(scans), 0.61, paired, 1, 700, 70.0) if whole else None,
        "speed": Speed(4.2, 6, 2),
        "bootstrap": FEW,
    }
    return Measured(Forensics(**facts | changes), of)


def page(folder: Path, of: Measured, *, pictured: bool = True) -> str:
    write_forensics_page(folder / "page.html", of, pictured=pictured)
    return (folder / "page.html").read_text()


def test_it_says_what_the_figures_are_worth_and_asks_nothing_of_the_outside(tmp_path: Path) -> None:
    text = page(tmp_path, measured())
    assert "Figures on a public or local set of real scans" in text
    assert "Sites are compared with lung of the same slice." in text
    assert "Research use only" in text
    assert "brightness alone finds most of them" in text
    for outside in ("http://", "https://", "<script"):
        assert outside not in text


def test_the_headline_is_about_removals_and_names_chance() -> None:
    text = headline(measured().forensics)
    assert text.startswith("The strongest place is right in 50 % of 4 removed (FB) slices; a random place of lung is")
    assert text.endswith("Whole scans: AUC 0.750 [0.500, 1.000].")


def test_controls_and_perturbations_stand_beside_the_detector(tmp_path: Path) -> None:
    text = page(tmp_path, measured())
    for name in ("random lung place", "lung centre", "mean HU of the place", "|HU - ring|", "10 HU"):
        assert name in text
    assert text.index("removed (FB)") < text.index("injected (FM)")


def test_whole_scans_are_listed_by_group_and_names_are_escaped(tmp_path: Path) -> None:
    text = page(tmp_path, measured())
    assert "By generator" in text
    assert "&lt;odd&gt; maker" in text
    assert "stored in the package" in text
    assert "Whole scans" not in page(tmp_path, measured(whole=False))


def test_untouched_scans_of_other_patients_are_called_another_source(tmp_path: Path) -> None:
    note = "also measure what else tells the two sources apart"
    assert note in page(tmp_path, measured(paired=0))
    text = page(tmp_path, measured(paired=1))
    assert note not in text
    assert "1 patient has both" in text


def test_slices_are_shown_only_where_they_may_be(tmp_path: Path) -> None:
    assert page(tmp_path, measured()).count("<img ") == 12  # six slices, each with its map
    assert "<img " not in page(tmp_path, measured(), pictured=False)


def test_a_detector_from_the_phantom_is_called_that(tmp_path: Path) -> None:
    note = "This detector learnt from the built-in phantom."
    assert note in page(tmp_path, measured(learnt_evidence=Evidence.PHANTOM))
    assert note not in page(tmp_path, measured())


def test_a_detector_without_a_map_says_so_and_shows_no_controls(tmp_path: Path) -> None:
    text = page(tmp_path, measured(maps=False))
    assert "gives no map of places" in text
    assert "lung centre" not in text


@pytest.mark.parametrize("hit", [True, False])
def test_a_picture_marks_site_and_strongest_place_in_percent(hit: bool) -> None:
    shown = picture(HU, said("patient-0", Manipulation.REMOVED, hit))
    assert shown.sites == ((round(100 * 72.5 / 256, 2), round(100 * 128.5 / 256, 2)),)
    assert shown.hit is hit
    assert (shown.strongest == shown.sites[0]) is hit
    assert shown.mapped
    assert shown.mapped != shown.plain


def test_a_slice_without_lung_has_no_map_to_show() -> None:
    one = said("patient-0", Manipulation.REMOVED, True)
    empty = PlaceMap(np.zeros((32, 32)), np.zeros((32, 32), bool))
    shown = picture(
        HU, JudgedSlice(*(one.patient_id, one.scan_id, one.manipulation), (1.0, 1.0), one.sites, empty, None)
    )
    assert shown.mapped == ""
    assert shown.strongest is None
