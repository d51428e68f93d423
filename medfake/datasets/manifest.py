"""The manifest: one row a slice, the table that every later stage reads."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from medfake.errors import ManifestError
from medfake.files import in_a_word
from medfake.remedies import Stage, make, rerun

MANIFEST_FILE = "manifest.parquet"
FACTS_FILE = "dataset.json"  # beside it: how the data set was made
SITES_FILE = "sites.parquet"  # beside it: a row a site
ON_NODULE, ELSEWHERE = "on_nodule", "elsewhere"  # of "negatives" there: real slices by what they lie around
SCHEMA_VERSION = 3
_TEXT, _REAL, _SMALL, _WHOLE = pa.string(), pa.float64(), pa.int8(), pa.int32()
SCHEMA = pa.schema(
    [
        ("slice_id", _TEXT),
        ("scan_id", _TEXT),
        ("patient_id", _TEXT),  # keyed pseudonym
        ("source", _TEXT),
        ("experiment", _TEXT),
        ("generator", _TEXT),
        ("manipulation", _TEXT),  # none, injected, removed, generated
        ("label", _SMALL),  # 1 tampered
        ("z_index", _WHOLE),
        ("z_mm", _REAL),
        ("distance_mm", _REAL),  # along z to the nearest site, null without one
        ("site_y", _REAL),  # px, null when no site is near
        ("site_x", _REAL),
        ("split", _TEXT),  # train, val, test
        ("fold", _WHOLE),
        ("shard", _TEXT),
        ("row", _WHOLE),
        ("sha256", _TEXT),  # of the int16 pixels
        ("rows", _WHOLE),
        ("cols", _WHOLE),
        ("spacing_mm", _REAL),
        ("thickness_mm", _REAL),
        ("hu_min", _WHOLE),  # HU; of other modalities than CT in their units
        ("hu_max", _WHOLE),
        ("air_fraction", _REAL),  # share of voxels below -900 HU; null of other modalities than CT
        ("manufacturer", _TEXT),
        ("kernel", _TEXT),
        ("transfer_syntax", _TEXT),
        ("lossy", pa.bool_()),
        ("quality_flags", _TEXT),
        ("view", _TEXT),  # whole, localized, delocalized; rows, cols and the site are those of the stored image
        ("transform", _TEXT),  # "" for the slice itself, else how this copy was made
        ("bits_stored", _WHOLE),
        ("intercept", _REAL),  # of the modality LUT, HU
        ("padding", _REAL),  # stored value that means "no data", null without one
        ("modality", _TEXT),  # CT, MR or X-ray; one a data set, and it says the units of pixels
    ],
    metadata={"medfake_manifest_version": str(SCHEMA_VERSION)},
)


def write_manifest(manifest: pd.DataFrame, folder: Path) -> None:
    """Write manifest.parquet with the schema, columns in its order."""
    table = pa.Table.from_pandas(manifest[SCHEMA.names], schema=SCHEMA, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(SCHEMA.metadata), folder / MANIFEST_FILE)


def read_manifest(folder: Path) -> pd.DataFrame:
    """Read manifest.parquet.

    Raises:
        ManifestError: It is missing, of another version, or lacks a column.
    """
    path = folder / MANIFEST_FILE
    if not path.exists():
        raise ManifestError("there is no manifest", where=path, remedy=make(Stage.SLICES, folder.name))
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(
            "the manifest cannot be read",
            where=path,
            received=in_a_word(error),
            remedy=rerun(Stage.SLICES, folder.name),
        ) from None
    version = (table.schema.metadata or {}).get(b"medfake_manifest_version", b"none").decode()
    if version != str(SCHEMA_VERSION):
        raise ManifestError(
            f"expected manifest version {SCHEMA_VERSION}",
            where=path,
            received=version,
            remedy=rerun(Stage.SLICES, folder.name),
        )
    missing = [name for name in SCHEMA.names if name not in table.schema.names]
    if missing:
        raise ManifestError(
            "the manifest lacks columns",
            where=path,
            received=", ".join(missing),
            remedy=rerun(Stage.SLICES, folder.name),
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame
