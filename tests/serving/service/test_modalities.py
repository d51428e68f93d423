"""A service whose detector learnt from MR: what it scores, what it shows, and what it calls itself."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.dicom.window import to_grey
from medfake.package.card import read_card, words_of, write_card
from medfake.vocabulary import Modality
from tests.fixtures.modalities import write_mr
from tests.fixtures.services import RunningService, StartService, write_served_package


@pytest.fixture
def mr_service(start_service: StartService, tmp_path: Path) -> RunningService:
    package = write_served_package(tmp_path / "of-mr")
    facts = {"modality": Modality.MR, "body_parts": ("BRAIN",), **words_of(Modality.MR)}
    write_card(read_card(package).model_copy(update=facts), package)
    return start_service(model=str(package))


def test_mr_is_scored_and_shown_by_its_range_and_ct_is_skipped(
    mr_service: RunningService, write_scan: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    write_mr(folder / "mr")
    write_scan(folder / "ct", [0] * 3)
    job = mr_service.job_of(mr_service.post_folder("/v1/jobs", folder))
    mr_service.wait_for(job)
    report = mr_service.get(f"/v1/jobs/{job}/report").json()
    (scan,) = report["scans"]
    assert (scan["n_slices"], report["model"]["modality"]) == (9, "MR")
    assert {one["path"].split("/")[-2] for one in report["skipped"]} == {"ct"}
    assert all("a CT series; the detector Brightness learnt from MR" in one["reason"] for one in report["skipped"])

    ((series,), _) = find_series(folder / "mr", modality=Modality.MR)
    units = read_volume(series.headers)[2]
    address = f"/v1/jobs/{job}/scans/{scan['scan_id']}/slices/2.png"
    for query, ends in (("", (-1000, 1000)), ("?window=dark", (-1000, 0)), ("?window=bright", (0, 1250))):
        png = mr_service.get(address + query).content
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), to_grey(units, *ends))

    page = mr_service.get(f"/jobs/{job}/scans/{scan['scan_id']}").text
    assert "Whole range" in page
    assert "Soft tissue" not in page
    assert "Was this MR scan tampered with?" in mr_service.get("/").text
    assert (
        mr_service.get("/v1/model").json()["intended_use"].startswith("Research on the detection of tampered MR scans.")
    )
    card = mr_service.get("/detector").text
    assert "normalised" in card
    assert "BRAIN" in card
