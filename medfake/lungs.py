"""Where lung is: one threshold, and the four questions that are asked of it.

`lung_pixels` with `judged_places`: where a detector judges a slice, and so where it is trained. The same arithmetic is
    a layer of the graph, hence no labelling and no shapes.
`lungs_in_slice`: the lungs of one slice as an organ, vessels inside them included, for cuts and blocks of lung. It
    needs the body around them, which a graph cannot find.
`deep_lung` with `deep_lung_cm2` and `lung_in_view`: whether a slice shows a chest at all, before a detector of lungs is
    believed, and where copies are looked for. It is measured in mm and well inside, where neither gas in a bowel or a
    sinus nor the foam of a table looks like lung.
`lungs_in_volume`: both lungs of a stack, coarse, for places of manipulations. It knows from neighbouring slices what is
    outside, and takes no part of the airways for lung because it is large in one slice.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

AIR_BELOW_HU: Final = -400
"""Halfway between lung and soft tissue."""
OPEN_AIR_HU: Final = -965
"""Air around the body and gas in bowels is darker than this on average, lung is not."""
AVERAGED_PX: Final = 17
"""Edge of the square over which open air is told from lung."""
PLACE_PX: Final = 96
"""Edge of what is judged at a place."""
PLACE_STEP_PX: Final = 16
"""Between neighbouring places."""
LEAST_LUNG_IN_PLACE: Final = 0.25
"""Share of lung in a place from which on it is judged."""
DARKEST_HU: Final = -1024
BRIGHTEST_HU: Final = 200
"""Values are clipped to this range before they are averaged, or one clip of metal would lift a whole square."""

LEAST_DEEP_LUNG_CM2: Final = 3.0
"""Piece of lung from which on a slice shows lung: an abdomen has 1 at most, the middle of a chest 50 to 200."""

VOLUME_STEP_PX: Final = 4
"""`lungs_in_volume` looks at every fourth row and column."""

_VESSEL_MM = 6.0  # vessels and nodules up to twice as thick are counted as lung
_SMALLEST = 0.002  # of the slice; a piece of lung below that is noise or bowel gas
_COARSE_PX = 2  # lungs of a slice are found on every second row and column
_CELL_MM = 2.0  # deep lung is looked for in the means of such cells
_DEEP_MM = 6.0  # from what is not lung
_SMALLEST_OF_VOLUME = 0.01  # share of the field of view

Pixels = NDArray[np.int16]
Mask = NDArray[np.bool_]


def lung_pixels(hu: Pixels) -> Mask:
    """Pixels darker than soft tissue whose surroundings of 17 px are brighter than open air.

    Args:
        hu: (rows, cols) int16 Hounsfield units.

    Returns:
        (rows, cols) bool.
    """
    clipped = np.clip(hu, DARKEST_HU, BRIGHTEST_HU)
    half = AVERAGED_PX // 2  # what lies beyond the border is not averaged
    total = square_sums(np.pad(clipped, half), AVERAGED_PX)
    down, across = (np.minimum(px + half, px[-1]) - np.maximum(px - half, 0) + 1 for px in map(np.arange, hu.shape))
    lung: Mask = (clipped < AIR_BELOW_HU) & (total > OPEN_AIR_HU * np.outer(down, across))
    return lung


def place_shares(lung: Mask, step_px: int = PLACE_STEP_PX, place_px: int = PLACE_PX) -> NDArray[np.float64]:
    """Share of lung in every place.

    Args:
        lung: (rows, cols) bool, from `lung_pixels`.
        step_px: Between neighbouring places.
        place_px: Edge of a place.

    Returns:
        (places down, places across) 0..1; place (i, j) is centred on row 48 + i step, column 48 + j step, 48 being half
        a place.
    """
    shares: NDArray[np.float64] = square_sums(lung, place_px, step_px) / place_px**2
    return shares


def judged_places(
    region: Mask, step_px: int = PLACE_STEP_PX, place_px: int = PLACE_PX, least: float = LEAST_LUNG_IN_PLACE
) -> NDArray[np.int64]:
    """Places of a slice that hold enough lung to be judged.

    Args:
        region: (rows, cols) bool, from `lung_pixels`; of other modalities that of `medfake.regions`.
        step_px: Between neighbouring places; a divisor of 16 finds those that a detector judges and more.
        place_px: Edge of a place.
        least: Share of it that must be lung, 0..1.

    Returns:
        (n, 2) row and column of their centres, px.
    """
    places: NDArray[np.int64] = np.argwhere(place_shares(region, step_px, place_px) >= least)
    return places * step_px + place_px // 2


def lungs_in_slice(hu: Pixels, spacing_mm: float) -> Mask:
    """Find the lungs of one slice, vessels inside them included.

    The body is the largest piece of tissue with its holes filled; air inside it is lung, small pieces left out. Trachea
    and bowel gas count as lung when they are large.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.

    Returns:
        (rows, cols) bool; all False when there are none.
    """
    import skimage.measure as measure
    import skimage.morphology as morphology
    from scipy import ndimage

    coarse = hu[::_COARSE_PX, ::_COARSE_PX]
    tissue = morphology.opening(coarse > AIR_BELOW_HU, morphology.disk(1))  # a table touches the body by a pixel or two
    pieces = measure.label(tissue, connectivity=1)
    empty = np.zeros(hu.shape, bool)
    if not pieces.any():
        return empty
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    body = ndimage.binary_fill_holes(pieces == largest)
    air = body & (coarse < AIR_BELOW_HU)
    sizes = np.bincount(measure.label(air, connectivity=1).ravel())
    keep = sizes >= _SMALLEST * coarse.size
    keep[0] = False
    lungs = keep[measure.label(air, connectivity=1)]
    if not lungs.any():
        return empty
    radius = max(1, round(_VESSEL_MM / (spacing_mm * _COARSE_PX)))
    wide = np.pad(lungs, radius)  # closing would otherwise eat into lungs at the border
    closed = ndimage.binary_fill_holes(morphology.closing(wide, morphology.disk(radius, decomposition="sequence")))
    inner = closed[radius:-radius, radius:-radius] & body
    fine: Mask = inner.repeat(_COARSE_PX, 0).repeat(_COARSE_PX, 1)[: hu.shape[0], : hu.shape[1]]
    return fine


def deep_lung_cm2(hu: Pixels, spacing_mm: float) -> float:
    """Area of the largest piece of lung at least 6 mm inside, vessels counted as lung.

    Lung is dark, on average over 13 mm brighter than open air, and within the convex hull of the largest piece of
    tissue: a narrow field of view cuts lungs open, so that they need not be enclosed.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.

    Returns:
        Square centimetres, 0 where there is none.
    """
    deep, dark, step = _deep(hu, spacing_mm)
    return _largest_cm2(deep & dark, spacing_mm * step)


def deep_lung(hu: Pixels, spacing_mm: float) -> Mask:
    """Lung at least 6 mm inside, with the vessels and nodules in it, in cells of 2 mm.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.

    Returns:
        (rows, cols) bool; all False where `lung_in_view` is.
    """
    deep, dark, step = _deep(hu, spacing_mm)
    fine = np.zeros(hu.shape, bool)
    if _largest_cm2(deep & dark, spacing_mm * step) >= LEAST_DEEP_LUNG_CM2:
        fine[: deep.shape[0] * step, : deep.shape[1] * step] = deep.repeat(step, 0).repeat(step, 1)
    return fine


def _largest_cm2(cells: Mask, cell_mm: float) -> float:
    """Area of the largest piece."""
    from scipy import ndimage

    sizes = np.bincount(ndimage.label(cells, np.ones((3, 3)))[0].ravel())[1:]
    return float(sizes.max(initial=0) * (cell_mm / 10) ** 2)


def _deep(hu: Pixels, spacing_mm: float) -> tuple[Mask, Mask, int]:
    """Cells of about 2 mm that lie deep in lung, those that are as dark as it, and their edge in px."""
    from scipy import ndimage

    step = max(1, round(_CELL_MM / spacing_mm))
    down, across = (edge // step for edge in hu.shape)
    clipped = np.clip(hu[: down * step, : across * step], DARKEST_HU, BRIGHTEST_HU).astype(np.float32)
    cells = clipped.reshape(down, step, across, step).mean(axis=(1, 3))
    tissue = ndimage.binary_erosion(cells > AIR_BELOW_HU, border_value=1)  # a table touches the body by a cell or two
    pieces, count = ndimage.label(ndimage.binary_dilation(tissue))
    if not count:
        return np.zeros(cells.shape, bool), np.zeros(cells.shape, bool), step
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    radius = max(1, round(_DEEP_MM / (spacing_mm * step)))
    average = ndimage.uniform_filter(cells, 2 * radius + 1)
    lung = (cells < AIR_BELOW_HU) & (average > OPEN_AIR_HU) & _convex_hull(pieces == largest)
    away = np.arange(-radius, radius + 1)
    disk = away[:, None] ** 2 + away**2 <= radius**2
    closed = ndimage.binary_closing(np.pad(lung, radius), disk)[radius:-radius, radius:-radius]
    deep = ndimage.binary_erosion(closed, disk, border_value=1)  # lung goes on where the field of view ends
    return deep, lung, step


def _convex_hull(mask: Mask) -> Mask:
    """Pixels whose centres lie in the convex hull of the centres of others; at least one is True."""
    rows = np.flatnonzero(mask.any(axis=1))
    left, right = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    down, across = np.arange(mask.shape[0]), np.arange(mask.shape[1])
    outer = np.full((2, mask.shape[0]), np.inf)  # both as distances from a side, so that the hull is below them
    for side, cols in enumerate((left, -right)):
        corners = _lower_hull(rows.tolist(), cols.tolist())
        inside = slice(rows[0], rows[-1] + 1)
        outer[side, inside] = np.interp(down[inside], *np.array(corners).T)
    edge = 1e-9  # centres on the hull's edge belong to it
    hull: Mask = (across >= outer[0][:, None] - edge) & (-across >= outer[1][:, None] - edge)
    return hull


def _lower_hull(x: list[int], y: list[int]) -> list[tuple[int, int]]:
    """Corners of the convex line below points, x ascending (Andrew's monotone chain)."""
    corners: list[tuple[int, int]] = []
    for point in zip(x, y, strict=True):
        while len(corners) > 1:
            (x0, y0), (x1, y1) = corners[-2:]
            if (x1 - x0) * (point[1] - y0) > (y1 - y0) * (point[0] - x0):
                break
            corners.pop()
        corners.append(point)
    return corners


def lung_in_view(hu: Pixels, spacing_mm: float) -> bool:
    """Whether a slice shows lung enough to judge it."""
    return deep_lung_cm2(hu, spacing_mm) >= LEAST_DEEP_LUNG_CM2


def lungs_in_volume(volume: Pixels) -> Mask:
    """Find both lungs of a stack, on every fourth row and column.

    Args:
        volume: (slices, rows, cols) int16 HU.

    Returns:
        (slices, rows/4, cols/4) bool; all False when no lung is found.
    """
    from scipy import ndimage

    coarse = volume[:, ::VOLUME_STEP_PX, ::VOLUME_STEP_PX]
    regions, count = ndimage.label(coarse < AIR_BELOW_HU)
    if not count:
        return np.zeros(coarse.shape, bool)
    rim = np.unique(
        np.concatenate([regions[:, edge, :].ravel() for edge in (0, -1)] + [regions[:, :, e].ravel() for e in (0, -1)])
    )
    sizes = np.bincount(regions.ravel())
    sizes[rim] = 0
    sizes[0] = 0
    keep = sizes >= _SMALLEST_OF_VOLUME * coarse.size
    lungs = keep[regions]
    closed: Mask = ndimage.binary_closing(lungs, structure=np.ones((1, 5, 5)), iterations=1) | lungs
    return closed


def square_sums(values: NDArray[Any], edge: int, step: int = 1) -> NDArray[np.int32]:
    """Sums over squares.

    Args:
        values: (rows, cols) integers or bool.
        edge: Of the squares, px.
        step: Between the corners of neighbouring squares, px.

    Returns:
        (down, across) of the squares that fit, from the upper left; empty where none does.
    """
    return _sums_down(_sums_down(values, edge, step).T, edge, step).T


def _sums_down(values: NDArray[Any], edge: int, step: int) -> NDArray[np.int32]:
    """(rows, cols) -> sums of `edge` rows."""
    up_to = np.zeros((len(values) + 1, values.shape[1]), np.int32)  # 65,535 rows of 17 x 1024 fit
    np.cumsum(values, axis=0, out=up_to[1:])
    sums: NDArray[np.int32] = up_to[edge::step] - up_to[:-edge:step]
    return sums
