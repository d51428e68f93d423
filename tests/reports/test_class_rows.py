"""Rows of slices by class: order, marks at the sites, and no slice of one's own patients."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.class_rows import ROWS_PNG, draw_rows, read_class_rows, write_class_rows
from medfake.reports.compare import compare
from medfake.reports.entry import Entry
from medfake.reports.parts import Picture
from medfake.reports.sections.class_rows import class_rows
from medfake.reports.sections.registry import ReportInput

MARK = np.array([213, 94, 0])


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.rint(imread(io.BytesIO(png), format="png")[..., :3] * 255).astype(int)


def test_rows_are_removed_injected_and_untampered_and_only_tampered_ones_are_marked(
    dataset: Dataset, toy_params: Callable[..., DatasetParams], tmp_path: Path
) -> None:
    facts = {"negatives": {"on_nodule": 3, "elsewhere": 9}}
    shown = write_class_rows(tmp_path / "made", replace(dataset, facts=facts), toy_params())
    assert shown == read_class_rows(tmp_path / "made")
    assert (shown.rows, shown.columns) == (("removed", "injected", "none"), 4)
    drawn = pixels((tmp_path / "made" / ROWS_PNG).read_bytes())
    height = (len(drawn) + 3) // 3
    marked = [bool((drawn[at : at + height] == MARK).all(axis=2).any()) for at in (0, height, 2 * height)]
    assert marked == [True, True, False]


def test_the_ring_is_around_the_site(dataset: Dataset) -> None:
    rows = dataset.manifest[dataset.manifest.label == 1].iloc[:1]
    drawn = pixels(draw_rows(dataset, [rows]))
    assert drawn.shape == (96, 96, 3)  # 192 px, every second
    at = np.argwhere((drawn == MARK).all(axis=2))
    np.testing.assert_allclose(at.mean(axis=0), rows[["site_y", "site_x"]].to_numpy(float)[0] / 2, atol=0.5)
    np.testing.assert_allclose(np.hypot(*(at - at.mean(axis=0)).T), 0.09 * 96, atol=1.3)


@pytest.mark.parametrize(("identifiers", "pictured"), [("private", True), ("public", False)])
def test_slices_of_own_patients_and_those_that_are_unwanted_are_not_drawn(
    dataset: Dataset, toy_params: Callable[..., DatasetParams], tmp_path: Path, identifiers: str, pictured: bool
) -> None:
    shown = write_class_rows(tmp_path / "made", dataset, toy_params(identifiers=identifiers), pictured=pictured)
    assert not (tmp_path / "made" / ROWS_PNG).exists()
    assert shown.rows == ()
    assert shown.why_not


def test_the_report_shows_them_with_what_they_are_worth_and_how_many_lie_at_nodules(
    dataset: Dataset,
    toy_params: Callable[..., DatasetParams],
    tmp_path: Path,
    predict: Callable[..., pd.DataFrame],
    enter: Callable[..., Entry],
) -> None:
    comparison = compare([enter(predict(patients=3, slices=2))], Bootstrap(resamples=100))
    nothing: Any = None
    given = ReportInput(comparison=comparison, params=nothing, reports=tmp_path)
    assert class_rows(given) is None
    facts = {"negatives": {"on_nodule": 3, "elsewhere": 9}}
    write_class_rows(tmp_path / "class_rows/chest", replace(dataset, facts=facts), toy_params())
    section = class_rows(given)
    assert section is not None
    (picture,) = (part for part in section.parts if isinstance(part, Picture))
    assert picture.caption == (
        "chest: from the top FB, removed, then FM, injected, then untampered. Lung window. Of the untampered slices, 3 "
        "at annotated nodules, 9 at other places. Phantom figures are no clinical evidence: scans and fakes were made "
        "by medfake's built-in phantom."
    )
