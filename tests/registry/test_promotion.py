import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import NominateParams, TrackingParams
from medfake.errors import ExportMismatchError, NoChampionError, PromotionRefusedError, RegistryError
from medfake.package.card import Agreement
from medfake.probes.answer import Score
from medfake.probes.outcome import ProbeOutcome
from medfake.probes.report import Finding, ProbeReport
from medfake.registry.gates.gate import GATES
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import judge, promote, rollback
from medfake.registry.versions import MODEL_NAME, Alias
from medfake.vocabulary import Evidence
from tests.conftest import HERE

MakePackage = Callable[..., Path]
AUC, F1 = NominateParams(metric="auc"), NominateParams(metric="f1")


def test_the_validation_split_nominates_though_the_test_split_says_otherwise(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    packages = [make_package("worse", val=0.7, test=0.99), make_package("better", val=0.9, test=0.5)]
    nomination = nominate(packages, AUC, registry)
    assert nomination is not None
    assert nomination.value == 0.9
    assert [value for _, value in nomination.table] == [0.9, 0.7]


def test_the_same_package_is_registered_once(make_package: MakePackage, registry: ModelRegistry) -> None:
    package = make_package()
    assert nominate([package], AUC, registry) == nominate([package], AUC, registry)
    assert len(registry.versions()) == 1


def test_detectors_of_parts_of_slices_are_not_nominated(make_package: MakePackage, registry: ModelRegistry) -> None:
    part = make_package("part", val=0.9, view="localized")
    assert nominate([part], AUC, registry) is None
    nomination = nominate([part, make_package("whole", val=0.6)], AUC, registry)
    assert nomination is not None
    assert nomination.value == 0.6


def test_a_package_without_the_figure_is_not_nominated(make_package: MakePackage, registry: ModelRegistry) -> None:
    with pytest.raises(RegistryError, match="no detector has the figure"):
        nominate([make_package(val=None)], AUC, registry)


def test_a_package_whose_forms_disagree_is_not_registered(make_package: MakePackage, registry: ModelRegistry) -> None:
    package = make_package(agreement=Agreement(max_abs_difference=1.1e-4, slices=4))
    with pytest.raises(ExportMismatchError, match="not registered"):
        nominate([package], AUC, registry)
    assert registry.versions() == []


def test_without_a_registry_nothing_is_made_just_by_asking_for_the_champion(
    no_store: TrackingParams, tmp_path: Path
) -> None:
    with pytest.raises(NoChampionError) as caught:
        ModelRegistry(no_store).find(Alias.CHAMPION)
    assert caught.value.remedy == "dvc repro, then medfake promote"
    assert not (tmp_path / "mlflow.db").exists()


def test_a_nominated_but_unpromoted_detector_is_told_to_be_promoted(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package()], AUC, registry)
    with pytest.raises(NoChampionError) as caught:
        registry.find(Alias.CHAMPION)
    assert caught.value.remedy == "medfake promote"


def test_promotion_needs_a_challenger(registry: ModelRegistry) -> None:
    with pytest.raises(RegistryError, match="there is no challenger") as caught:
        promote(registry, HERE)
    assert caught.value.remedy == "dvc repro -s -f nominate"


def test_judging_changes_nothing(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package()], AUC, registry)
    judge(registry, HERE).require_passed()
    assert registry.decisions() == []
    with pytest.raises(NoChampionError):
        registry.find(Alias.CHAMPION)


def test_champions_come_and_go_and_the_ledger_remembers(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    assert promote(registry, HERE).champion == 1
    assert not promote(registry, HERE).changed
    nominate([make_package("b", val=0.8)], AUC, registry)
    assert promote(registry, HERE).previous == 1
    assert registry.find(Alias.CHAMPION).number == 2
    assert rollback(registry).champion == 1
    assert registry.find(Alias.CHAMPION).number == 1
    assert rollback(registry).champion is None
    with pytest.raises(RegistryError, match="no promotion to roll back"):
        rollback(registry)
    decisions = [(one.action, one.version, one.previous) for one in registry.decisions()]
    assert decisions == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2), ("rollback", None, 1)]


@pytest.mark.parametrize("value", [0.7, 0.6999])
def test_an_equal_or_worse_challenger_is_refused(
    value: float, make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=value)], AUC, registry)
    with pytest.raises(PromotionRefusedError, match="does not beat") as caught:
        promote(registry, HERE)
    assert "0.7000" in str(caught.value.received)
    assert registry.find(Alias.CHAMPION).number == 1


def test_figures_of_another_data_set_are_not_compared(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.9, dataset_sha256="e" * 64)], AUC, registry)
    with pytest.raises(PromotionRefusedError, match="different data"):
        promote(registry, HERE)


def test_a_champion_nominated_by_another_figure_is_compared_by_the_challengers(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.8)], F1, registry)
    reason = promote(registry, HERE).reason
    assert "validation f1 0.8889 against 0.8235, difference +0.0654 [" in reason
    assert "its data set was not probed for shortcuts here" in reason


