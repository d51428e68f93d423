"""What archives, viewers and exports do: 8-bit windows and lossy compression."""

from typing import Final

from numpy.random import Generator

from medfake.robustness.registry import Slice, perturbation
from medfake.tamper import degradations

WINDOW_HU: Final = (-1350.0, 150.0)
"""Lung window: what is darker or brighter is lost."""
JPEG_QUALITY: Final = 90
JPEG_2000_RATIO: Final = 16.0
"""Of the 16 bits that DICOM allocates a pixel: one bit a pixel is left."""


@perturbation("8-bit-window", says="stored as an 8-bit lung window")
def window_8_bit(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001  # the signature of all perturbations
    """Keep the 256 grey values of a lung window, nearly 6 HU each."""
    return degradations.windowed(hu, WINDOW_HU)


@perturbation("jpeg", says="8-bit lung window, JPEG of quality 90")
def jpeg(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Compress an 8-bit lung window as JPEG of quality 90."""
    return degradations.jpeg(hu, WINDOW_HU, JPEG_QUALITY)


@perturbation("jpeg-2000", says="12 bits, JPEG 2000 at 16:1")
def jpeg_2000(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Compress 12 bits a pixel (-1024..3071 HU) with irreversible JPEG 2000 to a sixteenth of 16 bits a pixel."""
    return degradations.jpeg_2000(hu, JPEG_2000_RATIO)
