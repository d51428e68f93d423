"""One HTML page that shows what a data set is: counts, guards, probes, slices; no script, no outside request."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.checks.suite import CheckReport
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.split import is_leaky
from medfake.dicom.window import grey_of
from medfake.files import write_atomic
from medfake.probes.report import ProbeReport
from medfake.remedies import Stage, rerun
from medfake.reports.sentences import RESEARCH_ONLY, nodules_text
from medfake.vocabulary import Manipulation, Modality, Split

_SHOWN: Final = 4  # slices of each class
_LARGEST_PX: Final = 288


@dataclass(frozen=True)
class SplitRow:
    """What a split holds."""

    name: str
    patients: int
    scans: int
    real: int
    injected: int
    removed: int
    generated: int

    @property
    def slices(self) -> int:
        """All of them."""
        return self.real + self.injected + self.removed + self.generated


@dataclass(frozen=True)
class Picture:
    """A slice for eyes.

    Attributes:
        png: Data URI, lung window.
        site: Centre of the site in percent of the width and height; None without one.
    """

    png: str
    caption: str
    site: tuple[float, float] | None
    ratio: float


def write_dataset_page(
    path: Path,
    data: Dataset,
    params: DatasetParams,
    checks: CheckReport,
    probes: ProbeReport | None,
    *,
    pictured: bool | None = None,
) -> None:
    """Write the page.

    Pictures are shown of public sets unless told otherwise: slices of one's own patients stay out of reports.

    Args:
        path: HTML file, e.g. reports/checks/chest.html.
        data: The data set.
        params: Its block of params.yaml.
        checks: What the guards found.
        probes: What the probes found; None for a data set that is broken and was not probed.
        pictured: Whether slices are shown; None for those of public sets only.
    """
    from jinja2 import Environment, PackageLoader

    shown = params.identifiers == "public" if pictured is None else pictured
    environment = Environment(
        loader=PackageLoader("medfake.reports"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("dataset.html.j2").render(
        data=data,
        params=params,
        checks=checks,
        probes=probes,
        evidence=data.evidence.sentence,
        leaky=is_leaky(params.split.protocol),
        splits=split_rows(data.manifest),
        scanners=_scanners(data.manifest),
        facts=_facts(data, params),
        pictures=pictures(data) if shown else [],
        anew=rerun(Stage.PROBE, data.name),
        research_only=RESEARCH_ONLY,
    )
    with write_atomic(path) as file:
        file.write(page)


def split_rows(manifest: pd.DataFrame) -> list[SplitRow]:
    """Count patients, scans and slices of each kind, split by split."""
    rows = []
    for name in Split:
        of_split = manifest[manifest.split == name]
        kinds = of_split.manipulation.value_counts()
        counts = (int(kinds.get(kind, 0)) for kind in Manipulation)
        rows.append(SplitRow(name, of_split.patient_id.nunique(), of_split.scan_id.nunique(), *counts))
    return rows


def pictures(data: Dataset) -> list[Picture]:
    """A few slices of each class, evenly spread over the train split."""
    train = data.split(Split.TRAIN)
    train = train[train["transform"] == ""]
    shown = [_spread(train[train.label == label], _SHOWN) for label in (1, 0)]
    rows = pd.concat(shown)
    return [_picture(hu, row, data.modality) for hu, row in zip(data.mapped(rows), rows.itertuples(), strict=True)]


def _spread(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]


def _picture(hu: NDArray[np.int16], row: Any, modality: Modality) -> Picture:
    from matplotlib.image import imsave

    step = -(-max(hu.shape) // _LARGEST_PX)
    buffer = io.BytesIO()
    imsave(buffer, grey_of(np.asarray(hu)[::step, ::step], modality), cmap="gray", vmin=0, vmax=255, format="png")
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    tampered = row.label == 1
    where = (100 * float(row.site_x) / hu.shape[1], 100 * float(row.site_y) / hu.shape[0]) if tampered else None
    return Picture(uri, str(row.manipulation) if tampered else "real", where, hu.shape[1] / hu.shape[0])


def _scanners(manifest: pd.DataFrame) -> Sequence[tuple[str, int, int]]:
    """(maker and kernel, tampered, real) of every scanner, the most frequent first."""
    named = manifest.assign(scanner=manifest.manufacturer + ", kernel " + manifest.kernel)
    counts = named.groupby("scanner").label.agg(["sum", "size"]).sort_values(["size"], ascending=False, kind="stable")
    return [(str(name), int(tampered), int(size - tampered)) for name, tampered, size in counts.itertuples()]


def _negatives(data: Dataset, params: DatasetParams) -> str:
    counts = data.facts.get("negatives")
    return f"{params.balance.negatives}: {nodules_text(counts)}" if counts else params.balance.negatives


def _facts(data: Dataset, params: DatasetParams) -> list[tuple[str, str]]:
    labelling = params.labelling.model_dump()
    rule = ", ".join(f"{key} {value}" for key, value in labelling.items() if key != "rule")
    copies = len(set(data.manifest["transform"])) - 1
    augmented = f"{copies} copies of each slice of {', '.join(params.augment.splits)}" if params.augment else "none"
    leaky = " - leaky: patients are on both sides" if is_leaky(params.split.protocol) else ""
    seen = data.facts.get("seen", {})
    sources = "; ".join(f"{name}: {n['scans']} scans, {n['slices']} slices" for name, n in sorted(seen.items()))
    return [
        ("Sources, as seen", sources or "unknown"),
        ("Labelling", f"{params.labelling.rule} ({rule})"),
        ("Protocol", params.split.protocol + leaky),
        ("View", params.view.name),
        ("Classes", str(params.classes)),
        ("Negatives", _negatives(data, params)),
        ("Augmentation", augmented),
        ("Left out", "; ".join(f"{n} x {why}" for why, n in data.facts.get("left_out", {}).items()) or "nothing"),
        ("Digest", data.digest),
    ]
