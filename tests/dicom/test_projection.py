"""What headers of radiographs say of their values and lengths."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from medfake.dicom.header import read_headers
from medfake.dicom.series import find_series
from medfake.errors import HeaderError
from medfake.vocabulary import Modality, QualityFlag
from tests.dicom.conftest import changes

Edited = Callable[..., Path]


@pytest.fixture
def xray(edited: Edited) -> Edited:
    return lambda **values: edited(changes(**values), modality=Modality.XRAY)


def test_a_radiograph_needs_no_position_and_says_the_rest(xray: Edited) -> None:
    (header,) = read_headers(xray(EstimatedRadiographicMagnificationFactor="1.1"))
    assert (header.position_mm, header.thickness_mm, header.spacing_mm) == ((0, 0, 0), None, (0.7, 0.8))
    said = header.projection
    assert (said.intent, said.relationship, said.sign, said.view) == ("FOR PRESENTATION", "LOG", -1, "PA")
    assert said.magnification == 1.1


def test_lengths_are_those_on_the_detector_before_any_calibrated_ones(xray: Edited) -> None:
    (header,) = read_headers(xray(PixelSpacing=["0.5", "0.5"]))
    assert header.spacing_mm == (0.7, 0.8)
    (header,) = read_headers(xray(PixelSpacing=["0.5", "0.4"], ImagerPixelSpacing=None))
    assert header.spacing_mm == (0.5, 0.4)


@pytest.mark.parametrize("sign", [0, 2, -3])
def test_a_sign_that_is_none_is_refused(xray: Edited, sign: int) -> None:
    with pytest.raises(HeaderError, match="expected 1 or -1") as caught:
        read_headers(xray(PixelIntensityRelationshipSign=sign))
    assert caught.value.received == str(sign)


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME2", "INVERSE"), ("MONOCHROME1", "IDENTITY")])
def test_black_and_white_that_contradict_themselves_are_refused(xray: Edited, photometric: str, shape: str) -> None:
    with pytest.raises(HeaderError, match="contradicts Photometric Interpretation") as caught:
        read_headers(xray(PhotometricInterpretation=photometric, PresentationLUTShape=shape))
    assert (caught.value.element, caught.value.received) == ("(2050,0020) Presentation LUT Shape", shape)


@pytest.mark.parametrize(
    ("values", "dark"),
    [
        ({"PixelIntensityRelationshipSign": 1}, True),
        ({"PixelIntensityRelationshipSign": -1}, False),
        ({"PixelIntensityRelationshipSign": None}, False),
        (
            {
                "PixelIntensityRelationshipSign": None,
                "PhotometricInterpretation": "MONOCHROME1",
                "PresentationLUTShape": "INVERSE",
            },
            True,
        ),
        ({"PixelIntensityRelationshipSign": None, "RescaleSlope": "-1"}, True),
        ({"PixelIntensityRelationshipSign": 1, "RescaleSlope": "-1"}, True),
    ],
)
def test_the_sign_says_whether_dense_is_dark_and_else_the_display(
    xray: Edited, values: dict[str, object], dark: bool
) -> None:
    assert read_headers(xray(**values))[0].dense_is_dark is dark


@pytest.mark.parametrize(("slope", "flags"), [("1", {QualityFlag.POLARITY}), ("-1", set())])
def test_the_display_follows_rescaled_values(xray: Edited, tmp_path: Path, slope: str, flags: set[QualityFlag]) -> None:
    xray(PixelIntensityRelationshipSign=1, RescaleSlope=slope)
    ((series,), _) = find_series(tmp_path / "edited.dcm", modality=None)
    assert set(series.quality_flags) == flags


def test_radiographs_that_share_a_uid_are_scans_of_their_own(xray: Edited) -> None:
    path = xray()
    dataset = dcmread(path)
    dataset.PixelData = np.flip(dataset.pixel_array).tobytes()
    dataset.save_as(path.with_name("another.dcm"))
    series, _ = find_series(path.parent, modality=Modality.XRAY)
    own = [one for one in series if one.headers[0].path.name in (path.name, "another.dcm")]
    assert len({one.identity for one in own}) == 2
    assert [QualityFlag.INSTANCE in one.quality_flags for one in own] == [True, True]


def test_raw_values_and_a_display_against_the_sign_are_flagged(xray: Edited, tmp_path: Path) -> None:
    xray(PresentationIntentType="FOR PROCESSING", PixelIntensityRelationshipSign=1)
    ((series,), _) = find_series(tmp_path / "edited.dcm", modality=None)
    assert set(series.quality_flags) == {QualityFlag.RAW, QualityFlag.POLARITY}
