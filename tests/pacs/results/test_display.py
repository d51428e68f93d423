"""What an image says of how it is shown stands once more in the presentation state that replaces it (PS3.4 N.2)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.reader import read_stored
from medfake.pacs.results.build import ResultKind
from tests.fixtures.modalities import change_files, write_mr, write_radiographs
from tests.pacs.results.conftest import JudgeFolder, WriteCt, by_kind, change, errors_of_dciodvfy

STEPS = np.arange(0, 4096, 16, dtype="<u2").tobytes()
SITE = ((0, 40.0, 48.0),)


def state_of(folder: Path, judged: JudgeFolder, sites: Any = SITE) -> Dataset:
    [made] = by_kind(judged(folder, sites), (ResultKind.GSPS,))[ResultKind.GSPS]
    return made


def table(entries: int = 256, bits: int = 12, data: bytes | None = None) -> DicomSequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [entries, 100, bits])
    item.add_new("LUTData", "OW", STEPS if data is None else data)
    return DicomSequence([item])


def test_a_table_is_kept(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_radiographs(tmp_path / "dx"), VOILUTSequence=table())
    made = state_of(folder, judged)
    [kept] = made.SoftcopyVOILUTSequence[0].VOILUTSequence
    assert list(kept.LUTDescriptor) == [256, 100, 16]
    words = np.frombuffer(kept.LUTData, "<u2")
    assert np.abs(words / 65_535 - np.frombuffer(STEPS, "<u2") / 4095).max() < 1e-5
    assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("data", [bytes(range(256)), np.arange(256, dtype="<u2").tobytes()])
def test_entries_of_a_byte_are_kept_two_in_a_word(data: bytes, judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_radiographs(tmp_path / "dx"), VOILUTSequence=table(bits=8, data=data))
    made = state_of(folder, judged)
    assert made.SoftcopyVOILUTSequence[0].VOILUTSequence[0].LUTData == bytes(range(256))
    assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("wrong", [table(data=b"1234"), table(bits=40), DicomSequence([Dataset()]), DicomSequence()])
def test_a_table_that_is_none_leaves_the_window(wrong: DicomSequence, judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_radiographs(tmp_path / "dx"), VOILUTSequence=wrong)
    [voi] = state_of(folder, judged).SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (2048, 4096)


@pytest.mark.parametrize(("function", "width", "kept"), [
    ("SIGMOID", "1000", True), ("LINEAR_EXACT", "0.5", True), ("LINEAR", "0.5", False), ("LINEAR_EXACT", "0", False),
    (None, "1", True),
])  # fmt: skip
def test_a_window_is_kept_with_its_function(
    function: str | None, width: str, kept: bool, judged: JudgeFolder, tmp_path: Path
) -> None:
    said = {"VOILUTFunction": function} if function else {}
    folder = change_files(write_radiographs(tmp_path / "dx"), WindowCenter="2000", WindowWidth=width, **said)
    made = state_of(folder, judged)
    [voi] = made.SoftcopyVOILUTSequence
    assert ((voi.WindowCenter, voi.WindowWidth) == (2000, float(width))) == kept
    if kept:
        assert voi.get("VOILUTFunction") == function
    assert errors_of_dciodvfy(made, tmp_path) == []


def test_an_image_without_a_window_is_shown_by_its_values(judged: JudgeFolder, tmp_path: Path) -> None:
    """Viewers would take all that 16 bits can hold, and show it black."""
    folder = write_mr(tmp_path / "mr")
    judgement = judged(folder)
    [voi] = by_kind(judgement)[ResultKind.GSPS][0].SoftcopyVOILUTSequence
    values = read_stored([judgement.scored.headers[4]])
    low, high = voi.WindowCenter - voi.WindowWidth / 2, voi.WindowCenter + voi.WindowWidth / 2
    assert (low, high) == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))), abs=0.01)


def test_a_window_of_values_is_one_of_rescaled_values(judged: JudgeFolder, tmp_path: Path) -> None:
    plain = state_of(write_mr(tmp_path / "mr"), judged, ((4, 40.0, 48.0),)).SoftcopyVOILUTSequence[0]
    folder = change_files(tmp_path / "mr", RescaleSlope="2", RescaleIntercept="-10", RescaleType="US")
    rescaled = state_of(folder, judged, ((4, 40.0, 48.0),)).SoftcopyVOILUTSequence[0]
    assert rescaled.WindowCenter == pytest.approx(2 * plain.WindowCenter - 10, abs=0.01)
    assert rescaled.WindowWidth == pytest.approx(2 * plain.WindowWidth, abs=0.01)


def test_a_window_of_small_values_is_as_narrow_as_they_are(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_mr(tmp_path / "mr"), RescaleSlope="0.001", RescaleIntercept="0", RescaleType="US")
    made = state_of(folder, judged, ((4, 40.0, 48.0),))
    [voi] = made.SoftcopyVOILUTSequence
    assert voi.VOILUTFunction == "LINEAR_EXACT"
    assert 0.5 < voi.WindowWidth < 1
    assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("shutter", [
    {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [48, 50], "RadiusOfCircularShutter": 40},
    {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 3, "ShutterRightVerticalEdge": 90,
     "ShutterUpperHorizontalEdge": 4, "ShutterLowerHorizontalEdge": 80},
    {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1, 90, 90, 45]},
])  # fmt: skip
def test_a_shutter_is_kept(shutter: dict[str, Any], judged: JudgeFolder, tmp_path: Path) -> None:
    made = state_of(change_files(write_radiographs(tmp_path / "dx"), **shutter), judged)
    assert {keyword: made[keyword].value for keyword in shutter} == shutter
    assert made.ShutterPresentationValue == 0
    assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("shutter", [
    {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [48, 50]},
    {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1]},
    {"ShutterShape": "STAR"},
])  # fmt: skip
def test_half_a_shutter_is_none(shutter: dict[str, Any], judged: JudgeFolder, tmp_path: Path) -> None:
    made = state_of(change_files(write_radiographs(tmp_path / "dx"), **shutter), judged)
    assert "ShutterShape" not in made


def test_slices_of_several_spacings_have_areas_of_their_own(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    for path in folder.iterdir():
        spacing = f"{0.8 * (1 + int(path.stem) * 9e-4):.6f}"
        change(path, PixelSpacing=[spacing, spacing])
    made = state_of(folder, judged, ((4, 40.0, 48.0),))
    found = {
        image.ReferencedSOPInstanceUID: area.PresentationPixelSpacing[0]
        for area in made.DisplayedAreaSelectionSequence for image in area.ReferencedImageSequence
    }  # fmt: skip
    headers = judged(folder).scored.headers
    assert found == {header.sop_uid: pytest.approx(header.spacing_mm[0]) for header in headers[1:8]}
