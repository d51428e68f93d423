"""Radiographs of one chest, stored in every way that a header can tell: what is dense is bright in all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice, read_stored
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import PixelDataError
from medfake.vocabulary import Modality
from tests.dicom.conftest import changes, make_template

TOP = (1 << 12) - 1
DENSITY = np.linspace(0.0, 4.0, 40 * 30).reshape(40, 30)  # of what stands in the beam
BEAM = np.rint(TOP * np.exp(-DENSITY)).astype(np.int64)
LOGARITHM = np.rint(1000 * DENSITY).astype(np.int64)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., np.ndarray]:
    def _read(stored: np.ndarray, edit: Callable[[Dataset], None] = lambda _: None, **values: object) -> np.ndarray:
        template: SeriesTemplate = make_template(modality=Modality.XRAY, signed=False, bits_stored=12)
        write_series(tmp_path, stored[None].astype(np.uint16), np.zeros((1, 3)), template, uid_seed="x", synthetic=None)
        dataset = dcmread(tmp_path / "0.dcm")
        changes(**values)(dataset)
        edit(dataset)
        dataset.save_as(tmp_path / "0.dcm")
        return read_slice(read_headers(tmp_path / "0.dcm")[0]).astype(float)

    return _read


@pytest.mark.parametrize(
    ("stored", "values"),
    [
        (LOGARITHM, {}),
        (TOP - LOGARITHM.clip(0, TOP), {"PixelIntensityRelationshipSign": 1}),
        (
            TOP - LOGARITHM.clip(0, TOP),
            {
                "PixelIntensityRelationshipSign": None,
                "PhotometricInterpretation": "MONOCHROME1",
                "PresentationLUTShape": "INVERSE",
            },
        ),
        (BEAM, {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1}),
        (TOP - BEAM, {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": -1}),
        (
            BEAM,
            {
                "PixelIntensityRelationship": "LIN",
                "PixelIntensityRelationshipSign": None,
                "RescaleSlope": "-1",
                "RescaleIntercept": str(TOP),
            },
        ),
        (TOP - LOGARITHM.clip(0, TOP), {"PixelIntensityRelationshipSign": 1, "RescaleSlope": "-1"}),
        (TOP - LOGARITHM.clip(0, TOP), {"PixelIntensityRelationshipSign": None, "RescaleSlope": "-1"}),
        (LOGARITHM, {"PixelIntensityRelationship": "DISP"}),
        (LOGARITHM, {"PixelIntensityRelationship": None, "PixelIntensityRelationshipSign": None}),
    ],
)
def test_dense_is_bright_however_it_is_stored(
    read: Callable[..., np.ndarray], stored: np.ndarray, values: dict[str, object]
) -> None:
    units = read(stored.clip(0, TOP), **values)
    assert np.corrcoef(units.ravel(), DENSITY.ravel())[0, 1] > 0.999
    assert (units[0, 0], units[-1, -1]) == (units.min(), units.max())


def tabled(dataset: Dataset, falling: bool = False, bits: int = 16) -> None:
    """Put a Modality LUT in the place of slope and intercept."""
    table = Dataset()
    entries = np.arange(TOP + 1, dtype=np.uint16)
    table.LUTDescriptor, table.ModalityLUTType = [TOP + 1, 0, bits], "US"
    table.add_new("LUTData", "OW", (entries[::-1] if falling else entries).tobytes())
    dataset.ModalityLUTSequence = Sequence([table])
    del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType


@pytest.mark.parametrize("bits", [16, 12])  # 12 is how many are in use, as older radiographs have it
@pytest.mark.parametrize("falling", [False, True])
def test_a_table_and_the_sign_of_stored_values_go_together(
    read: Callable[..., np.ndarray], falling: bool, bits: int
) -> None:
    units = read(LOGARITHM.clip(0, TOP), lambda dataset: tabled(dataset, falling, bits))
    assert np.corrcoef(units.ravel(), DENSITY.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_display_follows_what_comes_out_of_a_table(
    read: Callable[..., np.ndarray], tmp_path: Path, falling: bool, photometric: str
) -> None:
    display = {"PhotometricInterpretation": photometric, "PresentationLUTShape": None}
    sign = 1 if falling else -1  # so that dense things come out high, which MONOCHROME2 shows bright
    read(LOGARITHM.clip(0, TOP), lambda one: tabled(one, falling), PixelIntensityRelationshipSign=sign, **display)
    ((series,), _) = find_series(tmp_path, modality=Modality.XRAY)
    assert series.quality_flags == (() if photometric == "MONOCHROME2" else ("polarity",))


def test_stored_values_are_had_as_they_are(read: Callable[..., np.ndarray], tmp_path: Path) -> None:
    read(LOGARITHM.clip(0, TOP), PixelIntensityRelationshipSign=1)
    np.testing.assert_array_equal(read_stored(read_headers(tmp_path / "0.dcm"))[0], LOGARITHM.clip(0, TOP))


def test_stored_values_behind_a_table_are_not_had(read: Callable[..., np.ndarray], tmp_path: Path) -> None:
    read(LOGARITHM.clip(0, TOP), tabled)
    with pytest.raises(PixelDataError, match="go through a table"):
        read_stored(read_headers(tmp_path / "0.dcm"))


@pytest.mark.parametrize("slope", ["1", "-1"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("sign", [1, -1, None])
def test_a_copy_of_a_radiograph_has_the_values_of_the_original(
    read: Callable[..., np.ndarray], tmp_path: Path, slope: str, photometric: str, sign: int | None
) -> None:
    display = {"PhotometricInterpretation": photometric, "PresentationLUTShape": None}
    units = read(LOGARITHM.clip(0, TOP), PixelIntensityRelationshipSign=sign, RescaleSlope=slope, **display)
    ((series,), _) = find_series(tmp_path, modality=Modality.XRAY)
    stored, template = read_stored(series.headers), SeriesTemplate.from_series(series)
    write_series(tmp_path / "copy", stored, np.zeros((1, 3)), template, uid_seed="y", synthetic=None)
    np.testing.assert_array_equal(read_slice(read_headers(tmp_path / "copy" / "0.dcm")[0]), units)
