"""What each gate says, and how one is added."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from medfake.package.card import AGGREGATION_FILE, CARD_FILE, ONNX_FILE, PREDICTIONS_FILE
from medfake.registry.gates.gate import GATES, Case
from medfake.registry.nomination import Nomination, write_nomination
from medfake.registry.versions import package_sha256, read_version
from medfake.vocabulary import Modality
from tests.fixtures.places import give_places

MakePackage = Callable[..., Path]
PROJECT = Path(__file__).resolve().parents[2]


def _nominate(case: Case, version: int, digest: str) -> None:
    nomination = Nomination(version, digest, "ResidualCNN", "chest", "grouped", 3, 1, "auc", 0.8, (("a", 0.8),))
    write_nomination(case.project.nomination, nomination)


def test_the_gates_of_this_project() -> None:
    assert GATES.names() == [
        *("agreement", "calibration", "champion", "evidence", "guards", "latency", "leakage", "loads", "metrics"),
        *("nominated", "patients", "probed", "robustness", "shortcuts", "size", "task", "unaltered"),
    ]


def test_gates_of_safety_have_no_flag_and_each_flag_stands_in_its_own_remedy() -> None:
    flags = {name: one.overrule for name, one in GATES.items() if one.overrule}
    assert flags == {
        "latency": "--despite-latency",
        "leakage": "--despite-leakage",
        "patients": "--despite-few-patients",
        "shortcuts": "--despite-shortcuts",
    }


def test_a_leaky_protocol_is_refused_and_only_its_own_flag_overrules_it(make_case: Callable[..., Case]) -> None:
    ruling = GATES["leakage"].judge(make_case(protocol="replica"))
    assert not ruling.passed
    assert "protocol replica is leaky" in ruling.sentence
    assert str(ruling.remedy).endswith("medfake promote --despite-leakage")
    assert GATES["leakage"].overrule == "--despite-leakage"


def test_a_protocol_that_keeps_patients_apart_passes(make_case: Callable[..., Case]) -> None:
    assert GATES["leakage"].judge(make_case(protocol="grouped")).passed


def test_a_protocol_that_is_none_here_cannot_be_judged_and_says_so(make_case: Callable[..., Case]) -> None:
    ruling = GATES["leakage"].judge(make_case(protocol="of another place"))
    assert (ruling.passed, ruling.measured) == (True, False)
    assert "whether its protocol of another place is leaky is not known" in ruling.sentence


def test_a_challenger_that_was_not_nominated_here_is_refused(make_case: Callable[..., Case]) -> None:
    case = make_case()
    _nominate(case, 1, case.challenger.package_sha256)
    ruling = GATES["nominated"].judge(case)
    assert not ruling.passed
    assert "names version 1 (ResidualCNN), the registry's challenger is version 2" in ruling.sentence
    assert ruling.remedy == "dvc repro -s -f nominate, then medfake promote; or medfake promote 2"


def test_the_same_number_of_another_store_is_not_what_was_nominated(make_case: Callable[..., Case]) -> None:
    case = make_case()
    _nominate(case, 2, "f" * 64)
    assert not GATES["nominated"].judge(case).passed


def test_the_nominated_version_passes(make_case: Callable[..., Case]) -> None:
    case = make_case()
    assert GATES["nominated"].judge(case).passed  # no nomination lies here: the store alone knows
    _nominate(case, 2, case.challenger.package_sha256)
    assert GATES["nominated"].judge(case).passed


def test_where_nobody_was_nominated_the_alias_alone_does_not_count(make_case: Callable[..., Case]) -> None:
    case = make_case()
    write_nomination(case.project.nomination, None)
    assert "names no detector" in GATES["nominated"].judge(case).sentence


def test_a_version_that_is_asked_for_by_number_needs_no_nomination(make_case: Callable[..., Case]) -> None:
    case = make_case()
    _nominate(case, 1, "f" * 64)
    assert GATES["nominated"].judge(replace(case, asked_for=True)).passed


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (ONNX_FILE, "its graphs are"),
        (CARD_FILE, "its card is"),
        (PREDICTIONS_FILE, "its artifacts/predictions.parquet is"),
    ],
)
def test_files_that_were_altered_after_registration_are_refused(
    file: str, said: str, make_case: Callable[..., Case]
) -> None:
    case = make_case()
    assert GATES["unaltered"].judge(case).passed
    (case.package / file).write_bytes((case.package / file).read_bytes() + b"\n")
    ruling = GATES["unaltered"].judge(case)
    assert not ruling.passed
    assert ruling.sentence.startswith(f"{said} not what was registered")


def test_a_version_of_old_without_a_digest_of_its_card_is_judged_by_its_graph(make_case: Callable[..., Case]) -> None:
    case = make_case()
    assert GATES["unaltered"].judge(replace(case, challenger=replace(case.challenger, card_sha256=""))).passed


def test_what_names_a_package_is_its_graph(make_package: MakePackage) -> None:
    assert package_sha256(make_package("a")) != package_sha256(make_package("b"))


def test_a_gate_of_another_package_is_asked_and_brings_its_flag(tmp_path: Path) -> None:
    (tmp_path / "night.py").write_text(
        "from medfake.registry.gates.gate import Ruling, gate\n"
        "@gate('night', overrule='--despite-night', flag_help='Although it is late.')\n"
        "def night(case):\n    return Ruling(False, 'it is late', 'wait for the morning')\n"
    )
    (tmp_path / "night-1.dist-info").mkdir()
    (tmp_path / "night-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: night\nVersion: 1\n")
    (tmp_path / "night-1.dist-info" / "entry_points.txt").write_text("[medfake.gates]\nnight = night\n")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(PROJECT)!r}]\nfrom medfake.cli.root import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "promote", "--help"], capture_output=True, text=True)
    assert "--despite-night" in done.stdout, done.stderr
    assert "Although it is late." in done.stdout
    assert "--despite-shortcuts" in done.stdout


def test_an_aggregation_names_a_package_too(make_package: MakePackage) -> None:
    package = give_places(make_package())
    whole = package_sha256(package)
    (package / AGGREGATION_FILE).write_bytes((package / AGGREGATION_FILE).read_bytes() + b"\n")
    changed = package_sha256(package)
    (package / AGGREGATION_FILE).unlink()
    assert len({whole, changed, package_sha256(package)}) == 3


@pytest.mark.parametrize(
    ("own", "champion", "passes"),
    [
        ("phantom", "phantom", True),
        ("phantom", "forged", False),
        ("phantom", "clinical", False),
        ("forged", "phantom", True),
        ("forged", "forged", True),
        ("forged", "clinical", False),
        ("clinical", "forged", True),
        ("phantom", "unknown", True),
    ],
)
def test_a_detector_of_lesser_evidence_never_replaces_the_champion(
    own: str, champion: str, passes: bool, make_case: Callable[..., Case]
) -> None:
    case = make_case(evidence=own)
    ruling = GATES["evidence"].judge(replace(case, champion=replace(case.challenger, number=1, evidence=champion)))
    assert ruling.passed is passes
    assert f"its evidence is {own}" in ruling.sentence
    assert passes or str(ruling.remedy).endswith("medfake study use own-scans, then dvc repro")
    assert GATES["evidence"].overrule is None


def test_where_there_was_no_champion_any_evidence_will_do(make_case: Callable[..., Case]) -> None:
    assert GATES["evidence"].judge(make_case(evidence="phantom")).passed


def test_a_champion_of_lesser_evidence_stands_back_whatever_its_figure(make_case: Callable[..., Case]) -> None:
    case = make_case(evidence="forged", val=None)
    champion = replace(case.challenger, number=1, evidence="phantom", dataset_sha256="e" * 64, figures={"auc": 0.99})
    ruling = GATES["champion"].judge(replace(case, champion=champion))
    assert ruling.passed
    assert "its forged evidence is not compared with the champion's phantom evidence" in ruling.sentence
    assert "auc n/a" in ruling.sentence


@pytest.mark.parametrize(("modality", "passes"), [(Modality.CT, True), (Modality.MR, False)])
def test_a_detector_of_another_modality_replaces_no_champion_whatever_its_evidence(
    make_case: Callable[..., Case], modality: Modality, passes: bool
) -> None:
    case = make_case(evidence="clinical", modality=modality)
    champion = replace(case.challenger, number=1, evidence="phantom", modality=Modality.CT)
    ruling = GATES["champion"].judge(replace(case, champion=champion))
    assert ruling.passed is passes
    assert passes or "version 2 (ResidualCNN) judges MR, and version 1 (ResidualCNN) CT" in ruling.sentence
    assert GATES["champion"].overrule is None


def test_a_version_says_its_modality_and_one_of_old_is_of_ct(make_case: Callable[..., Case]) -> None:
    assert make_case(modality=Modality.MR).challenger.modality == "MR"
    assert read_version(SimpleNamespace(version=1, tags={}, run_id=None), ()).modality == Modality.CT
