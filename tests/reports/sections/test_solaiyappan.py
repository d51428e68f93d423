"""The tables of Solaiyappan and Wen: ours above, theirs beneath, nothing where nothing was printed."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.config import PublishedParams
from medfake.metrics.bootstrap import Bootstrap
from medfake.package.measured import Learnt
from medfake.reports.compare import compare
from medfake.reports.entry import Entry
from medfake.reports.parts import Cell, Section, Table
from medfake.reports.published import read_table
from medfake.reports.sections.registry import ReportInput
from medfake.reports.sections.solaiyappan import solaiyappan

TWO = {"accuracy": 0.98, "log_loss": 0.11}


def params_of(*datasets: str) -> Any:
    """Of a study whose data sets are set beside the paper's settings of their names, where it has such."""
    blocks = {
        name: SimpleNamespace(
            published=PublishedParams(paper="solaiyappan", setting=name) if name != "chest" else None, augment=None
        )
        for name in datasets
    }
    return SimpleNamespace(datasets=blocks)


@pytest.fixture
def written(predict: Callable[..., pd.DataFrame], enter: Callable[..., Entry]) -> Callable[..., Section | None]:
    def write(*entered: tuple[str, str], three: bool = False, **facts: Any) -> Section | None:
        entries = []
        for dataset, detector in entered:
            rows = predict(dataset=dataset, detector=detector, patients=4, val_patients=2, slices=2, localises=False)
            if three:
                rows = rows.assign(p_removed=rows.p_tampered / 4, p_injected=rows.p_tampered * 3 / 4)
            entries.append(enter(rows, of_train=TWO, **facts))
        params = params_of(*{dataset for dataset, _ in entered})
        published = {name: block.published for name, block in params.datasets.items()}
        comparison = compare(entries, Bootstrap(resamples=100), published=published)
        given = ReportInput(comparison=comparison, params=params, reports=Path())
        return solaiyappan(given)

    return write


def tables(section: Section | None) -> list[Table]:
    assert section is not None
    return [part for part in section.parts if isinstance(part, Table)]


def texts(row: Any) -> list[str]:
    return [cell.text if isinstance(cell, Cell) else cell for cell in row]


def test_the_printed_row_stands_beneath_ours_with_train_figures_and_losses(written: Callable[..., Any]) -> None:
    section = written(("raw", "ResNet101"))
    table = tables(section)[0]
    ours, theirs = table.rows
    assert texts(table.head)[2:6] == ["train accuracy", "train loss", "test accuracy", "test loss"]
    assert texts(ours)[1:4] == ["ours", "0.980", "0.110"]
    assert texts(theirs) == ["ResNet101", "Table 2", "0.980", "0.110", "0.610", "1.050", "-", "-", "-", "-"]
    assert list(table.theirs) == [1]
    assert "phantom scans" in table.caption
    assert "phantom scans" in section.parts[0]


def test_precision_and_recall_of_either_class_are_those_of_table_5(written: Callable[..., Any]) -> None:
    _, theirs = tables(written(("delocalized", "ResNet50")))[0].rows
    assert texts(theirs)[4:] == ["0.531", "-", "0.421", "0.667", "0.692", "0.450"]


def test_the_row_that_lost_its_order_is_left_empty(written: Callable[..., Any]) -> None:
    section = written(("localized-augmented", "VGG19"))
    _, theirs = tables(section)[0].rows
    assert set(texts(theirs)[2:]) == {"-"}
    assert any("lost their order" in part for part in section.parts if isinstance(part, str))


def test_three_classes_have_the_columns_of_table_7(written: Callable[..., Any]) -> None:
    table = tables(written(("multiclass", "SVM"), three=True))[0]
    _, theirs = table.rows
    printed = ["0.591", "-", "0.998", "0.927", "0.405", "0.407", "0.411", "0.437"]
    assert texts(theirs)[2:] == printed
    assert texts(table.head)[4:] == [
        *("precision of untampered", "recall of untampered", "precision of FB, removed", "recall of FB, removed"),
        *("precision of FM, injected", "recall of FM, injected"),
    ]


def test_pooled_pixels_a_sample_and_what_a_search_chose_are_said(written: Callable[..., Any]) -> None:
    facts = {"options": {"pool": 4}, "chosen": {"c": 0.1}, "learnt": Learnt(slices=90, of=400)}
    section = written(("raw", "SVM"), **facts)
    assert tables(section)[0].rows[0][0].below == "seed 1, pool 4, c 0.1, 90 of 400 training slices"
    assert any("SVM on raw: it learnt from a sample of 90 of 400 training slices" in str(one) for one in section.parts)
    plain = written(("raw", "SVM"), options={"pool": 1}, learnt=Learnt(slices=400, of=400))
    assert tables(plain)[0].rows[0][0].below == "seed 1"


@pytest.mark.parametrize("entered", [("chest", "SVM"), ("raw", "ResidualCNN")])
def test_data_sets_and_detectors_that_the_paper_has_not_have_no_section(
    written: Callable[..., Any], entered: tuple[str, str]
) -> None:
    assert written(entered) is None


def test_every_rate_of_the_readers_stands_with_its_place(written: Callable[..., Any]) -> None:
    rows = [texts(row) for row in tables(written(("raw", "SVM")))[-1].rows]
    assert ["three radiologists", "open", "FM", "60.0%", "section 1"] in rows
    assert ["three radiologists", "open", "FM", "70.0%", "section 3.1.3"] in rows
    assert ["screening tool", "blind", "FB", "100.0%", "section 1"] in rows
    blind = {float(row["misled"]) for row in read_table("solaiyappan_readers") if row["trial"] == "blind"}
    assert blind == {0.99, 0.992, 0.94, 0.958, 1.0}


def test_the_first_part_says_what_was_found(written: Callable[..., Any]) -> None:
    section = written(("raw", "SVM"), ("raw", "ResNet50"))
    accuracy = {texts(row)[0]: float(texts(row)[4]) for row in tables(section)[0].rows if texts(row)[1] == "ours"}
    best = max(accuracy, key=lambda name: accuracy[name])
    assert f"raw {best} {accuracy[best]:.3f} (printed: SVM 0.950)" in section.parts[0]
    assert not np.isnan(accuracy[best])
