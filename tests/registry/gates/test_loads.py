"""The stored model in a process of its own: what it needs, what it must not see, and how long it may take."""

import py_compile
from dataclasses import replace
from importlib.util import cache_from_source
from pathlib import Path

import onnx
import pytest

from medfake.config import NominateParams, PromoteParams
from medfake.package.card import read_card
from medfake.registry.clean_process import load_and_score
from medfake.registry.gates.gate import GATES, Case, Ruling
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from tests.conftest import HERE, MakePackage

CODE = "pyfunc_model.py"


@pytest.fixture
def case(make_package: MakePackage, registry: ModelRegistry) -> Case:
    """A version as the registry stores it."""
    nominate([make_package()], NominateParams(metric="auc"), registry)
    version = registry.find("challenger")
    package = registry.package(version)
    return Case(version, read_card(package), package, None, False, registry, HERE, PromoteParams())


def _rule(case: Case) -> Ruling:
    return GATES["loads"].judge(case)


def test_a_stored_model_loads_and_answers_where_medfake_is_not_there(case: Case) -> None:
    ruling = _rule(case)
    assert ruling.passed
    assert ruling.sentence.startswith("it loads and answers in a process without medfake, in ")


def test_code_that_needs_medfake_does_not_load(case: Case) -> None:
    code = case.package.parent / CODE
    code.write_text("import medfake\n" + code.read_text())
    ruling = _rule(case)
    assert not ruling.passed
    assert "no medfake here" in ruling.sentence
    assert str(case.package.parent) not in ruling.sentence


def test_other_scores_than_here_are_refused(case: Case) -> None:
    code = case.package.parent / CODE
    code.write_text(
        code.read_text().replace(".astype(np.float32)\n\n\nmlflow", ".astype(np.float32) + 0.5\n\n\nmlflow")
    )
    assert "its scores differ by 5.0e-01 from those here" in _rule(case).sentence


def test_a_model_that_does_not_answer_in_time_is_stopped(case: Case) -> None:
    code = case.package.parent / CODE
    code.write_text("import time\ntime.sleep(600)\n")
    ruling = _rule(replace(case, params=PromoteParams(load_s=8.0)))
    assert (ruling.passed, ruling.sentence) == (False, "it does not load in a process of its own: no answer within 8 s")


def test_compiled_code_beside_the_stored_code_is_not_run_in_its_place(case: Case, tmp_path: Path) -> None:
    evil = tmp_path / CODE
    evil.write_text("raise SystemExit('this was never registered')\n")
    compiled = cache_from_source(str(case.package.parent / CODE))
    py_compile.compile(str(evil), compiled, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert _rule(case).passed


def test_secrets_and_stores_of_this_process_are_not_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    code = case.package.parent / CODE
    code.write_text("import os\nassert not [name for name in os.environ if 'TRACKING' in name]\n" + code.read_text())
    assert load_and_score(case.package.parent, 120.0).failed == ""


def test_code_without_a_digest_is_not_run(case: Case) -> None:
    (case.package.parent / CODE).write_text("raise SystemExit('it was run')\n")
    ruling = _rule(replace(case, challenger=replace(case.challenger, files={})))
    assert (ruling.passed, ruling.measured) == (True, False)
    assert "is not run unseen" in ruling.sentence


def test_altered_code_is_named_and_nothing_else_is_asked(case: Case) -> None:
    from medfake.registry.promotion import judge

    code = case.package.parent / CODE
    code.write_text("raise SystemExit('it was run')\n")
    judgement = judge(case.registry, HERE)
    assert [(one.gate.name, one.ruling.sentence) for one in judgement.judged] == [
        ("unaltered", "its pyfunc_model.py is not what was registered")
    ]


def test_a_model_of_one_size_has_an_example_of_that_size(make_package: MakePackage, registry: ModelRegistry) -> None:
    package = make_package("fixed")
    graph = onnx.load(package / "detector.onnx")
    for axis in (1, 2):
        graph.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 512
    onnx.save(graph, package / "detector.onnx")
    version = registry.find(str(registry.register(package, "auc")))
    stored = registry.package(version)
    assert _rule(Case(version, read_card(stored), stored, None, False, registry, HERE, PromoteParams())).passed
