"""What the page shows of tissue that stands twice, and of a detector without a map."""

from pathlib import Path

import numpy as np
import pytest

from medfake.dicom.writer import SeriesTemplate, write_series
from tests.fixtures.browser import Browser
from tests.fixtures.chests import draw_chest
from tests.fixtures.services import StartService, write_served_package
from tests.serving.page.conftest import upload_to

pytestmark = pytest.mark.slow


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Four slices; a piece of the second stands in the fourth once more."""
    rng = np.random.default_rng(5)
    volume = np.stack([draw_chest(rng, 384) for _ in range(4)])
    volume[3, 180:212, 255:287] = volume[1, 160:192, 105:137]
    template = SeriesTemplate(
        patient_id="DOE^JANE", manufacturer="T", model="T", kernel="K", thickness_mm=2.5, spacing_mm=(0.7, 0.7)
    )
    positions = np.array([[0.0, 0.0, 2.5 * index] for index in range(4)])
    hu = np.clip(np.rint(volume), -1024, 3071).astype(np.int16)
    write_series(tmp_path / "chest", hu, positions, template, uid_seed="copies", synthetic=None)
    return tmp_path / "chest"


def test_both_places_are_listed_and_marked(browser: Browser, start_service: StartService, copied: Path) -> None:
    made = upload_to(start_service(), copied)
    assert made.scan["copies"]
    browser.open(made.scan_address)
    browser.wait_for("document.querySelector('.pane.here').dataset.shown")
    listed = browser.evaluate(
        "[...document.querySelectorAll('.places .copies a')].map((one) => [one.dataset.tag, Number(one.dataset.slice)])"
    )
    assert [tag for tag, _ in listed[:2]] == ["A1", "A2"]
    assert sorted(index for _, index in listed[:2]) == [1, 3]
    assert f"{made.scan['copies'][0]['pairs']} spots of noise agree between A1 and A2" in browser.text
    browser.click(".places .copies a")
    browser.wait_for("document.querySelector('.pane.here .marks .copy:not(.faint) rect') !== null")
    browser.open(f"{made.address}/report.html")
    assert "Lung tissue stands twice" in browser.text


def test_a_detector_without_a_map_has_no_heat_and_says_why(
    browser: Browser, start_service: StartService, copied: Path, tmp_path: Path
) -> None:
    made = upload_to(start_service(model=str(write_served_package(tmp_path / "mapless"))), copied)
    browser.open(made.scan_address)
    browser.click("#heat")
    browser.wait_for("document.getElementById('heat').disabled")
    assert "the detector of this scan gives no map of places" in browser.text
