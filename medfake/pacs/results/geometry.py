"""Where the pixels of scored slices lie in the patient, slice by slice, whatever tilts and gaps there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import SliceHeader
from medfake.package.scan_scores import Site

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Disc:
    """Where a ball cuts a slice, in pixels of that slice; whole numbers are centres of pixels."""

    index: int
    y: float
    x: float
    radius_mm: float


@dataclass(frozen=True)
class Geometry:
    """Of n slices of one size; a radiograph is a single one at the origin.

    Attributes:
        headers: (n,) in the order of the scores.
    """

    headers: tuple[SliceHeader, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.headers[0].rows, self.headers[0].cols

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Between rows, between columns."""
        return self.headers[0].spacing_mm

    def to_patient(self, index: int, y: float, x: float) -> Floats:
        """(3,) mm of a pixel of a slice (PS3.3 C.7.6.2.1.1)."""
        header = self.headers[index]
        along, down = self._axes()
        return np.array(header.position_mm) + x * header.spacing_mm[1] * along + y * header.spacing_mm[0] * down

    def discs(self, site: Site, radius_mm: float) -> Iterator[Disc]:
        """Where a ball around a site cuts slices; its own slice always, the ball's middle being there."""
        centre = self.to_patient(site.slice_index, site.y, site.x)
        along, down = self._axes()
        normal = np.cross(along, down)
        offsets = centre - np.array([header.position_mm for header in self.headers])
        away = np.abs(offsets @ normal)
        away[site.slice_index] = 0.0
        for index in np.flatnonzero(away < radius_mm):
            rows_mm, cols_mm = self.spacing_mm
            y, x = self._near(offsets[index] @ down / rows_mm), self._near(offsets[index] @ along / cols_mm)
            radius = float(np.sqrt(radius_mm**2 - away[index] ** 2))
            yield Disc(int(index), y, x, radius)

    def radius_px(self, radius_mm: float) -> tuple[float, float]:
        """Down and across; of pixels that are absurdly small, what covers any slice."""
        rows_mm, cols_mm = self.spacing_mm
        return self._near(radius_mm / rows_mm), self._near(radius_mm / cols_mm)

    def within(self, disc: Disc) -> NDArray[np.bool_]:
        """(rows, cols) of the slice of a disc: pixels whose centres it holds, and the one in its middle."""
        rows, cols = self.shape
        down = (np.arange(rows) - disc.y)[:, None] * self.spacing_mm[0]
        across = (np.arange(cols) - disc.x)[None, :] * self.spacing_mm[1]
        inside: NDArray[np.bool_] = down**2 + across**2 <= disc.radius_mm**2
        y, x = self.pixel(disc.y, disc.x)
        inside[y, x] = True
        return inside

    def pixel(self, y: float, x: float) -> tuple[int, int]:
        """The nearest pixel of a slice."""
        rows, cols = self.shape
        return round(float(np.clip(y, 0, rows - 1))), round(float(np.clip(x, 0, cols - 1)))

    def distances_mm(self, sites: Sequence[Site], points: Floats) -> Floats:
        """(n, sites) between (n, 3) points, mm, and sites."""
        centres = np.array([self.to_patient(site.slice_index, site.y, site.x) for site in sites])
        apart: Floats = np.linalg.norm(points[:, None, :] - centres[None, :, :], axis=2)
        return apart

    def _near(self, px: float) -> float:
        """A length that stays a number, whatever spacing a hostile header says."""
        most = 2.0 * sum(self.shape)
        return float(np.clip(px, -most, most))

    def _axes(self) -> tuple[Floats, Floats]:
        """Unit vectors along a row and down a column."""
        orientation = np.array(self.headers[0].orientation, np.float64)
        along, down = orientation[:3], orientation[3:]
        return along / np.linalg.norm(along), down / np.linalg.norm(down)
