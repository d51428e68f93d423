"""Small real scans, what a detector may say of them, and the programs that judge results."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.series import series_of
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.metrics.scans import Verdict
from medfake.package.scan_scores import ScanScores, Site
from medfake.pacs.results.build import Judgement, ResultKind, build_results, file_bytes
from medfake.pacs.results.objects import SERIES
from medfake.phantom import write_patient
from medfake.serving.model import Model, open_builtin
from medfake.serving.score import score_series
from medfake.serving.verdict import Scored, judge

MADE = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
KEY = b"k" * 32
EDGE, STEP_MM = 96, 2.0
PACKAGE, CONTENT = sha256(b"package").hexdigest(), sha256(b"content").hexdigest()
JudgeFolder = Callable[..., Judgement]
WriteCt = Callable[..., Path]


@pytest.fixture(scope="session")
def builtin() -> Model:
    return open_builtin("")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory, builtin: Model) -> Judgement:
    """A phantom scan with an injected nodule, as the built-in detector judges it."""
    folder = tmp_path_factory.mktemp("phantom") / "scan"
    write_patient(folder, 3, 40, "injection")
    [series], _ = series_of(sorted(folder.iterdir()), tell=False)
    scored, _ = score_series(series, builtin)
    assert scored is not None
    return Judgement(scored, judge(scored, builtin.card, KEY), builtin, PACKAGE, CONTENT, MADE)


@pytest.fixture(scope="session")
def phantom_results(phantom: Judgement) -> dict[ResultKind, list[Dataset]]:
    return by_kind(phantom)


@pytest.fixture
def write_ct(tmp_path: Path) -> WriteCt:
    """A small CT series at given places along z, each file changed by keywords; None takes an element out."""

    def write(z_mm: Sequence[float] = tuple(STEP_MM * k for k in range(9)), shear: float = 0.0, **values: Any) -> Path:
        folder, rng = tmp_path / f"ct-{len(list(tmp_path.iterdir()))}", np.random.default_rng(1)
        volume = rng.integers(-900, 100, (len(z_mm), EDGE, EDGE)).astype(np.int16)
        positions = np.array([(-40.0, -50.0 + shear * z, z) for z in z_mm])
        template = SeriesTemplate(
            patient_id="QX-PATIENT-77", manufacturer="ACME", model="One", kernel="B70f", thickness_mm=STEP_MM,
            spacing_mm=(0.8, 0.8),
        )  # fmt: skip
        write_series(folder, volume, positions, template, uid_seed=folder.name, synthetic=None)
        for path in folder.iterdir():
            change(path, **values)
        return folder

    return write


def change(path: Path, **values: Any) -> None:
    """Set elements of a file; None takes them out."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(path)
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.save_as(path)


@pytest.fixture
def judged(builtin: Model) -> JudgeFolder:
    """A judgement of a folder: sites of P 0.9 and a little less at (slice, row, column), with or without a map."""

    def make(
        folder: Path, sites: Sequence[tuple[int, float, float]] = ((4, 40.0, 48.0),), *, mapped: bool = False,
        **changes: Any,
    ) -> Judgement:  # fmt: skip
        [series], _ = series_of(sorted(folder.iterdir()) if folder.is_dir() else [folder], tell=False)
        count, z_mm = len(series.headers), series.z_mm
        found = tuple(Site(k, float(z_mm[k]), y, x, 0.9 - 0.01 * n) for n, (k, y, x) in enumerate(sites))
        slice_p = np.full(count, 0.1)
        for site in found:
            slice_p[site.slice_index] = site.p
        place_p = np.zeros((count, EDGE // 8, EDGE // 8), np.float32) if mapped else None
        if place_p is not None:
            for k, y, x in sites:
                place_p[max(k - 1, 0) : k + 2, min(round(y / 8), EDGE // 8 - 1), min(round(x / 8), EDGE // 8 - 1)] = 0.9
        scores = ScanScores(
            float(slice_p.max()), slice_p, np.ones(count, np.bool_), found, place_p, 8 if mapped else None
        )
        scored = Scored(series, series.headers, scores)
        judgement = Judgement(scored, judge(scored, builtin.card, KEY), builtin, PACKAGE, CONTENT, MADE)
        return replace(judgement, **changes)

    return make


def as_verdict(judgement: Judgement, verdict: Verdict) -> Judgement:
    """Sites included, as where a site's own thresholds of scans lie above that of a slice."""
    return replace(judgement, verdict=replace(judgement.verdict, verdict=str(verdict)))


def by_kind(judgement: Judgement, kinds: Sequence[ResultKind] = tuple(ResultKind)) -> dict[ResultKind, list[Dataset]]:
    """Results as files have them, read again by pydicom."""
    modalities = {series.modality: kind for kind, series in SERIES.items()}
    found: dict[ResultKind, list[Dataset]] = {kind: [] for kind in ResultKind}
    for made in build_results(judgement, kinds):
        with quiet_pydicom():
            read = pydicom.dcmread(BytesIO(file_bytes(made)))
        found[modalities[read.Modality]].append(read)
    return found


def errors_of_dciodvfy(made: Dataset, folder: Path) -> list[str]:
    """Lines of dicom3tools' validator that say Error; the test is skipped where it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy of dicom3tools is not installed")
    path = folder / "made.dcm"
    path.write_bytes(file_bytes(made))
    ended = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", timeout=120)
    assert ended.stderr
    return [line for line in ended.stderr.splitlines() if line.startswith("Error")]


def written(made: Dataset, path: Path) -> Path:
    path.write_bytes(file_bytes(made))
    return path
