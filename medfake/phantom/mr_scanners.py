"""Simulated MR scanners: what a protocol measures in k-space, and how makers turn it into stored values."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from medfake.by_name import Registry

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class MRScanner:
    """One simulated scanner with its protocol.

    Attributes:
        contrast: "T1" or "T2".
        echo_ms: Echo Time (0018,0081).
        noise: Standard deviation of real and imaginary part, share of the brightest tissue's signal.
        measured: Share of k-space that is measured along rows and along columns; the rest is filled with zeros.
        taper: Share of what is measured that a Tukey window brings to zero, against ringing.
        shading: Of the coil, deviation of its logarithm.
        sharpening: Weight of an unsharp mask that the maker adds; 0 for none.
        spacing_mm: Of rows and columns.
        step_mm: Between slices; also the slice thickness.
        brightest: Stored value of the brightest tissue.
    """

    name: str
    contrast: str
    echo_ms: float
    noise: float
    measured: tuple[float, float]
    taper: float
    shading: float
    sharpening: float
    spacing_mm: float
    step_mm: float
    brightest: int


MR_SCANNERS: Registry[MRScanner] = Registry("scanner", room=__name__, where="phantom.NAME.scanners in params.yaml")
for _scanner in (
    MRScanner("Phantom MR A", "T2", 98.0, 0.022, (0.80, 1.00), 0.30, 0.10, 0.0, 0.94, 4.0, 1400),
    MRScanner("Phantom MR B", "T2", 105.0, 0.030, (0.72, 0.90), 0.10, 0.16, 0.5, 0.90, 5.0, 900),
    MRScanner("Phantom MR C", "T1", 12.0, 0.026, (0.85, 0.85), 0.50, 0.12, 0.0, 1.00, 4.0, 2600),
    MRScanner("Phantom MR D", "T1", 9.0, 0.020, (0.70, 1.00), 0.20, 0.20, 0.3, 0.98, 3.0, 600),
):
    MR_SCANNERS.add(_scanner.name, _scanner, _scanner)


def acquire(rng: Generator, signal: Grid, scanner: MRScanner) -> NDArray[np.int16]:
    """What a scanner stores: coil, window in k-space, complex noise, magnitude, the maker's scale.

    The magnitude of complex noise is Rician (Gudbjartsson and Patz 1995); zero-filling makes neighbours alike.

    Args:
        rng: All chance comes from here.
        signal: (slices, rows, cols) share of the brightest tissue's signal.
        scanner: The protocol.

    Returns:
        The same shape, 0..32767 in a scale of the scanner's own.
    """
    rows, cols = signal.shape[1:]
    window = np.outer(
        _window(rows, scanner.measured[0], scanner.taper), _window(cols, scanner.measured[1], scanner.taper)
    )
    coil = _coil(rng, rows, cols, scanner.shading)
    level = np.float32(scanner.noise / np.sqrt((window**2).mean()))
    stored = np.empty(signal.shape, np.int16)
    for index, plane in enumerate(signal):
        tilt = np.float32(1 + 0.04 * np.sin(index / 5.0))  # the coil's profile along z
        noise = rng.standard_normal((2, rows, cols), dtype=np.float32) * level
        measured = fft.fft2(plane * coil * tilt + noise[0] + 1j * noise[1], workers=1) * window
        magnitude = np.abs(fft.ifft2(measured, workers=1)).astype(np.float32)
        stored[index] = np.clip(np.rint(_sharpened(magnitude, scanner.sharpening) * scanner.brightest), 0, 32767)
    return stored


def _window(count: int, measured: float, taper: float) -> NDArray[np.float32]:
    """Tukey window over what is measured of one axis, in the order of `fft.fftfreq`."""
    place = np.abs(fft.fftfreq(count)) * 2 / measured  # 1 at the last line measured
    flat = 1 - taper
    falling = 0.5 * (1 + np.cos(np.pi * np.clip((place - flat) / max(taper, 1e-6), 0, 1)))
    window: NDArray[np.float32] = np.where(place <= flat, 1, np.where(place <= 1, falling, 0)).astype(np.float32)
    return window


def _coil(rng: Generator, rows: int, cols: int, shading: float) -> Grid:
    """Smooth sensitivity of about 1."""
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, cols)[None, :]
    weights = rng.normal(size=5)
    field = weights[0] * x + weights[1] * y + weights[2] * x * y + weights[3] * (x**2 - 0.3) + weights[4] * (y**2 - 0.3)
    coil: Grid = np.exp(shading * field).astype(np.float32)
    return coil


def _sharpened(magnitude: Grid, weight: float) -> Grid:
    from scipy.ndimage import gaussian_filter

    if not weight:
        return magnitude
    sharp: Grid = magnitude + np.float32(weight) * (magnitude - gaussian_filter(magnitude, 1.2, mode="nearest"))
    return sharp
