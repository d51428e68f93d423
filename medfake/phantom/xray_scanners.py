"""Simulated X-ray detectors: what one counts behind a patient, how its maker processes that, how it is stored.

Images between here and `encoded` rise with attenuation, as an eye sees them on a viewer: dense is bright. Storing turns
some round, pixel by pixel, so that what was not touched stays bit-identical.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.by_name import Registry

Grid = NDArray[np.float32]
HIGHEST: Final = 4095
"""Of processed values: 12 bits."""
_ATTENUATION_RANGE = 5.2  # line integrals from air to the darkest shadow that is told apart
_SCATTER_MM = 22.0
_COUNTED_RANGE = 3.2  # of the logarithm of counts, over all values


@dataclass(frozen=True)
class XRayScanner:
    """One simulated detector with its maker's processing.

    Attributes:
        photons: Counted a pixel in open air.
        scatter: Share of scattered photons behind water.
        blur_px: Point spread, standard deviation.
        noise_blur_px: What noise alone is smoothed by, in the maker's processing.
        boost: Weight of detail that the maker adds, against shadows that drown it.
        boost_mm: Size of that detail.
        collimated_mm: Widest border that collimators may leave dark.
        logarithmic: Whether stored values are proportional to attenuation; otherwise to what was counted.
        inverted: MONOCHROME1: low stored values are shown bright.
    """

    name: str
    photons: float
    scatter: float
    blur_px: float
    noise_blur_px: float
    boost: float
    boost_mm: float
    collimated_mm: float
    logarithmic: bool
    inverted: bool

    @property
    def bits(self) -> int:
        """Bits Stored (0028,0101)."""
        return 12 if self.logarithmic else 14


XRAY_SCANNERS: Registry[XRayScanner] = Registry("scanner", room=__name__, where="phantom.NAME.scanners in params.yaml")
for _scanner in (
    XRayScanner("Phantom DX A", 14_000, 0.35, 0.7, 0.0, 0.9, 9.0, 12, logarithmic=True, inverted=False),
    XRayScanner("Phantom DX B", 8_000, 0.50, 0.9, 0.5, 1.6, 14.0, 20, logarithmic=True, inverted=True),
    XRayScanner("Phantom DX C", 22_000, 0.30, 0.6, 0.0, 0.5, 7.0, 0, logarithmic=False, inverted=True),
    XRayScanner("Phantom DX D", 11_000, 0.42, 0.8, 0.35, 1.2, 11.0, 16, logarithmic=True, inverted=False),
):
    XRAY_SCANNERS.add(_scanner.name, _scanner, _scanner)


def expose(rng: Generator, shadow: Grid, scanner: XRayScanner, pixel_mm: float) -> NDArray[np.int16]:
    """What a detector shows of a shadow: scatter, blur, quantum noise, logarithm, detail, collimation.

    Args:
        rng: All chance comes from here.
        shadow: (rows, cols) line integrals of attenuation.
        scanner: Detector and processing.
        pixel_mm: Of rows and columns.

    Returns:
        (rows, cols) 0..4095, rising with attenuation.
    """
    from scipy.ndimage import gaussian_filter

    primary = np.exp(-shadow)
    behind = gaussian_filter(primary, _SCATTER_MM / pixel_mm, mode="nearest")
    body = 1 - np.exp(-0.8 * gaussian_filter(shadow, _SCATTER_MM / pixel_mm, mode="nearest"))
    light = primary + np.float32(scanner.scatter) * behind * body
    light = gaussian_filter(light, scanner.blur_px, mode="nearest") * np.float32(scanner.photons)
    noise = rng.standard_normal(shadow.shape, dtype=np.float32) * np.sqrt(light)
    counted = light + gaussian_filter(noise, scanner.noise_blur_px, mode="nearest")
    dense = np.log(np.float32(scanner.photons) / np.maximum(counted, 1))
    coarse = gaussian_filter(dense, scanner.boost_mm / pixel_mm, mode="nearest")
    dense = 0.75 * dense + np.float32(scanner.boost) * 0.75 * (dense - coarse)
    low, high = -0.35, 0.75 * _ATTENUATION_RANGE
    values = np.clip((dense - low) / (high - low), 0, 1) * HIGHEST
    values[_collimated(rng, values.shape, scanner.collimated_mm / pixel_mm)] = (
        HIGHEST - 800
    )  # hardly anything came there
    shown: NDArray[np.int16] = np.rint(values).astype(np.int16)
    return shown


def _collimated(rng: Generator, shape: tuple[int, ...], widest_px: float) -> NDArray[np.bool_]:
    """The border that is not exposed."""
    outside = np.ones(shape, bool)
    top, bottom, left, right = (int(rng.uniform(0, widest_px)) for _ in range(4))
    outside[top : shape[0] - bottom, left : shape[1] - right] = False
    return outside


def encoded(values: NDArray[np.int16], scanner: XRayScanner) -> NDArray[np.int16]:
    """Stored values of an image, pixel by pixel (PS3.3 C.8.11.3, Pixel Intensity Relationship (0028,1040)).

    Args:
        values: 0..4095, rising with attenuation.
        scanner: Says whether they are stored as counts, and turned round.

    Returns:
        The same shape, 0..16383.
    """
    if scanner.logarithmic:
        return HIGHEST - values if scanner.inverted else values
    counts = ((1 << scanner.bits) - 1) * np.exp(-values.astype(np.float64) / HIGHEST * _COUNTED_RANGE)
    stored: NDArray[np.int16] = np.rint(counts).astype(np.int16)
    return stored
