"""The page of a data set: its figures, its warnings, and no picture of one's own patients."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.checks.suite import CheckReport, RuleResult
from medfake.config import DatasetParams, load_params
from medfake.datasets.dataset import Dataset
from medfake.probes.answer import Score
from medfake.probes.outcome import ProbeOutcome
from medfake.probes.report import Finding, ProbeReport
from medfake.reports.dataset_page import split_rows, write_dataset_page
from medfake.vocabulary import Evidence, Task

MakeSet = Callable[..., Dataset]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def params() -> DatasetParams:
    return load_params(PROJECT / "params.yaml").datasets["chest"]


def page(
    data: Dataset,
    params: DatasetParams,
    folder: Path,
    *,
    passed: bool = True,
    outcome: ProbeOutcome = ProbeOutcome.CLEAR,
    waived: str = "",
    pictured: bool | None = None,
) -> str:
    rule = RuleResult("balance", "half is tampered", passed, "train <0.5>", "mend it", (), waived)
    score = Score(0.9, 0.8, 1.0, "patients", 10)
    probe = Finding("metadata", "Can it be told?", score, score, None, outcome, "A sentence.")
    checks = CheckReport(data.name, data.digest, (rule,))
    probes = ProbeReport(data.name, "d", Evidence.PHANTOM, 0.1, (probe,))
    write_dataset_page(folder / "page.html", data, params, checks, probes, pictured=pictured)
    return (folder / "page.html").read_text()


def test_it_says_what_holds_and_what_the_figures_are_worth(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    text = page(make_set(), params, tmp_path)
    assert "All 1 guards hold." in text
    assert "no clinical evidence" in text
    assert "train &lt;0.5&gt;" in text
    assert text.count("<img ") == 8
    for outside in ("http://", "https://", "<script"):
        assert outside not in text


def test_broken_guards_and_shortcuts_stand_at_the_top(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    text = page(make_set(), params, tmp_path, passed=False, outcome=ProbeOutcome.SHORTCUT)
    assert "1 of 1 guards is broken." in text
    assert "Shortcut: metadata." in text
    assert "Remedy: mend it" in text


def test_slices_of_ones_own_patients_are_not_shown(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    own = params.model_copy(update={"identifiers": "private"})
    assert "<img " not in page(make_set(), own, tmp_path)
    assert "<img " in page(make_set(), own, tmp_path, pictured=True)
    assert "<img " not in page(make_set(), params, tmp_path, pictured=False)


def test_what_no_probe_could_decide_is_not_called_good(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    text = page(make_set(), params, tmp_path, outcome=ProbeOutcome.UNDECIDED)
    assert "1 of 1 probes cannot rule one out" in text
    assert "No probe found a shortcut." not in text


def test_a_waived_rule_is_not_said_to_hold(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    text = page(make_set(), params, tmp_path, waived="leaky, by the protocol")
    assert ">leaky, by the protocol<" in text
    assert "All 0 guards hold." in text
    assert "1 ask for nothing here." in text
    assert ">holds<" not in text


def test_the_replica_is_called_leaky(
    make_set: MakeSet,
    params: DatasetParams,
    tmp_path: Path,
) -> None:
    split = {"protocol": "replica", "val": 0.2, "test": 0.2, "seed": 1}
    text = page(make_set(), DatasetParams.model_validate(params.model_dump() | {"split": split}), tmp_path)
    assert "Leaky, by its protocol" in text


def test_splits_are_counted_by_kind() -> None:
    rows = [("train", "p", "s", "none", 0), ("train", "p", "s", "injected", 1), ("test", "q", "t", "removed", 1)]
    manifest = pd.DataFrame(rows, columns=["split", "patient_id", "scan_id", "manipulation", "label"])
    train, val, test = split_rows(manifest)
    assert (train.patients, train.counts, train.slices) == (1, {"real": 1, "injected": 1, "removed": 0}, 2)
    assert val.slices == 0
    assert test.counts["removed"] == 1
    nodules = split_rows(manifest.assign(manipulation="none"), Task.NODULES)
    assert nodules[0].counts == {"no nodule": 1, "nodule": 1}
