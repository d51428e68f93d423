from pathlib import Path

from medfake.metrics.scans import Verdict
from medfake.pacs.results.build import BUILDERS, Finding, ResultKind
from medfake.pacs.results.codes import FINDINGS, PROCEDURES, SCHEME, SCHEME_NAME, SCHEME_VERSION, VERDICTS, Private
from medfake.pacs.results.objects import SERIES
from medfake.pacs.results.uids import RESULTS_SCHEMA
from medfake.vocabulary import Modality

STATEMENT = (Path(__file__).parents[3] / "docs/reference/dicom-conformance.md").read_text(encoding="utf-8")


def test_every_private_code_is_declared_with_its_definition() -> None:
    declared = STATEMENT.split(f"## Private codes: {SCHEME}, version {SCHEME_VERSION}")[1].split("\n## ")[0]
    rows = [line for line in declared.splitlines() if line.startswith("| ")][1:]
    assert rows == [f"| {one.value.value} | {one.value.meaning} | {one.value.definition} |" for one in Private]
    assert f'"{SCHEME_NAME}"' in declared


def test_every_object_is_listed_with_class_modality_and_series_number() -> None:
    for kind, series in SERIES.items():
        row = f"| {kind} | {series.sop_class.name} | {series.sop_class} | {series.modality} | {series.number} |"
        assert row in STATEMENT
    assert f"(now {RESULTS_SCHEMA})" in STATEMENT


def test_code_values_and_meanings_fit_their_elements() -> None:
    for one in Private:
        assert len(one.value.value) <= 16
        assert len(one.value.meaning) <= 64
    assert len({one.value.value for one in Private}) == len(Private)


def test_every_verdict_finding_modality_and_kind_has_its_own() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert set(FINDINGS) == set(Finding)
    assert set(PROCEDURES) == set(Modality)
    assert set(BUILDERS) == set(SERIES) == set(ResultKind)
