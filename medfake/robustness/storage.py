"""What archives, viewers and exports do: 8-bit windows and lossy compression."""

import io
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.dicom.window import to_grey
from medfake.robustness.registry import Slice, perturbation

WINDOW_HU: Final = (-1350.0, 150.0)
"""Lung window: what is darker or brighter is lost."""
JPEG_QUALITY: Final = 90
JPEG_2000_RATIO: Final = 16.0
"""Of the 16 bits that DICOM allocates a pixel: one bit a pixel is left."""
_OFFSET_HU = 1024
_HIGHEST = 4095  # 12 bits stored, as scanners do


@perturbation("8-bit-window", says="stored as an 8-bit lung window")
def window_8_bit(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001  # the signature of all perturbations
    """Keep the 256 grey values of a lung window, nearly 6 HU each."""
    return _from_grey(to_grey(hu, *WINDOW_HU))


@perturbation("jpeg", says="8-bit lung window, JPEG of quality 90")
def jpeg(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Compress an 8-bit lung window as JPEG of quality 90."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(to_grey(hu, *WINDOW_HU)).save(file, "JPEG", quality=JPEG_QUALITY)
    with Image.open(file) as image:
        return _from_grey(np.asarray(image))


@perturbation("jpeg-2000", says="12 bits, JPEG 2000 at 16:1")
def jpeg_2000(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Compress 12 bits a pixel (-1024..3071 HU) with irreversible JPEG 2000 to a sixteenth of 16 bits a pixel."""
    from openjpeg.utils import decode, encode_array

    stored = np.clip(hu.astype(np.int32) + _OFFSET_HU, 0, _HIGHEST).astype(np.uint16)
    code = encode_array(stored, bits_stored=12, compression_ratios=[JPEG_2000_RATIO * 12 / 16])
    restored: Slice = (decode(bytes(code)).astype(np.int32) - _OFFSET_HU).astype(np.int16)
    return restored


def _from_grey(grey: NDArray[np.uint8]) -> Slice:
    low, high = WINDOW_HU
    hu: Slice = np.rint(grey * ((high - low) / 255.0) + low).astype(np.int16)
    return hu
