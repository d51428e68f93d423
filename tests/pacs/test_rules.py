"""Which route a series takes."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pydicom
import pytest

from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.series import Series, series_of
from medfake.pacs.rules import DEFAULT, route_of
from medfake.pacs.settings import Route
from medfake.vocabulary import Modality

TODAY = date(2026, 11, 30)


@pytest.fixture
def series(write_scan: Callable[..., Path], tmp_path: Path) -> Callable[..., Series]:
    def write(**values: object) -> Series:
        folder = write_scan(tmp_path / "scan", [-800, -700, -600])
        for file in sorted(folder.rglob("*.dcm")):
            dataset = pydicom.dcmread(file)
            for keyword, value in values.items():
                with quiet_pydicom():
                    setattr(dataset, keyword, value)
            with quiet_pydicom():
                dataset.save_as(file)
        return series_of(sorted(folder.rglob("*.dcm")), 1)[0][0]

    return write


def test_the_first_route_that_fits_is_taken(series: Callable[..., Series]) -> None:
    one, two = Route(name="one", modalities=(Modality.CT,)), Route(name="two")
    assert route_of([one, two], "CT1", series(), TODAY) == one


def test_where_none_fits_a_series_is_judged_with_the_detectors_own_thresholds(series: Callable[..., Series]) -> None:
    assert route_of([Route(name="mr", modalities=(Modality.MR,))], "CT1", series(), TODAY) == DEFAULT
    assert (DEFAULT.scan, DEFAULT.calibration) == (True, None)


@pytest.mark.parametrize(("caller", "fits"), [("CT1", True), ("CT2", False), ("", False)])
def test_a_route_of_callers_takes_what_they_sent(series: Callable[..., Series], caller: str, fits: bool) -> None:
    route = Route(name="one", callers=("CT1",))
    assert (route_of([route], caller, series(), TODAY) == route) is fits


@pytest.mark.parametrize(
    ("said", "fits"), [("CHEST", True), ("THORAX", True), ("CHESTABDOMEN", True), ("HEAD", False), ("", False)]
)
def test_a_route_of_body_parts_knows_their_other_names(series: Callable[..., Series], said: str, fits: bool) -> None:
    route = Route(name="chests", body_parts=("chest",))
    assert (route_of([route], "", series(BodyPartExamined=said), TODAY) == route) is fits


@pytest.mark.parametrize(
    ("dates", "fits"),
    [
        ({"SeriesDate": "20261101", "StudyDate": "20200101"}, True),
        ({"SeriesDate": "20261030"}, False),
        ({"SeriesDate": "", "StudyDate": "20261129"}, True),
        ({"SeriesDate": "20270101"}, True),  # a scanner whose clock is ahead
        ({"SeriesDate": "", "StudyDate": ""}, True),  # nobody knows
        ({"SeriesDate": "2026-11", "StudyDate": "2020.01.01"}, False),  # as before DICOM 3
    ],
)
def test_the_age_of_a_series_is_counted_in_days_of_its_own_date(
    series: Callable[..., Series], dates: dict[str, str], fits: bool
) -> None:
    route = Route(name="new", newer_than_days=30)
    assert (route_of([route], "", series(**dates), TODAY) == route) is fits