def test_a_stored_model_holds_no_pickle_and_loads_without_tensorflow(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package()], AUC, registry)
    package = registry.package(registry.find("challenger"))
    names = [path.name for path in package.parent.rglob("*") if path.is_file()]
    assert "detector.onnx" in names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    code = (
        "import sys, numpy as np, mlflow\n"
        f"mlflow.set_tracking_uri({registry.store.uri!r})\n"
        "model = mlflow.pyfunc.load_model('models:/medfake-detector@challenger')\n"
        "print(float(model.predict(np.zeros((1, 96, 96), np.int16)).p_tampered[0]))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("0.5")


def _probed(folder: Path, digest: str, *, outcome: ProbeOutcome) -> None:
    score = Score(0.9, 0.8, 1.0, "patients", 10)
    finding = Finding("metadata", "?", score, None, None, outcome, "The kernel tells.")
    ProbeReport("chest", digest, Evidence.PHANTOM, 0.1, (finding,)).write(folder / "chest.json")


def test_a_shortcut_in_its_data_set_refuses_the_challenger(
    make_package: MakePackage, registry: ModelRegistry, tmp_path: Path
) -> None:
    nominate([make_package()], AUC, registry)
    _probed(HERE.probes, "d" * 64, outcome=ProbeOutcome.SHORTCUT)
    with pytest.raises(PromotionRefusedError, match="has a shortcut") as caught:
        promote(registry, HERE)
    assert "(metadata: The kernel tells.)" in str(caught.value.received)
    outcome = promote(registry, HERE, overrule=["shortcuts"])
    assert outcome.changed
    (said,) = (one for one in registry.decisions()[-1].rulings if one.gate == "shortcuts")
    assert (said.passed, said.overruled) == (False, True)
    assert "overruled: the data set that it learnt from has a shortcut" in registry.decisions()[-1].reason


@pytest.mark.parametrize(
    ("digest", "outcome", "said"),
    [
        ("d" * 64, ProbeOutcome.CLEAR, "probes found no shortcut in its data set"),
        ("d" * 64, ProbeOutcome.UNDECIDED, "found no shortcut in its data set, but 1 of 1 could not rule one out"),
        ("e" * 64, ProbeOutcome.SHORTCUT, "was not probed"),
    ],
)
def test_what_the_probes_say_goes_to_the_ledger(
    digest: str, outcome: ProbeOutcome, said: str, make_package: MakePackage, registry: ModelRegistry, tmp_path: Path
) -> None:
    nominate([make_package()], AUC, registry)
    _probed(HERE.probes, digest, outcome=outcome)
    promote(registry, HERE)
    assert said in registry.decisions()[-1].reason


def test_the_version_carries_every_ruling_and_its_card(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.7, protocol="replica")], AUC, registry)
    with pytest.raises(PromotionRefusedError):
        promote(registry, HERE, overrule=["leakage"])
    tags = registry.store.client.get_model_version(MODEL_NAME, "2").tags
    assert tags["gate.size"] == "passed: its graphs have 0.0 MB of at most 500"
    assert tags["gate.probed"] == "unmeasured: its data set was not probed for shortcuts here"
    assert tags["gate.leakage"].startswith("overruled: its protocol replica is leaky")
    assert tags["gate.champion"].startswith("refused: the challenger does not beat the champion: a tie")
    assert (
        "0.7000 against 0.7000, difference +0.0000 [0.0000, 0.0000], 200 slices of 100 patients"
        in tags["gate.champion"]
    )
    assert str(Path.cwd()) not in " ".join(tags.values())


def test_rulings_of_gates_that_are_no_more_do_not_stay(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package()], AUC, registry)
    registry.store.client.set_model_version_tag(MODEL_NAME, "1", "gate.night", "refused: it is late")
    promote(registry, HERE)
    tags = registry.store.client.get_model_version(MODEL_NAME, "1").tags
    assert {name for name in tags if name.startswith("gate.")} == {f"gate.{name}" for name in GATES}


def test_a_description_is_the_card_as_far_as_it_fits_and_says_where_all_of_it_lies(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    end = "All of this card: artifacts/card.md of the model; as JSON: artifacts/card.json.\n"
    for number, blind_to in ((1, ()), (2, tuple(f"thing number {n} that it cannot see" for n in range(300)))):
        registry.register(make_package(f"p{number}", blind_to=blind_to), "auc")
        described = registry.store.client.get_model_version(MODEL_NAME, str(number)).description
        assert described.startswith("# Model card: ResidualCNN, learnt from chest\n\n> Research on")
        assert described.endswith(f"\n\n{end}")
        assert len(described) <= 5000
        whole = (registry.package(registry.find(str(number))) / "card.md").read_text()
        assert whole.startswith(described.removesuffix(end).strip())
        assert all(thing in whole for thing in blind_to)


def test_a_difference_that_may_be_chance_is_a_tie_though_the_figure_is_higher(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.71)], AUC, registry)  # one patient in a hundred more
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "a tie, the interval of the difference reaches 0" in str(caught.value.received)
    assert "0.7100 against 0.7000, difference +0.0100 [0.0000, " in str(caught.value.received)


def test_a_champion_whose_files_are_gone_cannot_be_compared_and_is_told_to_be_rolled_back(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    nominate([make_package("a", val=0.7)], AUC, registry)
    promote(registry, HERE)
    shutil.rmtree(registry.package(registry.find("1")))
    nominate([make_package("b", val=0.9)], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        promote(registry, HERE)
    assert "cannot be compared: the files of this version are gone" in str(caught.value.received)
    assert "medfake rollback" in str(caught.value.remedy)
