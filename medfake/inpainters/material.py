"""What an inpainter learns from: places of real scans with a hole in the middle, some of them held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.cube import PARENCHYMA_BELOW_HU

DARKEST_HU: Final = -1024
BRIGHTEST_HU: Final = 400
"""Values are clipped to this range; no lung and no nodule is brighter."""
_SOLID_FROM, _SOLID_TO = -800.0, 0.0  # HU: lung, and solid tissue
_BRIGHT = 0.5  # share of solid tissue in the middle from which on a place is a bright one
_MIDDLE_PX = 3.3
_HELD_OUT = 5  # one patient of so many
_MOST_HELD_OUT = 64

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """Places.

    Attributes:
        hu: (places, ...) int16 HU, clipped to -1024..400.
        hole: The same shape, bool: to be filled.
        wanted: (places,) float32, share of solid tissue in the middle, see `solid_share`.
        patients: Their names.
    """

    hu: NDArray[np.int16]
    hole: NDArray[np.bool_]
    wanted: Values
    patients: NDArray[np.str_]

    @classmethod
    def of(cls, parts: Sequence["Material"]) -> "Material":
        """Several as one."""
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in cls.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.hu)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Material":
        """Some of them."""
        return Material(self.hu[chosen], self.hole[chosen], self.wanted[chosen], self.patients[chosen])

    def draw(self, rng: Generator, count: int) -> "Material":
        """A batch: half of it bright places where there are some, patients in equal parts, turned over by chance."""
        bright = self.wanted >= _BRIGHT
        rows = []
        for at in range(count):
            pool = np.flatnonzero(bright if at % 2 and bright.any() else ~bright if not bright.all() else bright)
            patients = np.unique(self.patients[pool])
            own = pool[self.patients[pool] == patients[rng.integers(len(patients))]]
            rows.append(int(own[rng.integers(len(own))]))
        batch = self.where(np.array(rows))
        for axis in range(1, batch.hu.ndim):
            turned = np.flatnonzero(rng.random(count) < 0.5)
            for array in (batch.hu, batch.hole):
                array[turned] = np.flip(array[turned], axis)
        return batch

    def inputs(self) -> dict[str, Values]:
        """What a generator is given but for its chance."""
        return {
            "hu": self.hu.astype(np.float32), "hole": self.hole.astype(np.float32),
            "wanted": self.wanted[:, None].astype(np.float32),
        }  # fmt: skip

    def difference_hu(self, content: Values) -> float:
        """Mean absolute difference of a content from what was there, over the holes, HU."""
        return float(np.abs(content - self.hu)[self.hole].mean())

    def trivial_hu(self) -> float:
        """The same of the trivial fill: the mean of the lung around each hole."""
        means = np.empty(len(self), np.float32)
        for at, (hu, hole) in enumerate(zip(self.hu, self.hole, strict=True)):
            lung = ~hole & (hu < PARENCHYMA_BELOW_HU)
            means[at] = hu[lung if lung.any() else ~hole].mean()
        return self.difference_hu(np.broadcast_to(means.reshape(-1, *(1,) * (self.hu.ndim - 1)), self.hu.shape))


def middle(edge: int, axes: int) -> Values:
    """How near a voxel is to the middle of a place, where what is wanted belongs: 1 there, .1 some 7 voxels away.

    Args:
        edge: Of the place, voxels.
        axes: 2 for patches, 3 for cubes.

    Returns:
        float32, (1, edge, edge) or (1, edge, edge, edge).
    """
    square = (np.arange(edge, dtype=np.float32) - edge // 2) ** 2
    far = square[:, None] + square[None]
    if axes == 3:
        far = far[None] + square[:, None, None]
    near: Values = np.exp(-far[None] / (2 * _MIDDLE_PX**2))
    return near


def solid_share(hu: NDArray[np.floating], distance_mm: NDArray[np.floating], radius_mm: float = 3.0) -> float:
    """How solid the middle of a place is: 0 lung, 1 soft tissue.

    Args:
        hu: Of the place.
        distance_mm: From its middle, same shape.
        radius_mm: Of the ball that is averaged.
    """
    share = (hu[distance_mm <= radius_mm] - _SOLID_FROM) / (_SOLID_TO - _SOLID_FROM)
    return float(np.clip(share, 0, 1).mean())


def held_apart(material: Material, seed: int) -> tuple[Material, Material, bool]:
    """Deal places to learning and to looks at how the training stands.

    Returns:
        What is learnt from, what is held out (at most 64 places), and whether their patients differ: one patient in
        five is held out; of a single patient, every fifth place.
    """
    rng = np.random.default_rng([seed, 7])
    names = np.unique(material.patients)
    apart = len(names) > 1
    if apart:
        out = np.isin(material.patients, rng.permutation(names)[: max(1, len(names) // _HELD_OUT)])
    else:
        out = np.arange(len(material)) % _HELD_OUT == _HELD_OUT - 1
    looks = rng.permutation(np.flatnonzero(out))[:_MOST_HELD_OUT]
    return material.where(~out), material.where(np.sort(looks)), apart
