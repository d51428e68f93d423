"""What archives, viewers and exports do: 8-bit windows and lossy compression."""

from typing import Final

from medfake.robustness.registry import Given, Scale, Slice, graded
from medfake.tamper import degradations
from medfake.vocabulary import Modality

WINDOW_HU: Final = (-1350.0, 150.0)
"""Lung window: what is darker or brighter is lost."""
JPEG_QUALITY: Final = 90
JPEG_2000_RATIO: Final = 16.0
"""Of the 16 bits that DICOM allocates a pixel: one bit a pixel is left."""
_GREY_STEPS: Final = 255
_BEST_QUALITY: Final = 100


@graded(
    "8-bit-window",
    says="stored as an 8-bit lung window",
    scale=Scale(
        unit="HU a grey value, from -1350 HU on", least=3, most=32, usual=(4, 6, 10, 16),
        strength=(WINDOW_HU[1] - WINDOW_HU[0]) / _GREY_STEPS,
    ),
    modalities=(Modality.CT,),
)  # fmt: skip
def window_8_bit(given: Given, severity: float) -> Slice:
    """Keep the 256 grey values of a window from -1350 HU on; with 3 HU a value it ends in lung, with 16 beyond bone."""
    low, _ = WINDOW_HU
    return degradations.windowed(given.hu, (low, low + _GREY_STEPS * severity))


@graded(
    "jpeg",
    says="8-bit lung window, JPEG of quality 90",
    scale=Scale(
        unit="points of quality below 100", least=1, most=99, usual=(5, 10, 30, 60),
        strength=float(_BEST_QUALITY - JPEG_QUALITY), whole=True,
    ),
    modalities=(Modality.CT,),
)  # fmt: skip
def jpeg(given: Given, severity: float) -> Slice:
    """Compress an 8-bit lung window as JPEG."""
    return degradations.jpeg(given.hu, WINDOW_HU, _BEST_QUALITY - int(severity))


@graded(
    "jpeg-2000",
    says="12 bits, JPEG 2000 at 16:1",
    scale=Scale(unit="times smaller than 16 bits", least=2, most=200, usual=(8, 16, 32, 64), strength=JPEG_2000_RATIO),
)
def jpeg_2000(given: Given, severity: float) -> Slice:
    """Compress 12 bits a pixel (-1024..3071 HU) with irreversible JPEG 2000."""
    return degradations.jpeg_2000(given.hu, severity)
