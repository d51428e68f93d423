"""Which slices count as tampered, which as real, and which as neither."""

import numpy as np
import pandas as pd

from medfake.config import ExtentLabelling, NeighboursLabelling
from medfake.vocabulary import TAMPERED_CODES, Evidence, LabelCode, Manipulation

ROUNDING_MM = 1e-3  # positions are decimal strings
TM_REACH_MM = 16.0  # a real nodule marks the slices that show it as matched negatives


def label_slices(
    slices: pd.DataFrame, sites: pd.DataFrame, rule: ExtentLabelling | NeighboursLabelling
) -> pd.DataFrame:
    """Label slices by their distance along z to the nearest labelled site of their scan.

    `extent`: tampered up to `tampered_mm`, real from `ignore_mm` on, in between neither. `neighbours` (Alsabbagh and
    Al-Kadi, section 3.2): tampered up to k slices away, no other slice of a tampered scan is used. Slices of untampered
    scans are real. Untouched slices of scans that medfake forged are copies of their originals and are left out.

    Args:
        slices: scans.parquet.
        sites: sites.parquet.
        rule: From params.yaml.

    Returns:
        The labelled slices with `label` (1 tampered), `distance_mm` (NaN without a site), `site_y`, `site_x` (px, NaN
        where no site is near), `z_relative` (0 first, 1 last slice of the scan; NaN of generated ones), and the slice's
        own `manipulation` and `generator` ("" for what is not tampered): those of the nearest site.
    """
    parts = [
        _label_scan(scan, sites[sites.scan_id == scan_id], rule)
        for scan_id, scan in slices.groupby("scan_id", sort=False)
    ]
    labelled = pd.concat(parts).sort_index()
    labelled["generator"] = labelled.generator.where(labelled.manipulation != Manipulation.NONE, "")
    return labelled


def _label_scan(scan: pd.DataFrame, sites: pd.DataFrame, rule: ExtentLabelling | NeighboursLabelling) -> pd.DataFrame:
    first, last = scan.z_mm.min(), scan.z_mm.max()
    scan = scan.assign(z_relative=(scan.z_mm - first) / max(last - first, ROUNDING_MM))
    if set(scan.manipulation) == {Manipulation.GENERATED}:
        return _label_generated(scan)
    if sites.empty:
        nothing = {"distance_mm": np.nan, "site_y": np.nan, "site_x": np.nan}
        return scan.assign(label=0, **nothing, manipulation=Manipulation.NONE.value)
    tampered_sites = sites[sites.kind.isin(TAMPERED_CODES)]
    tampered_scan = not tampered_sites.empty
    sites = tampered_sites if tampered_scan else sites  # a real nodule of a tampered scan is no tampered place
    away_mm = np.abs(scan.z_mm.to_numpy()[:, None] - sites.z_mm.to_numpy()[None, :])
    nearest = away_mm.argmin(axis=1)
    scan["distance_mm"] = away_mm.min(axis=1)
    scan["site_y"] = sites.y.to_numpy()[nearest].astype(float)
    scan["site_x"] = sites.x.to_numpy()[nearest].astype(float)
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


def _label_generated(scan: pd.DataFrame) -> pd.DataFrame:
    """All slices of a scan that was made whole: tampered with everywhere, at no site, and at no height of a body."""
    nowhere = dict.fromkeys(("z_relative", "distance_mm", "site_y", "site_x"), np.nan)
    return scan.assign(label=1, manipulation=Manipulation.GENERATED.value, **nowhere)


def _forget_far_sites(scan: pd.DataFrame, near: pd.Series) -> pd.DataFrame:
    scan.loc[~near.reindex(scan.index), ["site_y", "site_x"]] = np.nan
    return scan
