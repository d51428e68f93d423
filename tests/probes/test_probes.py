"""Probes find what is there to be found, and nothing where there is nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.errors import ManifestError
from medfake.probes.report import Finding, ProbeReport, read_probes
from medfake.probes.run import run_probes

PARAMS = ProbesParams(permutations=5)
MakeSet = Callable[..., Dataset]


def found(report: ProbeReport) -> dict[str, Finding]:
    return {one.name: one for one in report.findings}


def test_a_header_that_tells_the_class_is_a_shortcut_and_named(make_set: MakeSet) -> None:
    metadata = found(run_probes(make_set(kernel=True), PARAMS))["metadata"]
    assert metadata.score.auc == 1.0
    assert metadata.shortcut
    assert "What tells most: kernel" in metadata.sentence


def test_a_maker_that_training_never_saw_is_unknown_and_the_rest_still_tells(make_set: MakeSet) -> None:
    metadata = found(run_probes(make_set(kernel=True, strangers=True), PARAMS))["metadata"]
    assert metadata.score.auc == 1.0
    assert "What tells most: kernel" in metadata.sentence


def test_a_trace_at_the_site_is_seen_by_the_control_and_gone_when_it_is_blanked(make_set: MakeSet) -> None:
    report = run_probes(make_set(smooth=True), PARAMS)
    masked = found(report)["masked image"]
    assert masked.control is not None
    assert masked.control.auc is not None
    assert masked.control.auc > 0.95
    assert masked.score.auc is not None
    assert masked.score.auc < masked.control.auc - 0.2


def test_a_trace_that_is_everywhere_stays_when_the_site_is_blanked(make_set: MakeSet) -> None:
    masked = found(run_probes(make_set(noisier=True), PARAMS))["masked image"]
    assert masked.shortcut
    assert masked.score.auc == 1.0


def test_shuffled_labels_teach_nothing_even_where_there_is_something_to_learn(make_set: MakeSet) -> None:
    permuted = found(run_probes(make_set(smooth=True), PARAMS))["label permutation"]
    assert not permuted.shortcut
    assert permuted.score.unit == "permutations"
    assert permuted.score.count == PARAMS.permutations
    assert permuted.score.auc == pytest.approx(0.5, abs=PARAMS.limit)


def test_a_report_is_read_as_it_was_written(make_set: MakeSet, tmp_path: Path) -> None:
    report = run_probes(make_set(), PARAMS)
    report.write(tmp_path / "drawn.json")
    assert read_probes(tmp_path / "drawn.json") == report
    text = (tmp_path / "drawn.json").read_text()
    assert "train0" not in text
    assert {one["verdict"] for one in json.loads(text)["findings"]} <= {"clear", "shortcut", "undecided"}


@pytest.mark.parametrize(("text", "remedy"), [(None, "dvc repro probe@drawn"), ("{}", "dvc repro -s -f probe@drawn")])
def test_a_report_that_is_missing_or_strange_is_told(text: str | None, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "drawn.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ManifestError) as caught:
        read_probes(path)
    assert caught.value.remedy == remedy
