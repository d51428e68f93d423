from pathlib import Path

import numpy as np
import pydicom
import pytest
from openjpeg.utils import encode_array
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from medfake.dicom.writer import SeriesTemplate, write_series

EDGE = 3072


@pytest.fixture(scope="session")
def slow_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT image of 3072 x 3072 pixels of noise in JPEG 2000: seconds go by until it is decoded."""
    folder = tmp_path_factory.mktemp("slow")
    template = SeriesTemplate(
        patient_id="SLOW", manufacturer="T", model="T", kernel="K", thickness_mm=1.0, spacing_mm=(0.1, 0.1)
    )
    noise = np.random.default_rng(0).integers(-1000, 400, (1, EDGE, EDGE)).astype(np.int16)
    write_series(folder, noise, np.zeros((1, 3)), template, uid_seed="slow", synthetic=None)
    (path,) = folder.iterdir()
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([encode_array(dataset.pixel_array, photometric_interpretation=2)])
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(path)
    return path
