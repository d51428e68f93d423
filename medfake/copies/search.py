"""Patches of one noise in two places, and which of them agree on how tissue got from one to the other.

Pairs are looked for among patches that fall into one bucket of a few random projections (locality-sensitive hashing,
Charikar 2002). A single pair is chance; pairs that name one flip, one shift and one step between slices, near each
other, are a copy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.copies.patches import FINENESS, FORMS, Patches, form_matrix

LEAST_PAIRS: Final = 3
"""Patches that must agree."""
LEAST_ALIKE: Final = 0.95
"""Cosine of two codes from which on they are one noise."""
LEAST_APART_MM: Final = 10.0
"""In plane: a vessel that runs through slices is alike at next to the same place of each."""
REACH_MM: Final = 20.0
"""Between patches of one copy."""
MOST_COPIES: Final = 5

_TABLES, _BITS = 5, 14
_SIGNS = 64
_MOST_SIGNS_APART = 20  # of 64; codes of a cosine of 0.95 differ in 6 on average
_LONGEST_BUCKET = 200  # neighbours of a patch that are looked at in one bucket
_MOST_PAIRS = 20_000  # whatever was copied, it gives fewer; a pattern that fills the lungs gives more
_SHIFT_PX = 1.5  # by which patches of one copy may disagree


@dataclass(frozen=True)
class Place:
    """Middle of a piece of tissue: its slice, that one's position along the normal, row and column in px."""

    slice_index: int
    z_mm: float
    y: float
    x: float


@dataclass(frozen=True)
class Copy:
    """Tissue that stands twice. Which of the two is the copy is not seen by this.

    Attributes:
        pairs: Patches that agree, at least 3.
        one: Middle of one of the two.
        other: Middle of the other.
        slices: Indices of slices that show either, ascending.
    """

    pairs: int
    one: Place
    other: Place
    slices: tuple[int, ...]


def find_copies(
    slices: Sequence[Patches], z_mm: NDArray[np.float64], spacing_mm: tuple[float, float]
) -> tuple[Copy, ...]:
    """Find tissue that stands twice in a scan.

    Args:
        slices: Patches of each of n slices.
        z_mm: (n,) their positions along the normal.
        spacing_mm: Between rows, between columns.

    Returns:
        At most 5, those of most pairs first; none where a pattern repeats all over the lungs.
    """
    index = np.repeat(np.arange(len(slices)), [len(one) for one in slices])
    if len(index) < 2:
        return ()
    at_px, code = (np.concatenate([getattr(one, name) for one in slices]) for name in ("at_px", "code"))
    form = np.concatenate([one.form for one in slices])
    found = _Pairs.of(_alike(code, index, at_px * np.array(spacing_mm)), index, at_px, form)
    return tuple(_copies(found, np.asarray(z_mm, np.float64), np.array(spacing_mm)))


