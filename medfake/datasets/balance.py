"""As many real slices as tampered ones in every split, by down-sampling; and which real slices they are."""

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.config import BalanceParams
from medfake.datasets.labelling import ROUNDING_MM
from medfake.vocabulary import CLASSES

NODULE_SHARE = 0.25  # of matched negatives: slices that show a real nodule, as far as there are any
HOME_SHARE = 0.5  # of the other matched negatives: slices of the sources that the fakes come from
_Z_BINS = 10
Floats = NDArray[np.float64]
Counts = NDArray[np.int_]


def balance(slices: pd.DataFrame, params: BalanceParams, classes: int = 2) -> pd.DataFrame:
    """Down-sample to equal classes in every split.

    `negatives: random` draws real slices uniformly (Alsabbagh and Al-Kadi). `negatives: matched` draws some like the
    tampered ones, so that neither source nor place along the body gives the class away: a quarter shows a real nodule,
    half of the others comes from the fakes' own sources, both as far as there are any; their relative positions along z
    are distributed as those of the tampered slices, and scans take turns. Lung area is not looked at: no pixel has been
    decoded yet, and position along z stands in for it. `negatives: nodules` draws slices on which an annotated nodule
    has its centre, then others that show one, scans in turn, and matched ones where these do not suffice (Solaiyappan
    and Wen, section 3.1.1, whose untampered scans come with the places of their nodules).

    Args:
        slices: With label, manipulation, split; for matched also source, scan_id, z_relative, site_y; for nodules also
            distance_mm.
        params: Seed and kind of negatives.
        classes: 2 for real and tampered; 3 for none, removed and injected in equal parts.

    Returns:
        The kept rows in their old order.
    """
    rng = np.random.default_rng(params.seed)
    column, values = _column_and_values(classes)
    kept: list[int] = []
    for _, split in slices.groupby("split", sort=True):
        count = int(split[column].value_counts().reindex(values, fill_value=0).min())
        for value in values:
            kept += _draw(split[split[column] == value], split[split.label == 1], count, params, rng)
    return slices.loc[sorted(kept)]


def top_up(kept: pd.DataFrame, spare: pd.DataFrame, params: BalanceParams, classes: int = 2) -> pd.DataFrame:
    """Draw what is missing of a class after some of its slices turned out to be unusable.

    Args:
        kept: What is usable of an earlier draw.
        spare: Slices that were not drawn yet.
        params: Of the earlier draw.
        classes: Of the earlier draw.

    Returns:
        Rows of `spare`, in their old order; empty when every split is balanced or nothing is left to balance it with.
    """
    rng = np.random.default_rng(params.seed)
    column, values = _column_and_values(classes)
    drawn: list[int] = []
    for name, split in kept.groupby("split", sort=True):
        left = spare[spare.split == name]
        counts, reserve = ([int((rows[column] == value).sum()) for value in values] for rows in (split, left))
        goal = min(max(counts), *(have + more for have, more in zip(counts, reserve, strict=True)))
        for value, have in zip(values, counts, strict=True):
            missing = max(0, goal - have)
            drawn += _draw(left[left[column] == value], split[split.label == 1], missing, params, rng)
    return spare.loc[sorted(drawn)]


def _column_and_values(classes: int) -> tuple[str, list[object]]:
    return ("label", [0, 1]) if classes == 2 else ("manipulation", list(CLASSES))


def _draw(rows: pd.DataFrame, tampered: pd.DataFrame, count: int, params: BalanceParams, rng: Generator) -> list[int]:
    chosen: list[int] = []
    if params.negatives == "nodules" and rows.label.eq(0).all():
        chosen = _on_nodules(rows, count, rng)
        rows, count = rows.drop(index=chosen), count - len(chosen)
    return chosen + _draw_others(rows, tampered, count, params, rng)


def _draw_others(
    rows: pd.DataFrame, tampered: pd.DataFrame, count: int, params: BalanceParams, rng: Generator
) -> list[int]:
    if params.negatives != "random" and rows.label.eq(0).all() and len(tampered):
        return _matched(rows, tampered, count, rng)
    return [int(index) for index in rng.choice(rows.index.to_numpy(), size=count, replace=False)] if count else []


def _on_nodules(real: pd.DataFrame, count: int, rng: Generator) -> list[int]:
    """Index of up to `count` real slices with a nodule: those of its centre first, each kind scan by scan in turn."""
    nodule = real.site_y.notna()
    centre = nodule & (real.distance_mm <= ROUNDING_MM)
    order = [index for kind in (centre, nodule & ~centre) for index in _in_turns(real.scan_id[kind], rng)]
    return order[:count]


def _matched(real: pd.DataFrame, tampered: pd.DataFrame, count: int, rng: Generator) -> list[int]:
    """Index of `count` real slices that resemble the tampered ones."""
    if not count:
        return []
    nodule = real.site_y.notna()
    home = real.source.isin(set(tampered.source))
    chosen = _like(real[nodule], tampered, round(count * NODULE_SHARE), rng)
    rest = real.drop(index=chosen)
    left = count - len(chosen)
    chosen += _like(rest[~home[rest.index]], tampered, left - round(left * HOME_SHARE), rng)
    rest = real.drop(index=chosen)
    chosen += _like(rest[home[rest.index]], tampered, count - len(chosen), rng)
    return chosen + _like(real.drop(index=chosen), tampered, count - len(chosen), rng)


def _like(pool: pd.DataFrame, tampered: pd.DataFrame, count: int, rng: Generator) -> list[int]:
    """Up to `count` rows of a pool, distributed along z as the tampered slices are, scans in turn.

    Where no tampered slice has a place in a body, as of generated ones, they are distributed as the pool is.
    """
    count = min(count, len(pool))
    bins = _z_bins(pool)
    placed = tampered[tampered.z_relative.notna()]
    of_tampered = _z_bins(placed) if len(placed) else bins
    share = np.bincount(of_tampered, minlength=_Z_BINS) / max(len(of_tampered), 1)
    queues = [_in_turns(pool.scan_id[bins == number], rng) for number in range(_Z_BINS)]
    taken = _shares(share, np.array([len(queue) for queue in queues]), count)
    return [index for queue, n in zip(queues, taken.tolist(), strict=True) for index in queue[:n]]


def _z_bins(slices: pd.DataFrame) -> Counts:
    bins: Counts = np.clip((slices.z_relative.to_numpy() * _Z_BINS).astype(int), 0, _Z_BINS - 1)
    return bins


def _shares(share: Floats, room: Counts, count: int) -> Counts:
    """Deal `count` over bins in the wanted shares; what a full bin cannot take goes where most is lacking."""
    taken: Counts = np.minimum(np.floor(share * count).astype(int), room)
    for _ in range(count - int(taken.sum())):
        lacking = np.where(taken < room, share * count - taken, -np.inf)
        taken[int(lacking.argmax())] += 1
    return taken


def _in_turns(scans: "pd.Series[str]", rng: Generator) -> list[int]:
    """Index of rows, so ordered that every scan gives one slice before any gives a second."""
    shuffled = scans.iloc[rng.permutation(len(scans))]
    turn = shuffled.groupby(shuffled, sort=False).cumcount()
    order = shuffled.index.to_numpy()[np.argsort(turn.to_numpy(), kind="stable")]
    return [int(index) for index in order]
