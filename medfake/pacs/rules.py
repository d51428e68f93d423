"""Which series are judged, and how: the first route that fits."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from medfake.dicom.parse import read_header_elements
from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.series import Series
from medfake.pacs.settings import Route
from medfake.serving.suited import names_same_part

DEFAULT: Final = Route(name="default")
"""Where no route fits: judged with the detector's own thresholds."""


def route_of(routes: Sequence[Route], caller: str, series: Series, today: date) -> Route:
    """The first route that fits a series.

    Args:
        routes: In the order of the settings.
        caller: AE title that sent it; "" where it was fetched, which fits only routes that name no caller.
        series: As it was read.
        today: By this machine's clock. A series of a later day, as of a scanner whose clock is ahead, has no age.
    """
    parts = {header.body_part for header in series.headers}
    day: date | None = None
    for route in routes:
        if route.callers and caller not in route.callers:
            continue
        if route.modalities and series.modality not in route.modalities:
            continue
        if route.body_parts and not any(names_same_part(one, other) for one in parts for other in route.body_parts):
            continue
        if route.newer_than_days is not None:
            day = day or _day_of(series)
            if day is not None and (today - day).days > route.newer_than_days:
                continue
        return route
    return DEFAULT


def _day_of(series: Series) -> date | None:
    """Series Date (0008,0021), or else Study Date (0008,0020); None where neither is a date."""
    dataset, _ = read_header_elements(series.headers[0].path)
    for keyword in ("SeriesDate", "StudyDate"):
        with quiet_pydicom():  # it prints dates that are none
            text = str(dataset.get(keyword, "") or "").replace(".", "")[:8]
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        except ValueError:
            continue
    return None