def _alike(code: NDArray[np.float32], index: NDArray[np.int64], at_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    """(pairs, 2) patches of one noise in two places, that of the earlier slice first; none where all are alike."""
    rng = np.random.default_rng(1)
    weight = (1 / (1 + FINENESS / 6)).astype(np.float32)
    signs = _signs(code, rng)
    found = [np.zeros((0, 2), np.int64)]
    for _ in range(_TABLES):
        planes = weight[:, None] * rng.standard_normal((len(FINENESS), _BITS)).astype(np.float32)
        bucket = (code @ planes > 0) @ (1 << np.arange(_BITS))
        for pairs in _within_buckets(bucket):
            near = pairs[np.bitwise_count(signs[pairs[:, 0]] ^ signs[pairs[:, 1]]) <= _MOST_SIGNS_APART]
            apart = near[np.hypot(*(at_mm[near[:, 0]] - at_mm[near[:, 1]]).T) > LEAST_APART_MM]
            found.append(apart[_cosine(code, apart) > LEAST_ALIKE])
            if sum(map(len, found)) > _TABLES * _MOST_PAIRS:
                return found[0]
    some = np.concatenate(found)
    later = index[some[:, 0]] > index[some[:, 1]]
    return np.unique(np.where(later[:, None], some[:, ::-1], some), axis=0)


def _signs(code: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint64]:
    """(n,) on which side of 64 planes each code lies, a bit each."""
    planes = rng.standard_normal((len(FINENESS), _SIGNS)).astype(np.float32)
    return np.packbits(code @ planes > 0, axis=1).view(np.uint64)[:, 0]


def _cosine(code: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    cosine: NDArray[np.float32] = np.einsum("nk,nk->n", code[pairs[:, 0]], code[pairs[:, 1]])
    return cosine


def _within_buckets(bucket: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """(pairs, 2) patches in one bucket, those one place apart in it, then those two apart, and so on."""
    order = np.argsort(bucket, kind="stable")
    ordered = bucket[order]
    for lag in range(1, min(len(order), _LONGEST_BUCKET)):
        same = ordered[lag:] == ordered[:-lag]
        if not same.any():
            return
        yield np.column_stack([order[:-lag][same], order[lag:][same]])


@dataclass(frozen=True)
class _Pairs:
    """What pairs of patches say: where each is, and how tissue would have got from the first to the second."""

    first: NDArray[np.float64]  # (n, 3) slice index, row, column
    second: NDArray[np.float64]
    turn: NDArray[np.int64]  # (n,) which of 8
    shift: NDArray[np.float64]  # (n, 2) px

    @classmethod
    def of(
        cls, pairs: NDArray[np.int64], index: NDArray[np.int64], at_px: NDArray[np.int32], form: NDArray[np.int8]
    ) -> "_Pairs":
        matrices = np.stack([form_matrix(one) for one in range(FORMS)])
        one, other = matrices[form[pairs[:, 0]]], matrices[form[pairs[:, 1]]]
        turns = np.einsum("nji,njk->nik", other, one)  # to the common form, and back to the form of the other
        first, second = (np.column_stack([index[each], at_px[each]]).astype(float) for each in pairs.T)
        shift = second[:, 1:] - np.einsum("nij,nj->ni", turns, first[:, 1:])
        return cls(first, second, (turns.reshape(-1, 4) + 1) @ (3 ** np.arange(4)), shift)


def _copies(pairs: _Pairs, z_mm: NDArray[np.float64], spacing_mm: NDArray[np.float64]) -> Iterator[Copy]:
    """Groups of pairs that agree, the largest first; each pair is in one of them."""
    from scipy.spatial import cKDTree

    way = np.column_stack([pairs.turn, pairs.second[:, 0] - pairs.first[:, 0]])
    _, way = np.unique(way, axis=0, return_inverse=True)
    where_mm = np.column_stack([z_mm[pairs.first[:, 0].astype(int)], pairs.first[:, 1:] * spacing_mm])
    # one distance for all: ways apart are out of reach, and so are shifts of more than 1.5 px
    space = np.column_stack([way * (10 * REACH_MM), pairs.shift * (REACH_MM / _SHIFT_PX), where_mm])
    left = np.ones(len(space), bool)
    for _ in range(MOST_COPIES):
        if left.sum() < LEAST_PAIRS:
            return
        members = np.flatnonzero(left)
        tree = cKDTree(space[members])
        near = tree.query_ball_point(space[members], REACH_MM, return_length=True)
        best = int(np.argmax(near))
        if near[best] < LEAST_PAIRS:
            return
        group = members[tree.query_ball_point(space[members[best]], REACH_MM)]
        left[group] = False
        shown = np.unique(np.concatenate([pairs.first[group, 0], pairs.second[group, 0]])).astype(int)
        one, other = (_middle(places[group], z_mm) for places in (pairs.first, pairs.second))
        yield Copy(len(group), one, other, tuple(shown.tolist()))


def _middle(places: NDArray[np.float64], z_mm: NDArray[np.float64]) -> Place:
    index, y, x = np.median(places, axis=0)
    return Place(int(index), float(z_mm[int(index)]), float(y), float(x))
