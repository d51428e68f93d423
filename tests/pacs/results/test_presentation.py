from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.pacs.results.build import Judgement, ResultKind
from tests.fixtures.modalities import change_files, write_mr, write_radiographs
from tests.pacs.results.conftest import JudgeFolder, WriteCt, by_kind, change, errors_of_dciodvfy


def states_of(judgement: Judgement) -> list[Dataset]:
    return by_kind(judgement, (ResultKind.GSPS,))[ResultKind.GSPS]


def test_a_circle_lies_around_the_site_on_every_slice_that_it_reaches(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    [made] = states_of(judgement)
    circles = {
        item.ReferencedImageSequence[0].ReferencedSOPInstanceUID: item.GraphicObjectSequence[0]
        for item in made.GraphicAnnotationSequence
    }
    headers = judgement.scored.headers
    assert list(circles) == [headers[index].sop_uid for index in range(1, 8)]
    assert circles[headers[4].sop_uid].GraphicData == [48.5, 40.5, 58.5, 40.5]
    assert circles[headers[4].sop_uid].GraphicType == "CIRCLE"
    assert np.allclose(circles[headers[7].sop_uid].GraphicData[2], 48.5 + np.sqrt(64 - 36) / 0.8)


def test_words_stand_at_the_strongest_slice_alone(write_ct: WriteCt, judged: JudgeFolder) -> None:
    [made] = states_of(judged(write_ct()))
    words = [item.TextObjectSequence[0] for item in made.GraphicAnnotationSequence if "TextObjectSequence" in item]
    assert [one.UnformattedTextValue for one in words] == ["medfake site 1, P 0.90, research use only"]


def test_ct_keeps_its_rescaling_and_gets_a_lung_window(write_ct: WriteCt, judged: JudgeFolder) -> None:
    [made] = states_of(judged(write_ct()))
    assert (made.RescaleSlope, made.RescaleIntercept, made.RescaleType) == (1, 0, "HU")
    [window] = made.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (-600, 1500)
    assert [layer.GraphicLayer for layer in made.GraphicLayerSequence] == ["MEDFAKE"]


def test_mr_keeps_its_own_window(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_mr(tmp_path / "mr"), WindowCenter=["300", "40"], WindowWidth=["500", "80"])
    [made] = states_of(judged(folder))
    [window] = made.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (300, 500)


def test_images_of_another_rescaling_have_a_state_of_their_own(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_mr(tmp_path / "mr")
    for path in folder.iterdir():
        slope = "1" if int(path.stem) < 4 else "2"
        change(path, RescaleSlope=slope, RescaleIntercept="0", RescaleType="US")
    states = states_of(judged(folder))
    assert [made.RescaleSlope for made in states] == [1, 2]
    assert [made.InstanceNumber for made in states] == [1, 2]


def test_images_behind_a_table_have_none(judged: JudgeFolder, tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [4096, 0, 16], "US"
    table.add_new("LUTData", "OW", np.arange(4096, dtype="<u2").tobytes())
    folder = change_files(
        write_radiographs(tmp_path / "dx"), RescaleSlope=None, RescaleIntercept=None, RescaleType=None
    )
    change_files(folder, ModalityLUTSequence=DicomSequence([table]))
    assert states_of(judged(folder, ((0, 40.0, 48.0),))) == []


@pytest.mark.parametrize("spacing", [[0.8, 0.8], [0.5, 0.8]])
def test_pixels_that_are_no_squares_get_an_ellipse(
    spacing: list[float], write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    [made] = states_of(judged(write_ct(PixelSpacing=spacing)))
    kinds = {item.GraphicObjectSequence[0].GraphicType for item in made.GraphicAnnotationSequence}
    assert kinds == {"CIRCLE" if spacing[0] == spacing[1] else "ELLIPSE"}
    assert errors_of_dciodvfy(made, tmp_path) == []


def test_low_values_that_are_shown_white_stay_so(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_radiographs(tmp_path / "dx", monochrome1=True)
    [made] = states_of(judged(folder, ((0, 40.0, 48.0),)))
    assert made.PresentationLUTShape == "INVERSE"
    assert isinstance(made, pydicom.Dataset)
