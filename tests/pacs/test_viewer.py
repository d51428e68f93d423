"""What a reading room sees of a verdict in the OHIF viewer, looked at with a real browser."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from medfake.phantom import write_patient
from medfake.tamper.site import Site
from tests.fixtures.browser import Browser, require_chromium
from tests.fixtures.ohif import Viewer, ohif_before
from tests.fixtures.orthanc import Orthanc

pytestmark = pytest.mark.slow(minutes=0.5)
SIZE, SLICES = 256, 24
HALF, DEEP = 12, 2  # px and slices around the site that are marked
DESCRIPTION = "medfake sites"
SEGMENTATION = 900  # Series Number
COLOURED = 40  # levels between the channels of a pixel that is no grey one
EDGE = 30  # px of the picture in which the viewer draws its frame and letters
OFF = 2  # px of the screen by which an outline may be off; a px of the slice is 2.7
Screen = NDArray[np.int16]


@dataclass(frozen=True)
class Seen:
    """A study as it was shown.

    Attributes:
        before: The picture in the viewer before the segmentation is opened, each (rows, columns, 3) of the screen.
        at_site: At the site's slice, with the segmentation.
        beyond: At a slice that has nothing of it.
        marked: Left, top, right, bottom in px of the picture where the marked square should be.
        elsewhere: Addresses that the browser fetched from other origins.
        complaints: Of its console.
        words: On the screen at the site.
    """

    before: Screen
    at_site: Screen
    beyond: Screen
    marked: NDArray[np.float64]
    elsewhere: list[str]
    complaints: list[str]
    words: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A phantom with an injected nodule whose place is a segment, in Orthanc, in OHIF, in Chromium."""
    require_chromium()
    folder = tmp_path_factory.mktemp("viewer")
    site = write_patient(folder / "scan", 1, SLICES, "injection", size=SIZE)
    assert site is not None
    sources = sorted(map(pydicom.dcmread, (folder / "scan").iterdir()), key=lambda one: one.ImagePositionPatient[2])
    mask = np.zeros((SLICES, SIZE, SIZE), np.uint8)
    square = (slice(site.y - HALF, site.y + HALF + 1), slice(site.x - HALF, site.x + HALF + 1))
    mask[site.z - DEEP : site.z + DEEP + 1, *square] = 1
    _segmentation(sources, mask).save_as(folder / "scan" / "segmentation.dcm")
    with Orthanc(folder / "orthanc") as orthanc, ohif_before(orthanc) as address:
        orthanc.upload(folder / "scan")
        with closing(Browser(folder / "chromium", 1400, 900, webgl=True)) as browser:
            return _look(Viewer(browser, address), sources, site, folder)


def _look(viewer: Viewer, sources: Sequence[pydicom.Dataset], site: Site, folder: Path) -> Seen:
    at_site, browser = sources[site.z], viewer.browser
    viewer.open_study(at_site.StudyInstanceUID)
    whole = _on_screen(viewer, at_site, (-0.5, -0.5), (SIZE - 0.5, SIZE - 0.5))
    left, top, right, bottom = np.add(np.rint(whole), (EDGE, EDGE, -EDGE, -EDGE)).astype(int)
    shown = np.s_[top:bottom, left:right]
    before = viewer.screen(folder / "before.png")[shown]
    viewer.show_series(SEGMENTATION)
    viewer.wait_for_image(sources[site.z + DEEP].InstanceNumber)  # the first of the segment: OHIF begins at the head
    viewer.turn_to(at_site.InstanceNumber)
    with_site, words = viewer.screen(folder / "site.png")[shown], browser.text
    ends = ((site.x - HALF - 0.5, site.y - HALF - 0.5), (site.x + HALF + 0.5, site.y + HALF + 0.5))
    marked = np.subtract(_on_screen(viewer, at_site, *ends), (left, top) * 2)
    viewer.turn_to(sources[site.z - DEEP - 1].InstanceNumber)
    beyond = viewer.screen(folder / "beyond.png")[shown]
    elsewhere = [one for one in browser.requested if not one.startswith((viewer.address, "data:", "blob:"))]
    return Seen(before, with_site, beyond, marked, elsewhere, browser.complaints, words)


def test_the_overlay_lies_on_the_site_and_nowhere_else(seen: Seen) -> None:
    rows, cols = np.nonzero(_coloured(seen.at_site))
    found = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(found, seen.marked, atol=OFF)
    left, top, right, bottom = found
    assert _coloured(seen.at_site)[top:bottom, left:right].mean() > 0.98


def test_the_tissue_shows_through_the_overlay(seen: Seen) -> None:
    left, top, right, bottom = (round(one) for one in seen.marked)
    assert np.ptp(seen.at_site[top + OFF : bottom - OFF, left + OFF : right - OFF, 1]) > COLOURED


def test_slices_beyond_the_site_and_the_study_before_it_is_opened_have_no_colour(seen: Seen) -> None:
    assert np.ptp(seen.before) > COLOURED
    assert not _coloured(seen.before).any()
    assert np.ptp(seen.beyond) > COLOURED
    assert not _coloured(seen.beyond).any()


def test_the_list_of_studies_says_what_the_series_is(seen: Seen) -> None:
    assert DESCRIPTION in seen.words


def test_the_viewer_works_offline_and_complains_of_nothing(seen: Seen) -> None:
    assert seen.elsewhere == []
    assert seen.complaints == []


def _coloured(picture: Screen) -> NDArray[np.bool_]:
    return np.ptp(picture, axis=-1) > COLOURED


def _on_screen(
    viewer: Viewer, source: pydicom.Dataset, first: tuple[float, float], last: tuple[float, float]
) -> tuple[float, ...]:
    """Left, top, right, bottom in px of the screen of two places x, y in px of an axial slice."""
    x_mm, y_mm, z_mm = map(float, source.ImagePositionPatient)
    rows_mm, cols_mm = map(float, source.PixelSpacing)
    (left, top), (right, bottom) = (
        viewer.place_of(x_mm + x * cols_mm, y_mm + y * rows_mm, z_mm) for x, y in (first, last)
    )
    return left, top, right, bottom


def _segmentation(sources: Sequence[pydicom.Dataset], mask: NDArray[np.uint8]) -> hd.seg.Segmentation:
    what = codes.SCT.MorphologicallyAbnormalStructure
    by = hd.AlgorithmIdentificationSequence("medfake", codes.DCM.ArtificialIntelligence, "0.1")
    red = hd.color.CIELabColor.from_rgb(255, 60, 60)
    segment = hd.seg.SegmentDescription(
        1, "site", what, what, algorithm_type="AUTOMATIC", algorithm_identification=by, display_color=red
    )
    return hd.seg.Segmentation(
        sources, mask, "BINARY", [segment], hd.UID(), SEGMENTATION, hd.UID(), 1, "medfake", "medfake", "0.1", "1",
        series_description=DESCRIPTION,
    )  # fmt: skip
