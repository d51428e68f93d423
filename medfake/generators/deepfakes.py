"""Deepfakes as DICOM: one slice each, a series and a patient of its own, marked as synthetic."""

import csv
import io
from pathlib import Path
from typing import Final

import numpy as np

from medfake.datasets.sources.generated import COLUMNS, TABLE_FILE
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.files import replace_folder, write_atomic
from medfake.generators.stored import StoredGenerator
from medfake.progress import track
from medfake.vocabulary import Evidence

_DERIVATION: Final = "Synthetic: the whole slice was made by a generative network, no patient"
_THICKNESS_MM = 1.0  # a slice of no volume; there is no other


def write_deepfakes(generator: StoredGenerator, folder: Path, count: int) -> None:
    """Write slices of a generator, half of them of each class; the bytes depend on the graph and the count alone.

    Args:
        generator: Its facts tell seed, spacing and what its figures are worth.
        folder: Replaced; gets generated.csv and a folder with "0.dcm" for each slice.
        count: How many.
    """
    facts, name = generator.facts, folder.name
    phantom = facts["evidence"] == Evidence.PHANTOM
    table = io.StringIO()
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(COLUMNS)
    with replace_folder(folder) as new:
        made = generator.slices(int(facts["plan"]["seed"]), count)
        for number, (hu, nodule) in enumerate(track(made, f"writing slices of {name}", count)):
            key = f"{number:04d}"
            template = SeriesTemplate(
                patient_id=f"GENERATED-{name}-{key}", manufacturer="medfake", model=str(facts["kind"]),
                kernel="", thickness_mm=_THICKNESS_MM, spacing_mm=(facts["spacing_mm"],) * 2,
            )  # fmt: skip
            write_series(
                new / key, hu[None], np.zeros((1, 3)), template, uid_seed=f"{name}/{facts['key']}/{key}",
                synthetic=Evidence.PHANTOM if phantom else Evidence.FORGED, derivation=_DERIVATION,
            )  # fmt: skip
            lines.writerow([f"{key}/0.dcm", nodule, number, facts["kind"]])
        with write_atomic(new / TABLE_FILE) as file:
            file.write(table.getvalue())
