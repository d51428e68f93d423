"""Where people look: the results of a tampered scan in Orthanc's explorer and in the OHIF viewer."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from medfake.dicom.series import series_of
from medfake.pacs.results.build import Judgement, ResultKind, build_results, file_bytes
from medfake.phantom import write_patient
from medfake.serving.model import open_builtin
from medfake.serving.score import score_series
from medfake.serving.verdict import judge
from tests.fixtures.browser import Browser, require_chromium
from tests.fixtures.ohif import CONFIG, Viewer, ohif_before
from tests.fixtures.orthanc import Orthanc

pytestmark = pytest.mark.slow(minutes=0.5)
SLICES = 40
COLOURED = 40  # levels between the channels of a pixel that is no grey one
NEAR_MM = 10.0
SEGMENTATION, CAPTURE = "SegmentationStorage", "SecondaryCaptureImageStorage"
PAGE = CONFIG.with_name("see-verdicts-in-a-viewer.md")
DESCRIPTION = "medfake: tampered, P 0."  # and what it is, behind it


@dataclass(frozen=True)
class Reading:
    """A study with its results in Orthanc, and what it is looked at with.

    Attributes:
        slices: Of the scan, from below.
        at_site: The one on which the phantom was tampered with.
        place_mm: Of the tampering, x, y, z of the patient.
        results: By the keyword of their SOP class.
        folder: For screenshots.
    """

    orthanc: Orthanc
    browser: Browser
    ohif: str
    slices: list[pydicom.Dataset]
    at_site: pydicom.Dataset
    place_mm: tuple[float, float, float]
    results: dict[str, list[pydicom.Dataset]]
    folder: Path

    def open_in_ohif(self) -> Viewer:
        viewer = Viewer(self.browser, self.ohif)
        viewer.open_study(self.at_site.StudyInstanceUID)
        return viewer

    @property
    def first_marked(self) -> int:
        """Instance Number of the highest slice of the first segment, with which OHIF begins."""
        frames = self.results[SEGMENTATION][0].PerFrameFunctionalGroupsSequence
        first = [one for one in frames if one.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1]
        highest = max(float(one.PlanePositionSequence[0].ImagePositionPatient[2]) for one in first)
        (found,) = [one for one in self.slices if abs(float(one.ImagePositionPatient[2]) - highest) < 0.01]
        return int(found.InstanceNumber)

    def number(self, sop_class: str) -> int:
        return int(self.results[sop_class][0].SeriesNumber)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A phantom with an injected nodule, judged by the built-in detector, in Orthanc behind OHIF."""
    folder = tmp_path_factory.mktemp("seen")
    scan = folder / "sent" / "scan"
    site = write_patient(scan, 1, SLICES, "injection")
    assert site is not None
    files = sorted(scan.iterdir())
    (series,), _ = series_of(files)
    model = open_builtin("")
    scored, _ = score_series(series, model)
    assert scored is not None
    verdict = judge(scored, model.card, b"key")
    made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    results: dict[str, list[pydicom.Dataset]] = {}
    for one in build_results(Judgement(scored, verdict, model, "a" * 64, "b" * 64, made), tuple(ResultKind)):
        results.setdefault(one.SOPClassUID.keyword, []).append(one)
        (folder / "sent" / one.SOPInstanceUID).write_bytes(file_bytes(one))
    slices = sorted(map(pydicom.dcmread, files), key=lambda one: one.ImagePositionPatient[2])
    at_site = slices[site.z]
    x_mm, y_mm, z_mm = map(float, at_site.ImagePositionPatient)
    rows_mm, cols_mm = map(float, at_site.PixelSpacing)
    place_mm = (x_mm + site.x * cols_mm, y_mm + site.y * rows_mm, z_mm)
    with Orthanc(folder / "orthanc") as orthanc, ohif_before(orthanc) as ohif:
        orthanc.upload(folder / "sent")
        yield {
            "orthanc": orthanc, "ohif": ohif, "slices": slices, "at_site": at_site, "place_mm": place_mm,
            "results": results,
        }  # fmt: skip


