"""A patient's head as numbers, and what a slice of it shows: scalp, skull, folded cortex, ventricles, deep nuclei.

Coordinates are those of `plane`: x to the patient's left, y to the back; z is mm to the head from the level of the
frontal horns. Tissues are shares of signal, 0 for air and 1 for the brightest one; see `CONTRASTS`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.phantom.plane import Image, Plane, joined, lay

Grid = NDArray[np.float32]
_SULCUS_MM = 0.55
_CORTEX_MM = 3.0
_FOLDED_MM = 27.0  # of the brain's surface inwards
_FISSURE_MM = 0.9


class Contrast(NamedTuple):
    """Signal of each tissue under a sequence."""

    scalp: float
    muscle: float
    bone: float
    marrow: float
    fluid: float
    grey: float
    white: float
    nuclei: float
    lesion: float


CONTRASTS: Final = {
    "T1": Contrast(0.95, 0.42, 0.05, 0.55, 0.15, 0.50, 0.74, 0.57, 0.38),
    "T2": Contrast(0.66, 0.22, 0.04, 0.36, 0.97, 0.52, 0.36, 0.45, 0.80),
}
"""Spin echo at 1.5 T, in round figures."""


@dataclass(frozen=True)
class Head:
    """The numbers that make one patient; lengths in mm."""

    skin: tuple[float, float, float]
    egg: float
    lean: float
    scalp_mm: float
    skull_mm: float
    gap_mm: float
    ventricles: float
    turn: float
    uneven: float

    @classmethod
    def draw(cls, rng: Generator) -> "Head":
        """A patient by chance."""
        return cls(
            skin=(rng.uniform(73, 81), rng.uniform(91, 102), rng.uniform(92, 102)),
            egg=rng.uniform(0.04, 0.09),
            lean=rng.uniform(-0.015, 0.015),
            scalp_mm=rng.uniform(4.0, 7.0),
            skull_mm=rng.uniform(5.5, 8.0),
            gap_mm=rng.uniform(1.2, 3.2),
            ventricles=rng.uniform(0.8, 1.25),
            turn=rng.uniform(-0.06, 0.06),
            uneven=rng.uniform(-0.1, 0.1),
        )

    def turned(self, plane: Plane) -> Plane:
        """The plane as the head lies in it."""
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        x, y = plane.x * cos + plane.y * sin, plane.y * cos - plane.x * sin
        return Plane(x, y, np.arctan2(y, x).astype(np.float32), plane.pixel_mm)

    def skin_of(self, plane: Plane, z: float) -> Image:
        """Distance to the skin: an egg, broad at the back, that narrows towards the crown."""
        half_x, half_y, half_z = self.skin
        share = float(np.sqrt(max(1 - (z / half_z) ** 2, 0.03))) if z > 0 else 1.0 - 0.0006 * abs(z)
        wider = 1 + self.egg * np.sin(plane.angle) * np.abs(np.sin(plane.angle)) + self.lean * np.cos(3 * plane.angle)
        radius = np.sqrt((plane.x / half_x) ** 2 + (plane.y / half_y) ** 2)
        outline: Image = ((radius / (share * wider) - 1) * np.float32(min(half_x, half_y) * share)).astype(np.float32)
        return outline


class Folds(NamedTuple):
    """Random fields of one head, one plane a sub-slice.

    Attributes:
        sulci: Distance to the nearest fold's floor or wall, mm.
        mottle: Slow variation of about unit deviation.
    """

    sulci: Grid
    mottle: Grid


def folds(rng: Generator, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Folds:
    """Draw the folds of a head: surfaces where a band of random waves is zero, as a labyrinth.

    Args:
        rng: All chance comes from here.
        shape: Sub-slices, rows, columns.
        spacing_mm: Of these.
    """
    from scipy import fft

    axes = [fft.fftfreq(n, step) for n, step in zip(shape[:2], spacing_mm[:2], strict=True)]
    across = fft.rfftfreq(shape[2], spacing_mm[2])
    z, y, x = axes[0][:, None, None], axes[1][None, :, None], across[None, None, :]
    frequency = np.sqrt((0.6 * z) ** 2 + y**2 + x**2)  # folds of neighbouring slices are alike
    white = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    band = np.exp(-(((frequency - 1 / 19.0) / 0.013) ** 2))
    waves = fft.irfftn(white * band, s=shape).astype(np.float32)
    slope = np.hypot(*np.gradient(waves, spacing_mm[1], spacing_mm[2], axis=(1, 2)))
    sulci = np.abs(waves) / np.maximum(slope, 0.35 * float(slope.mean()))
    slow = fft.irfftn(white * np.exp(-((frequency * 26) ** 2)), s=shape).astype(np.float32)
    return Folds(sulci.astype(np.float32), slow / max(float(slow.std()), 1e-6))


def paint(head: Head, plane: Plane, z: float, sulci: Image, mottle: Image, contrast: Contrast) -> tuple[Grid, Grid]:
    """Paint one sub-slice without lesions, coil and noise.

    Args:
        head: The patient.
        plane: Pixel coordinates.
        z: Height, mm.
        sulci: Of `folds`, for this sub-slice.
        mottle: Likewise.
        contrast: What each tissue gives.

    Returns:
        Signal, and the share of white matter deep enough for a lesion, in each pixel.
    """
    plane = head.turned(plane)
    skin = head.skin_of(plane, z)
    image = np.zeros(skin.shape, np.float32)
    inner = skin + np.float32(head.scalp_mm)
    lay(image, contrast.scalp * (1 + np.float32(0.05) * mottle), plane.inside(skin))
    beside = np.exp(-((np.sin(plane.angle) + 0.25) ** 2) / 0.08) * float(np.clip((30 - z) / 30, 0, 1))
    lay(image, contrast.muscle, plane.inside(skin + 2.5) * beside)
    lay(image, contrast.bone, plane.inside(inner))
    middle = np.abs(inner + head.skull_mm / 2) - np.float32(head.skull_mm / 4) * (1 + np.float32(0.25) * mottle)
    lay(image, contrast.marrow * (1 + np.float32(0.1) * mottle), plane.inside(middle))
    dura = inner + np.float32(head.skull_mm)
    lay(image, contrast.fluid, plane.inside(dura))
    brain = dura + np.float32(head.gap_mm) + np.float32(0.6) * mottle
    white, grey = _cerebrum(head, plane, z, brain, sulci, contrast, mottle, image)
    deep = white * plane.inside(brain + 14) * (1 - grey)
    _nuclei(plane, z, image, contrast)
    fluid = _ventricles(head, plane, z)
    lay(image, contrast.fluid, plane.inside(fluid))
    away = np.clip((fluid - 3) / 3, 0, 1)
    return image, (deep * away).astype(np.float32)


def _cerebrum(
    head: Head, plane: Plane, z: float, brain: Image, sulci: Image, contrast: Contrast, mottle: Image, image: Image
) -> tuple[Image, Image]:
    """White matter in a cortex that follows every fold; the cleft between the halves, and that of Sylvius."""
    depth = -brain
    middle = plane.x + np.sin(plane.y / 9 + z / 11) + 9 * head.uneven * np.sin(plane.y / 31)
    clefts = np.abs(middle) + np.float32(0.25) + np.where(_joined_halves(plane, z), 30.0, 0.0)
    for side in (-1, 1):
        clefts = np.minimum(clefts, _sylvius(plane, z, side))
    reach = np.float32(_FOLDED_MM) + 5 * np.tanh(mottle)
    closing = np.clip((depth - 0.5 * reach) / (0.5 * reach), 0, 1)  # folds end in depth
    fold = sulci + np.float32(7) * closing**2
    gap = np.float32(_SULCUS_MM) * (1.25 - 0.9 * np.clip(depth / reach, 0, 1))
    surface = np.minimum(np.minimum(fold - gap, clefts - np.float32(_FISSURE_MM)), depth)
    tissue = plane.inside(-surface) * plane.inside(brain)
    cortex = np.float32(_CORTEX_MM) + 0.3 * mottle
    white = plane.inside(cortex - surface)
    grey = np.clip(1 - white, 0, 1)
    content = contrast.grey + (contrast.white - contrast.grey) * white + np.float32(0.012) * mottle
    lay(image, content, tissue)
    return white * tissue, grey


def _joined_halves(plane: Plane, z: float) -> NDArray[np.bool_]:
    """Where the corpus callosum and what lies below it join both halves."""
    front, back = (-34.0, 30.0) if z < 20 else (0.0, 0.0)
    if z < -12:
        front, back = -22.0, 26.0
    here: NDArray[np.bool_] = (plane.y > front) & (plane.y < back) & (abs(z) < 30)
    return here


def _sylvius(plane: Plane, z: float, side: int) -> Image:
    """Distance to the cleft between temporal and frontal lobe, which rises to the back, mm; 30 where there is none."""
    if not -30 < z < 24:
        return np.full((1, 1), 30.0, np.float32)
    across = plane.x * side
    line = plane.y + 8 - 0.35 * (across - 40) + 0.5 * z + 3 * np.sin(across / 7)
    insula = np.abs(across - 41 - 2 * np.sin(plane.y / 5)) + 40 * np.maximum(np.abs(plane.y + 2 + 0.3 * z) - 15, 0)
    cleft: Image = np.minimum(np.abs(line) + 40 * np.maximum(40 - across, 0), insula)
    return cleft


def _nuclei(plane: Plane, z: float, image: Image, contrast: Contrast) -> None:
    """Caudate, lentiform nucleus and thalamus, with the internal capsule left between them."""
    if not -22 < z < 26:
        return
    size = float(np.clip(1 - (z / 27) ** 2, 0, 1)) ** 0.5
    for side in (-1, 1):
        for x, y, half_x, half_y, turn in (
            (16, -20, 5.0, 11.0, 0.35), (27, -3, 7.0, 15.0, 0.25), (11.5, 13, 8.5, 13.0, -0.4),
        ):  # fmt: skip
            part = plane.ellipse(side * x, y, half_x * size, half_y * size, -side * turn)
            lay(image, contrast.nuclei, np.float32(0.9) * plane.inside(part))


def _ventricles(head: Head, plane: Plane, z: float) -> Image:
    """Distance to the lateral ventricles (horns below, bodies above) and to the third between the thalami."""
    wide = head.ventricles
    distance: Image = np.full((1, 1), 40.0, np.float32)
    for side in (-1, 1):
        grown = wide * (1 + side * head.uneven)
        if -16 < z < 14:
            share = float(np.sqrt(max(1 - (z / 17) ** 2, 0.05)))
            front = plane.ellipse(side * 10, -27, 4.6 * grown * share, 13 * share, -side * 0.35)
            back = plane.ellipse(side * 22, 36, 4.8 * grown * share, 15 * share, side * 0.3)
            distance = np.minimum(distance, np.minimum(front, back))
        if 8 <= z < 27:
            share = float(np.sqrt(max(1 - ((z - 15) / 13) ** 2, 0.05)))
            front = plane.ellipse(side * 9, -16, 5.5 * grown * share, 19 * share, -side * 0.12)
            body = plane.ellipse(side * 14.5, 16, 5.8 * grown * share, 24 * share, side * 0.24)
            distance = np.minimum(distance, joined(front, body, 4))
    if -22 < z < 4:
        distance = np.minimum(distance, plane.ellipse(0, 6, 1.9 * wide, 14))
    return np.asarray(np.broadcast_to(distance, np.broadcast_shapes(distance.shape, plane.angle.shape)))
