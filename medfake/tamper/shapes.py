"""Soft shapes of a manipulated place: an ellipsoid, a box or a blob, with a feathered border."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from medfake.tamper.block import Block, Grid
from medfake.tamper.noise import correlated

RADIUS_MM = (6.5, 13.0)
FEATHER_MM = (0.5, 4.0)


class Form(StrEnum):
    """Form of a manipulated place."""

    ELLIPSOID = "ellipsoid"
    BOX = "box"
    BLOB = "blob"


ROUND: Final = (Form.ELLIPSOID, Form.BLOB)
"""Forms for a change of content: an eye sees a vessel end at the side of a box."""


def soft_shape(
    block: Block,
    rng: Generator,
    radius_mm: tuple[float, float] = RADIUS_MM,
    feather_mm: tuple[float, float] = FEATHER_MM,
    forms: tuple[Form, ...] = tuple(Form),
) -> Grid:
    """Share of each voxel that is manipulated.

    Args:
        block: Around the place.
        rng: Draws form, half axes and feather.
        radius_mm: Range of the half axes.
        feather_mm: Range of the width over which the share falls from 1 to 0.
        forms: One of them is drawn.

    Returns:
        float32 in 0..1, 1 at the place, 0 at the sides of a block that is not clipped.
    """
    form = forms[rng.integers(len(forms))]
    feather = rng.uniform(*feather_mm)
    half = np.minimum(rng.uniform(*radius_mm) * rng.uniform(0.75, 1.25, size=3), 14.5 - feather / 2)
    z, y, x = (offset / axis for offset, axis in zip(block.offsets_mm, half, strict=True))
    if form is Form.BOX:
        far = np.maximum(np.maximum(np.abs(z), np.abs(y)), np.abs(x))
    else:
        far = np.sqrt(z**2 + y**2 + x**2)
    depth = (1 - far) * float(half.min())
    if form is Form.BLOB:
        rough = correlated(rng, depth.shape, block.px(float(half.min()) / 2))
        depth = np.minimum(depth + 0.2 * float(half.min()) * np.clip(rough, -2, 2), (1.2 - far) * float(half.min()))
    share: Grid = np.clip(depth / feather + 0.5, 0, 1).astype(np.float32)
    return share * share * (3 - 2 * share)  # no kink that an eye would follow