@pytest.fixture
def reading(study: dict[str, Any], tmp_path: Path) -> Iterator[Reading]:
    require_chromium()
    with closing(Browser(tmp_path / "chromium", 1400, 900, webgl=True)) as browser:
        yield Reading(browser=browser, folder=tmp_path, **study)


def test_in_ohif_the_segmentation_lies_where_the_scan_was_tampered_with(reading: Reading) -> None:
    viewer = reading.open_in_ohif()
    viewer.show_series(reading.number(SEGMENTATION))
    viewer.wait_for_image(reading.first_marked)
    viewer.list_segments()
    viewer.turn_to(reading.at_site.InstanceNumber)
    screen = viewer.screen(reading.folder / "segmentation.png")
    x_mm, y_mm, z_mm = reading.place_mm
    left, top = viewer.place_of(x_mm - NEAR_MM, y_mm - NEAR_MM, z_mm)
    right, bottom = viewer.place_of(x_mm + NEAR_MM, y_mm + NEAR_MM, z_mm)
    near = _coloured(screen[round(top) : round(bottom), round(left) : round(right)])
    assert near.mean() > 0.2
    assert near[near.shape[0] // 2, near.shape[1] // 2]


def test_in_ohif_every_site_is_listed_with_its_probability(reading: Reading) -> None:
    viewer = reading.open_in_ohif()
    viewer.show_series(reading.number(SEGMENTATION))
    viewer.wait_for_image(reading.first_marked)
    viewer.list_segments()
    segments = reading.results[SEGMENTATION][0].SegmentSequence
    reading.browser.wait_for(f"document.body.innerText.includes({segments[0].SegmentLabel!r})")
    words = reading.browser.text
    assert "P 0." in segments[0].SegmentLabel
    assert [one.SegmentLabel for one in segments if one.SegmentLabel not in words] == []


def test_in_ohif_the_secondary_capture_is_a_picture_in_colour(reading: Reading) -> None:
    viewer = reading.open_in_ohif()
    viewer.show_series(reading.number(CAPTURE))
    reading.browser.wait_for(f"document.body.innerText.includes('I:1 (1/{len(reading.results[CAPTURE])})')")
    screen = viewer.screen(reading.folder / "capture.png")
    assert _coloured(screen[150:600, 560:1080]).mean() > 0.005


def test_orthancs_explorer_lists_the_results_as_series_of_the_study(reading: Reading) -> None:
    (study,) = reading.orthanc.find("Study")
    reading.browser.open(f"{reading.orthanc.address}/app/explorer.html#study?uuid={study}")
    reading.browser.wait_for(f"document.body.innerText.includes({DESCRIPTION!r})")
    reading.browser.screenshot(reading.folder / "explorer.png")
    words = reading.browser.text
    assert words.count(DESCRIPTION) == 4
    modalities = {one.Modality for result in reading.results.values() for one in result}
    assert len(modalities) == 4
    assert [one for one in modalities if f"Modality: {one}" not in words] == []


def test_orthanc_shows_the_secondary_capture_as_it_was_made(study: dict[str, Any]) -> None:
    made = study["results"][CAPTURE][0]
    (one,) = study["orthanc"].find("Instance", SOPInstanceUID=made.SOPInstanceUID)
    png = study["orthanc"].ask("GET", f"/instances/{one}/preview", headers={"Accept": "image/png"}).content
    with Image.open(io.BytesIO(png)) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), made.pixel_array)


def test_the_page_about_viewers_names_every_series(study: dict[str, Any]) -> None:
    results = [one for made in study["results"].values() for one in made]
    assert [one.Modality for one in results if f"| {one.SeriesNumber} | {one.Modality} |" not in PAGE.read_text()] == []
    (told,) = {one.SeriesDescription for one in results}
    assert re.sub(r"0\.\d+", "0.985", told) in PAGE.read_text()


def _coloured(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ptp(picture, axis=-1) > COLOURED
