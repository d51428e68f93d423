"""Virtual scanners: what a stack would look like, had another scanner made it. Applied before anything is forged."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.block import BRIGHTEST_HU, DARKEST_HU
from medfake.tamper.noise import local_noise
from medfake.tamper.site import Spacing, Volume

Grid = NDArray[np.float32]

_AVERAGED = (2, 5)  # slices
_THIN_MM = 2.6  # only slices nearer to each other than that are averaged
_THICKEST_MM = 6.0  # of what averaging makes
_ZOOM = (0.8, 1.2)
_SOFT_CUT = (0.25, 0.6)  # cycles a pixel
_SHARP_GAIN = (0.3, 1.5)
_NOISE_LEVEL = (0.3, 1.6)  # of the native noise
_LEAST_NOISE_HU = 3.0  # of a stack that has next to none, as a smooth kernel leaves it
_MODULATED_PX = 60.0  # over which added noise swells and fades
_SHARE = 0.6  # of the scanners that have any one of the four parts


@dataclass(frozen=True)
class VirtualScanner:
    """What is done to a stack, in this order: slices averaged, zoomed in plane, filtered, noise added.

    Attributes:
        averaged: Slices that become one, 1 for none.
        zoom: In plane; rows and columns stay as many, the field of view is cut or padded with air.
        cut: Frequency (cycles a pixel) at which a softer kernel falls to 1/e; 0 for none.
        gain: What a sharper kernel adds at half the sampling frequency; 0 for none.
        power: Exponent of either kernel.
        noise: Added, of the native level; 0 for none.
        noise_rise: a of the noise's spectrum f^a exp(-(f/f0)^p).
        noise_cut: f0, cycles a pixel.
        noise_fall: p.
    """

    averaged: int = 1
    zoom: float = 1.0
    cut: float = 0.0
    gain: float = 0.0
    power: float = 2.0
    noise: float = 0.0
    noise_rise: float = 0.0
    noise_cut: float = 0.3
    noise_fall: float = 2.0

    @property
    def word(self) -> str:
        """What it does, for tables, e.g. "mean3 zoom0.87 soft0.41 noise0.7"."""
        parts = [
            (self.averaged > 1, f"mean{self.averaged}"),
            (self.zoom != 1, f"zoom{self.zoom:.2f}"),
            (self.cut > 0, f"soft{self.cut:.2f}"),
            (self.gain > 0, f"sharp{self.gain:.1f}"),
            (self.noise > 0, f"noise{self.noise:.1f}"),
        ]
        return " ".join(word for there, word in parts if there)

    def spacing(self, spacing_mm: Spacing) -> Spacing:
        """Spacing of what it makes."""
        z, y, x = spacing_mm
        return z * self.averaged, y / self.zoom, x / self.zoom

    def apply(self, volume: Volume, rng: Generator) -> Volume:
        """Scan a stack again.

        Args:
            volume: (slices, rows, cols) int16 HU, at least `averaged` slices.
            rng: Draws the noise.

        Returns:
            (slices // averaged, rows, cols) int16 HU.
        """
        whole = len(volume) // self.averaged * self.averaged
        means = volume[:whole].reshape(-1, self.averaged, *volume.shape[1:]).mean(axis=1, dtype=np.float32)
        level = max(_lung_noise(volume), _LEAST_NOISE_HU)
        planes = [self._plane(plane, level, rng) for plane in means]
        made: Volume = np.clip(np.rint(np.stack(planes)), DARKEST_HU, BRIGHTEST_HU).astype(np.int16)
        return made

    def _plane(self, plane: Grid, level: float, rng: Generator) -> Grid:
        seen = _zoomed(plane, self.zoom) if self.zoom != 1 else plane
        if self.cut > 0 or self.gain > 0:
            seen = _filtered(np.maximum(seen, DARKEST_HU), self._kernel(_frequencies(seen.shape)))
        if self.noise > 0:
            seen = seen + self._noise(seen.shape, level, rng)
        return seen

    def _kernel(self, frequency: Grid) -> Grid:
        if self.cut > 0:
            softer: Grid = np.exp(-((frequency / np.float32(self.cut)) ** np.float32(self.power)))
            return softer
        return 1 + np.float32(self.gain) * (2 * frequency) ** np.float32(self.power)

    def _noise(self, shape: tuple[int, ...], level: float, rng: Generator) -> Grid:
        from scipy.ndimage import zoom

        frequency = np.maximum(_frequencies(shape), np.float32(1e-3))
        spectrum = frequency**self.noise_rise * np.exp(-((frequency / self.noise_cut) ** self.noise_fall))
        noise = _filtered(rng.standard_normal(shape, dtype=np.float32), spectrum.astype(np.float32))
        noise *= np.float32(self.noise * level) / noise.std()
        coarse = rng.uniform(0.6, 1.4, size=[int(n / _MODULATED_PX) + 3 for n in shape])
        swell = zoom(coarse, [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1, mode="nearest")
        swollen: Grid = noise * swell.astype(np.float32)
        return swollen


def kernel_of(contrast: float) -> VirtualScanner:
    """A scanner that has but another kernel.

    Args:
        contrast: Of its modulation transfer at half the sampling frequency, as a share of the kernel before, > 0; below
            1 it is smoother, above 1 sharper.
    """
    if contrast >= 1:
        return VirtualScanner(gain=contrast - 1)
    return VirtualScanner(cut=float(0.5 / np.sqrt(-np.log(contrast))))


def draw_scanner(rng: Generator, step_mm: float, slices: int) -> VirtualScanner:
    """A scanner by chance.

    Args:
        rng: All chance comes from here.
        step_mm: Between the slices that it will be applied to.
        slices: How many there are; of a single one nothing is averaged.
    """
    most = min(_AVERAGED[1], slices, int(_THICKEST_MM / step_mm)) if step_mm <= _THIN_MM else 1
    averaged = int(rng.integers(_AVERAGED[0], most + 1)) if most >= _AVERAGED[0] and rng.random() < _SHARE else 1
    zoom = float(rng.uniform(*_ZOOM)) if rng.random() < _SHARE else 1.0
    kernel, soft = rng.random() < _SHARE, rng.random() < 0.5
    cut, gain = float(rng.uniform(*_SOFT_CUT)), float(rng.uniform(*_SHARP_GAIN))
    noise = (
        float(rng.uniform(*_NOISE_LEVEL)) if rng.random() < _SHARE or not (averaged > 1 or zoom != 1 or kernel) else 0.0
    )
    return VirtualScanner(
        averaged, zoom, cut if kernel and soft else 0.0, gain if kernel and not soft else 0.0,
        float(rng.uniform(1.2, 3.0)), noise, float(rng.uniform(0, 1.2)), float(rng.uniform(0.12, 0.4)),
        float(rng.uniform(1.5, 3.0)),
    )  # fmt: skip


def _lung_noise(volume: Volume) -> float:
    """Noise of the middle slice where it is neither solid nor open air."""
    plane = volume[len(volume) // 2]
    cells = plane[: plane.shape[0] // 16 * 16, : plane.shape[1] // 16 * 16].astype(np.float32)
    tiles = cells.reshape(cells.shape[0] // 16, 16, -1, 16).swapaxes(1, 2).reshape(-1, 16, 16)
    means = tiles.mean(axis=(1, 2))
    lung = tiles[(means > -950) & (means < -700)]
    return local_noise(lung) if len(lung) else local_noise(tiles)


def _frequencies(shape: tuple[int, ...]) -> Grid:
    """Radial frequency of each bin of `rfft2`, cycles a pixel."""
    y, x = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    radial: Grid = np.hypot(y, x).astype(np.float32)
    return radial


def _filtered(plane: Grid, response: Grid) -> Grid:
    from scipy import fft

    filtered: Grid = fft.irfft2(fft.rfft2(plane) * response, s=plane.shape).astype(np.float32)
    return filtered


def _zoomed(plane: Grid, factor: float) -> Grid:
    """Cubic zoom about the middle; as many rows and columns as before."""
    from scipy.ndimage import affine_transform

    middle = (np.array(plane.shape) - 1) / 2
    zoomed: Grid = affine_transform(
        plane, np.full(2, 1 / factor), offset=middle - middle / factor, order=3, mode="constant", cval=float(DARKEST_HU)
    )
    return zoomed
