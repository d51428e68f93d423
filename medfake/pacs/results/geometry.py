"""Where the pixels of scored slices lie in the patient, slice by slice, whatever tilts and gaps there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import SliceHeader
from medfake.package.scan_scores import Site

Floats = NDArray[np.float64]
CENTRE_OF_PIXEL: Final = 0.5
"""The corner of the first pixel is (0, 0), its centre (0.5, 0.5) (PS3.3 C.10.5.1.2, C.18.6.1.2)."""
_RATIO: Final = 1000  # what the longer side of a pixel counts


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

    def aspect(self, index: int) -> tuple[int, int]:
        """Height and width of a pixel of a slice, in whole numbers; (1, 1) where it is a square."""
        down, across = self.headers[index].spacing_mm
        if down == across:
            return 1, 1
        down, across = (max(1, round(_RATIO * one / max(down, across))) for one in (down, across))
        return down, across

    def to_patient(self, index: int, y: float | Floats, x: float | Floats) -> Floats:
        """(3,) mm of a pixel of a slice (PS3.3 C.7.6.2.1.1), or (n, 3) of n pixels."""
        header = self.headers[index]
        along, down = self._axes(index)
        rows_mm, cols_mm = header.spacing_mm
        across = np.multiply.outer(x, cols_mm * along)
        found: Floats = np.array(header.position_mm) + across + np.multiply.outer(y, rows_mm * down)
        return found

    def discs(self, site: Site, radius_mm: float) -> Iterator[Disc]:
        """Where a ball around a site cuts slices; its own slice always, the ball's middle being there."""
        centre = self.to_patient(site.slice_index, site.y, site.x)
        normal = np.cross(*self._axes(site.slice_index))
        offsets = centre - np.array([header.position_mm for header in self.headers])
        away = np.abs(offsets @ normal)
        away[site.slice_index] = 0.0
        for index in np.flatnonzero(away < radius_mm).tolist():
            along, down = self._axes(index)
            rows_mm, cols_mm = self.headers[index].spacing_mm
            y, x = self._near(offsets[index] @ down / rows_mm), self._near(offsets[index] @ along / cols_mm)
            radius = float(np.sqrt(radius_mm**2 - away[index] ** 2))
            yield Disc(index, y, x, radius)

    def radius_px(self, disc: Disc) -> tuple[float, float]:
        """Down and across; of pixels that are absurdly small, what covers any slice."""
        rows_mm, cols_mm = self.headers[disc.index].spacing_mm
        return self._near(disc.radius_mm / rows_mm), self._near(disc.radius_mm / cols_mm)

    def outline(self, disc: Disc) -> Floats:
        """A disc as DICOM draws it: (n, 2) column and row, from the corner of the first pixel.

        A circle is its centre and a point on it (n 2); where pixels are no squares, an ellipse is the ends of the major
        axis, then those of the minor one (n 4).
        """
        y, x = disc.y + CENTRE_OF_PIXEL, disc.x + CENTRE_OF_PIXEL
        down, across = self.radius_px(disc)
        if down == across:
            return np.array([(x, y), (x + across, y)])
        ends = np.array([(x - across, y), (x + across, y), (x, y - down), (x, y + down)])
        return ends if across > down else ends[[2, 3, 0, 1]]

    def within(self, disc: Disc) -> NDArray[np.bool_]:
        """(rows, cols) of the slice of a disc: pixels whose centres it holds, and the one in its middle."""
        rows, cols = self.shape
        rows_mm, cols_mm = self.headers[disc.index].spacing_mm
        down = (np.arange(rows) - disc.y)[:, None] * rows_mm
        across = (np.arange(cols) - disc.x)[None, :] * cols_mm
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

    def _axes(self, index: int) -> tuple[Floats, Floats]:
        """Unit vectors along a row and down a column of a slice; slices of one series differ by what makers round."""
        orientation = np.array(self.headers[index].orientation, np.float64)
        along, down = orientation[:3], orientation[3:]
        return along / np.linalg.norm(along), down / np.linalg.norm(down)
