"""A bank of manipulated slices with exact masks, each beside the same slice before: what dense detectors learn from.

Files of a bank: slices.parquet, sites.parquet, bank.json, and shards of slices of one size: hu-*.npy (n, rows, cols)
int16 Hounsfield units and change-*.npy (n, rows, cols) uint8, see `Change`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.errors import ManifestError
from medfake.files import in_a_word, sha256_file
from medfake.remedies import Stage, make, rerun

SLICES_FILE: Final = "slices.parquet"
SITES_FILE: Final = "sites.parquet"
FACTS_FILE: Final = "bank.json"

SLICE_COLUMNS: Final = (
    "number",  # 0, 1, ...: the row
    "patient_id",  # pseudonym
    "scan",  # ordinal of the series that it was made from
    "manufacturer",
    "kernel",
    "spacing_mm",  # of rows and columns
    "z_mm",  # along the normal, from the series' first slice
    "scanner",  # word of the virtual scanner, "" for none
    "kind",  # see `SliceKind`
    "twin",  # number of the same slice before it was manipulated; -1 unless forged
    "shard",  # ordinal in the files' names
    "row",  # in the shard
)
SITE_COLUMNS: Final = (
    "number",  # of the slice
    "manipulation",  # name in MANIPULATIONS
    "family",  # of manipulations that leave like traces
    "code",  # FM or FB
    "y",  # px
    "x",  # px
    "off_mm",  # of the slice from the middle of the site, along z
)


class SliceKind(StrEnum):
    """What a slice of a bank is."""

    FORGED = "forged"
    """Manipulated at some sites."""
    TWIN = "twin"
    """The same slice of the same stack before."""
    UNTOUCHED = "untouched"
    """As the scanner made it."""


class Change(IntEnum):
    """What became of a voxel."""

    NONE = 0
    WEAK = 1
    """By less than noise hides, or so near a change that it is neither."""
    STRONG = 2


@dataclass(frozen=True)
class Bank:
    """A bank, opened for reading.

    Attributes:
        slices: One row a slice, see SLICE_COLUMNS; the index is `number`.
        sites: One row a site and slice, see SITE_COLUMNS.
        digest: SHA-256 of slices.parquet; names the bank.
    """

    folder: Path
    slices: pd.DataFrame
    sites: pd.DataFrame
    digest: str

    @classmethod
    def open(cls, folder: Path) -> "Bank":
        """Open what the stage `bank` wrote.

        Raises:
            ManifestError: A part is missing or cannot be read.
        """
        if not folder.exists():
            raise ManifestError("the bank of manipulated slices was not made", where=folder, remedy=make(Stage.BANK))
        try:
            slices, sites = (pd.read_parquet(folder / name) for name in (SLICES_FILE, SITES_FILE))
        except (OSError, ValueError) as error:
            raise ManifestError(
                "the bank of manipulated slices is not whole", where=folder, received=in_a_word(error),
                remedy=rerun(Stage.BANK),
            ) from None  # fmt: skip
        return cls(folder, slices.set_index("number", drop=False), sites, sha256_file(folder / SLICES_FILE))

    def hu(self, number: int) -> NDArray[np.int16]:
        """(rows, cols) int16 HU of a slice, read where it is looked at."""
        plane: NDArray[np.int16] = self._shard("hu", number)
        return plane

    def change(self, number: int) -> NDArray[np.uint8]:
        """(rows, cols) of `Change`; all NONE where nothing was forged."""
        plane: NDArray[np.uint8] = self._shard("change", number)
        return plane

    def of_patients(self, leave_out: Sequence[str]) -> pd.DataFrame:
        """Slices of all patients but some."""
        return self.slices[~self.slices.patient_id.isin(list(leave_out))]

    def _shard(self, kind: str, number: int) -> Any:
        place: Any = self.slices.loc[number]
        return _map(shard_file(self.folder, kind, int(place["shard"])), self.digest)[int(place["row"])]


def shard_file(folder: Path, kind: str, shard: int) -> Path:
    """File of a shard; `kind` is "hu" or "change"."""
    return folder / f"{kind}-{shard:04d}.npy"


@lru_cache(maxsize=512)
def _map(path: Path, digest: str) -> NDArray[Any]:  # noqa: ARG001  # the digest keeps a bank made anew from getting the old maps
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ManifestError(
            "a shard of the bank is missing or damaged", where=path, received=in_a_word(error),
            remedy=rerun(Stage.BANK),
        ) from None  # fmt: skip
    return mapped
