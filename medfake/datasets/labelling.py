"""Which slices have label 1, which have 0, and which are of no use to a data set."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import AnyLabelling, ExtentLabelling, NeighboursLabelling, NodulesLabelling
from medfake.vocabulary import TAMPERED_CODES, Evidence, LabelCode, Manipulation

ROUNDING_MM = 1e-3  # positions are decimal strings
NO_SITE = {"distance_mm": np.nan, "site_y": np.nan, "site_x": np.nan}
TM_REACH_MM = 16.0  # a real nodule marks the slices that show it as matched negatives


def label_slices(slices: pd.DataFrame, sites: pd.DataFrame, rule: AnyLabelling) -> pd.DataFrame:
    """Label slices by their distance along z to the nearest labelled site of their scan.

    `extent`: tampered up to `tampered_mm`, real from `ignore_mm` on, in between neither. `neighbours` (Alsabbagh and
    Al-Kadi, section 3.2): tampered up to k slices away, no other slice of a tampered scan is used. Slices of untampered
    scans are real. Untouched slices of scans that medfake forged are copies of their originals and are left out.
    Slices of scans that were generated whole are tampered under either rule.
    `nodules`: 1 where a reader outlined a nodule, 0 at least `ignore_mm` from every outline and every mark of the scan;
    only untampered scans whose nodules were looked for are used.

    Args:
        slices: scans.parquet.
        sites: sites.parquet.
        rule: From params.yaml.

    Returns:
        The labelled slices with `label` (1 tampered, or showing a nodule), `distance_mm` (NaN without a site),
        `site_y`, `site_x` (px, NaN where no site is near), `z_relative` (0 first, 1 last slice of the scan; NaN of
        generated ones), and the slice's own `manipulation` and `generator` ("" for what is not tampered): those of the
        nearest site.
    """
    parts = []
    for scan_id, scan in slices.groupby("scan_id", sort=False):
        own = sites[sites.scan_id == scan_id]
        labelled = (
            _label_nodules(scan, own, rule) if isinstance(rule, NodulesLabelling) else _label_scan(scan, own, rule)
        )
        parts.append(labelled)
    labelled = pd.concat(parts).sort_index()
    labelled["generator"] = labelled.generator.where(labelled.manipulation != Manipulation.NONE, "")
    return labelled


def _label_scan(scan: pd.DataFrame, sites: pd.DataFrame, rule: ExtentLabelling | NeighboursLabelling) -> pd.DataFrame:
    if set(scan.manipulation) == {Manipulation.GENERATED}:
        return scan.assign(label=1, z_relative=np.nan, **NO_SITE)  # tampered everywhere, at no height of a body
    scan = scan.assign(z_relative=_z_relative(scan))
    if sites.empty:
        return scan.assign(label=0, **NO_SITE, manipulation=Manipulation.NONE.value)
    tampered_sites = sites[sites.kind.isin(TAMPERED_CODES)]
    tampered_scan = not tampered_sites.empty
    sites = tampered_sites if tampered_scan else sites  # a real nodule of a tampered scan is no tampered place
    scan, nearest = _with_nearest_site(scan, sites)
    scan["manipulation"] = [LabelCode(kind).manipulation.value for kind in sites.kind.to_numpy()[nearest]]
    if not tampered_scan:
        scan["label"] = 0
        return _forget_far_sites(scan, scan.distance_mm <= TM_REACH_MM)
    scan["generator"] = sites.generator.to_numpy()[nearest]
    if isinstance(rule, ExtentLabelling):
        tampered = scan.distance_mm <= rule.tampered_mm + ROUNDING_MM
        real = (scan.distance_mm >= rule.ignore_mm - ROUNDING_MM) & (scan.synthetic != Evidence.FORGED)
    else:
        steps = np.abs(scan.z_index.to_numpy()[:, None] - sites.z_index.to_numpy()[None, :]).min(axis=1)
        tampered = pd.Series(steps <= rule.k, index=scan.index)
        real = pd.Series(data=False, index=scan.index)
    scan["label"] = tampered.astype(int)
    scan.loc[~tampered, "manipulation"] = Manipulation.NONE.value
    return _forget_far_sites(scan[tampered | real], tampered)


def _label_nodules(scan: pd.DataFrame, sites: pd.DataFrame, rule: NodulesLabelling) -> pd.DataFrame:
    scan = scan.assign(z_relative=_z_relative(scan), label=0, **NO_SITE)
    untampered = scan.manipulation.eq(Manipulation.NONE).all() and not sites.kind.isin(TAMPERED_CODES).any()
    outlined = sites.dropna(subset=["low_mm", "high_mm"])
    if not untampered or not scan.annotated.all() or len(outlined) < len(sites):
        return scan[:0]  # nobody knows what its slices show
    z_mm = scan.z_mm.to_numpy()[:, None]
    from_mark_mm = np.abs(z_mm - scan.z_mm[scan.marked].to_numpy()).min(axis=1, initial=np.inf)
    unmarked: NDArray[np.bool_] = from_mark_mm >= rule.ignore_mm - ROUNDING_MM
    if outlined.empty:
        return scan[unmarked]
    low, high = outlined.low_mm.to_numpy(), outlined.high_mm.to_numpy()
    gaps_mm = np.maximum(np.maximum(low - z_mm, z_mm - high), 0)
    gap_mm = gaps_mm.min(axis=1)
    scan, _ = _with_nearest_site(scan, outlined)
    scan = scan.assign(**_places(outlined, gaps_mm.argmin(axis=1)))  # shown, though others may be nearer
    shows, away = gap_mm <= ROUNDING_MM, (gap_mm >= rule.ignore_mm - ROUNDING_MM) & unmarked
    scan["label"] = shows.astype(int)
    return _forget_far_sites(scan[shows | away], pd.Series(shows, scan.index))


def _z_relative(scan: pd.DataFrame) -> "pd.Series[float]":
    first, last = scan.z_mm.min(), scan.z_mm.max()
    relative: pd.Series[float] = (scan.z_mm - first) / max(last - first, ROUNDING_MM)
    return relative


def _with_nearest_site(scan: pd.DataFrame, sites: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Distance along z to the nearest site, its place, and which it is."""
    away_mm = np.abs(scan.z_mm.to_numpy()[:, None] - sites.z_mm.to_numpy()[None, :])
    nearest = away_mm.argmin(axis=1)
    return scan.assign(distance_mm=away_mm.min(axis=1), **_places(sites, nearest)), nearest


def _places(sites: pd.DataFrame, which: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    return {f"site_{axis}": sites[axis].to_numpy()[which].astype(float) for axis in ("y", "x")}


def _forget_far_sites(scan: pd.DataFrame, near: pd.Series) -> pd.DataFrame:
    place = ["site_y", "site_x"]
    return scan.assign(**scan[place].where(near.reindex(scan.index)))
