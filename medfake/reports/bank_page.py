"""One HTML page that shows a bank: every manipulation beside the same place before; no script, no outside request."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.dicom.window import to_grey
from medfake.files import write_atomic
from medfake.reports.sentences import RESEARCH_ONLY
from medfake.tamper.bank import Bank, Change, SliceKind
from medfake.vocabulary import Evidence

CROP_PX: Final = 128
_SHOWN: Final = 4  # sites of a manipulation
_DIFFERENCE_HU: Final = 200.0  # either way, black to white
_GAP_PX: Final = 4
_KINDS: Final = {
    SliceKind.FORGED: ("Forged", "slices, each with a few sites"),
    SliceKind.TWIN: ("Twins", "the same slices before"),
    SliceKind.UNTOUCHED: ("Untouched", "other slices of the same patients"),
}


@dataclass(frozen=True)
class ManipulationRow:
    """What a bank holds of a manipulation.

    Attributes:
        pngs: Data URIs, one a site that is shown; none where slices are not.
    """

    name: str
    family: str
    code: str
    sites: int
    slices: int
    strong_mm2: float
    pngs: tuple[str, ...]


def write_bank_page(path: Path, bank: Bank, name: str, *, pictured: bool) -> None:
    """Write the page.

    Args:
        path: HTML file, e.g. reports/banks/chest.html.
        bank: The bank.
        name: Its key under `banks` in params.yaml.
        pictured: Whether slices are shown; those of one's own patients stay out of reports.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("medfake.reports"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    kinds = bank.slices.kind.value_counts()
    page = environment.get_template("bank.html.j2").render(
        name=name,
        bank=bank,
        patients=bank.slices.patient_id.nunique(),
        kinds=[(_KINDS[kind], int(kinds.get(kind, 0))) for kind in SliceKind],
        scanned=int(((bank.slices.scanner != "") & (bank.slices.kind == SliceKind.FORGED)).sum()),
        rows=manipulation_rows(bank, pictured=pictured),
        pictured=pictured,
        evidence=Evidence.FORGED.sentence,
        research_only=RESEARCH_ONLY,
    )
    with write_atomic(path) as file:
        file.write(page)


def manipulation_rows(bank: Bank, *, pictured: bool) -> list[ManipulationRow]:
    """Count what a bank holds of every manipulation, and show some of it, in the order of families."""
    rows = []
    for (family, name), sites in bank.sites.groupby(["family", "manipulation"]):
        sizes = [_strong_mm2(bank, site) for site in _shown(sites).itertuples()]
        pngs = tuple(map(_data_uri, triples(bank, str(name)))) if pictured else ()
        distinct = sites[["y", "x"]].assign(scan=bank.slices.scan.loc[sites.number].to_numpy()).drop_duplicates()
        rows.append(
            ManipulationRow(
                str(name), str(family), str(sites.code.iloc[0]), len(distinct), len(sites), float(np.mean(sizes)), pngs
            )
        )
    return rows


def triples(bank: Bank, manipulation: str, count: int = _SHOWN) -> list[NDArray[np.uint8]]:
    """Sites of a manipulation for eyes: each before, after and the difference, 128 px wide, lung window.

    Args:
        bank: The bank.
        manipulation: One of its manipulations.
        count: Sites at most, evenly spread over the bank.

    Returns:
        (rows, cols) grey values of each, three tiles beside each other.
    """
    sites = bank.sites[bank.sites.manipulation == manipulation]
    return [_triple(bank, site) for site in _shown(sites, count).itertuples()]


def _shown(sites: pd.DataFrame, count: int = _SHOWN) -> pd.DataFrame:
    """Evenly spread ones of the slices nearest to their sites' middles."""
    near = sites[sites.off_mm.abs() <= max(2.0, float(sites.off_mm.abs().min()))]
    return near.iloc[np.unique(np.linspace(0, len(near) - 1, min(count, len(near))).round().astype(int))]


def _triple(bank: Bank, site: Any) -> NDArray[np.uint8]:
    after = _crop(bank.hu(int(site.number)), site)
    before = _crop(bank.hu(int(bank.slices.twin.loc[site.number])), site)
    difference = (after.astype(np.float32) - before) / _DIFFERENCE_HU * 127 + 128
    tiles = [to_grey(before), to_grey(after), np.clip(difference, 0, 255)]
    return _beside([tile.astype(np.uint8) for tile in tiles], _GAP_PX)


def _crop(plane: NDArray[Any], site: Any) -> NDArray[Any]:
    """128 x 128 px around a site, shifted to lie within the slice."""
    top, left = (
        int(np.clip(centre - CROP_PX // 2, 0, max(0, n - CROP_PX)))
        for centre, n in zip((site.y, site.x), plane.shape, strict=True)
    )
    return np.asarray(plane[top : top + CROP_PX, left : left + CROP_PX])


def _strong_mm2(bank: Bank, site: Any) -> float:
    strong = _crop(bank.change(int(site.number)), site) == Change.STRONG
    return float(strong.sum()) * float(bank.slices.spacing_mm.loc[site.number]) ** 2


def _beside(tiles: list[NDArray[np.uint8]], gap_px: int) -> NDArray[np.uint8]:
    height = max(tile.shape[0] for tile in tiles)
    padded = [np.pad(tile, ((0, height - len(tile)), (0, gap_px)), constant_values=255) for tile in tiles]
    return np.concatenate(padded, axis=1)[:, :-gap_px]


def _data_uri(grey: NDArray[np.uint8]) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, grey, cmap="gray", vmin=0, vmax=255, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
