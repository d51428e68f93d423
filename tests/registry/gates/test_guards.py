"""Whether the guards passed on the very data set that a version learnt from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medfake.checks.guards.registry import GUARDS
from medfake.files import sha256_file
from medfake.package.card import read_card
from medfake.registry.gates.gate import GATES
from tests.registry.conftest import MakeCase, version_of, write_checks


def test_a_data_set_that_passed_all_guards_lets_it_through(make_case: MakeCase) -> None:
    case = make_case()
    write_checks(case.project, "chest", "d" * 64)
    ruling = GATES["guards"].judge(case)
    assert (ruling.passed, ruling.sentence) == (True, f"its data set passed all {len(GUARDS)} guards")


def test_a_broken_guard_is_named_with_its_remedy_and_no_flag_helps(make_case: MakeCase) -> None:
    case = make_case()
    write_checks(case.project, "chest", "d" * 64, broken=["patients apart"])
    ruling = GATES["guards"].judge(case)
    assert (ruling.passed, ruling.remedy) == (False, "mend patients apart")
    assert ruling.sentence == f"its data set broke 1 of {len(GUARDS)} guards: patients apart"
    assert GATES["guards"].overrule is None


def test_a_report_of_other_data_says_nothing_of_its_own(make_case: MakeCase) -> None:
    case = make_case()
    write_checks(case.project, "chest", "e" * 64, broken=["patients apart"])
    assert "is not known" in GATES["guards"].judge(case).sentence


def test_a_report_that_lacks_a_guard_is_refused(make_case: MakeCase) -> None:
    case = make_case()
    write_checks(case.project, "chest", "d" * 64)
    path = case.project.checks / "chest.json"
    report = json.loads(path.read_text())
    report["results"] = [one for one in report["results"] if one["name"] != "patients apart"]
    path.write_text(json.dumps(report))
    ruling = GATES["guards"].judge(case)
    assert (ruling.passed, ruling.remedy) == (False, "dvc repro -s -f check@chest")
    assert ruling.sentence == "its data set was not asked by all guards: patients apart"


def test_a_data_set_that_lies_here_unlooked_at_is_refused(
    make_case: MakeCase, write_toy_set: Callable[..., None]
) -> None:
    case = make_case()
    folder = case.project.slices / "chest"
    write_toy_set(folder)
    card = read_card(case.package).model_copy(update={"dataset_sha256": sha256_file(folder / "manifest.parquet")})
    (case.package / "card.json").write_text(card.model_dump_json())
    ruling = GATES["guards"].judge(replace(case, challenger=version_of(2, case.package), card=card))
    assert (ruling.passed, ruling.remedy) == (False, "dvc repro check@chest")


def test_guards_of_data_of_elsewhere_cannot_be_asked_and_that_is_told(make_case: MakeCase, tmp_path: Path) -> None:
    ruling = GATES["guards"].judge(make_case())
    assert (ruling.passed, ruling.sentence) == (
        True,
        "whether its data set passed the guards is not known: neither it nor a report of it is here",
    )
