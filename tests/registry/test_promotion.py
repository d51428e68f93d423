import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.errors import BusyError, ExportMismatchError, NoChampionError, PromotionRefusedError, RegistryError
from medfake.folders import PRIVATE
from medfake.package.card import Agreement
from medfake.probes.registry import Finding, ProbeReport
from medfake.probes.verdict import Score, Verdict
from medfake.registry.nominate import nominate
from medfake.registry.promote import history, promote, rollback
from medfake.registry.versions import CHAMPION, find_version, list_versions, package_of

MakePackage = Callable[..., Path]


def test_the_validation_split_nominates_though_the_test_split_says_otherwise(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    packages = [make_package("worse", val=0.7, test=0.99), make_package("better", val=0.9, test=0.5)]
    nomination = nominate(packages, "auc", tracking)
    assert nomination is not None
    assert nomination.value == 0.9
    assert [value for _, value in nomination.table] == [0.9, 0.7]


def test_the_same_package_is_registered_once(make_package: MakePackage, tracking: TrackingParams) -> None:
    package = make_package()
    assert nominate([package], "auc", tracking) == nominate([package], "auc", tracking)
    assert len(list_versions(tracking)) == 1


def test_detectors_of_parts_of_slices_are_not_nominated(make_package: MakePackage, tracking: TrackingParams) -> None:
    part = make_package("part", val=0.9, view="localized")
    assert nominate([part], "auc", tracking) is None
    nomination = nominate([part, make_package("whole", val=0.6)], "auc", tracking)
    assert nomination is not None
    assert nomination.value == 0.6


def test_a_package_without_the_figure_is_not_nominated(make_package: MakePackage, tracking: TrackingParams) -> None:
    with pytest.raises(RegistryError, match="no detector has the figure"):
        nominate([make_package(val=None)], "auc", tracking)


def test_a_package_whose_forms_disagree_is_not_registered(make_package: MakePackage, tracking: TrackingParams) -> None:
    package = make_package(agreement=Agreement(max_abs_difference=1.1e-4, slices=4))
    with pytest.raises(ExportMismatchError, match="not registered"):
        nominate([package], "auc", tracking)
    assert list_versions(tracking) == []


def test_without_a_registry_nothing_is_made_just_by_asking_for_the_champion(
    tracking: TrackingParams, tmp_path: Path
) -> None:
    with pytest.raises(NoChampionError) as caught:
        find_version(tracking, CHAMPION)
    assert caught.value.remedy == "dvc repro, then medfake promote"
    assert not (tmp_path / "mlflow.db").exists()


def test_a_nominated_but_unpromoted_detector_is_told_to_be_promoted(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    nominate([make_package()], "auc", tracking)
    with pytest.raises(NoChampionError) as caught:
        find_version(tracking, CHAMPION)
    assert caught.value.remedy == "medfake promote"


def test_promotion_needs_a_challenger(tracking: TrackingParams) -> None:
    with pytest.raises(RegistryError, match="there is no challenger") as caught:
        promote(tracking)
    assert caught.value.remedy == "dvc repro -f nominate"


def test_a_dry_run_changes_nothing(make_package: MakePackage, tracking: TrackingParams) -> None:
    nominate([make_package()], "auc", tracking)
    assert not promote(tracking, dry_run=True).changed
    assert history(tracking) == []
    with pytest.raises(NoChampionError):
        find_version(tracking, CHAMPION)


def test_champions_come_and_go_and_the_ledger_remembers(make_package: MakePackage, tracking: TrackingParams) -> None:
    nominate([make_package("a", val=0.7)], "auc", tracking)
    assert promote(tracking).champion == 1
    assert not promote(tracking).changed
    nominate([make_package("b", val=0.8)], "auc", tracking)
    assert promote(tracking).previous == 1
    assert find_version(tracking, CHAMPION).number == 2
    assert rollback(tracking).champion == 1
    assert find_version(tracking, CHAMPION).number == 1
    assert rollback(tracking).champion is None
    with pytest.raises(RegistryError, match="no promotion to roll back"):
        rollback(tracking)
    decisions = [(one.action, one.version, one.previous) for one in history(tracking)]
    assert decisions == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2), ("rollback", None, 1)]


@pytest.mark.parametrize("value", [0.7, 0.6999])
def test_an_equal_or_worse_challenger_is_refused(
    value: float, make_package: MakePackage, tracking: TrackingParams
) -> None:
    nominate([make_package("a", val=0.7)], "auc", tracking)
    promote(tracking)
    nominate([make_package("b", val=value)], "auc", tracking)
    with pytest.raises(PromotionRefusedError, match="does not beat") as caught:
        promote(tracking)
    assert "0.7000" in str(caught.value.received)
    assert find_version(tracking, CHAMPION).number == 1


def test_figures_of_another_data_set_are_not_compared(make_package: MakePackage, tracking: TrackingParams) -> None:
    nominate([make_package("a", val=0.7)], "auc", tracking)
    promote(tracking)
    nominate([make_package("b", val=0.9, dataset_sha256="e" * 64)], "auc", tracking)
    with pytest.raises(PromotionRefusedError, match="different data"):
        promote(tracking)


def test_a_champion_nominated_by_another_figure_is_compared_by_the_challengers(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    nominate([make_package("a", val=0.7)], "auc", tracking)
    promote(tracking)
    nominate([make_package("b", val=0.8)], "f1", tracking)
    assert promote(tracking).reason.endswith(
        "version 1 (ResidualCNN) has f1 0.7000; its data set was not probed for shortcuts here"
    )


def test_two_promotions_at_once_are_refused(make_package: MakePackage, tracking: TrackingParams) -> None:
    nominate([make_package()], "auc", tracking)
    PRIVATE.mkdir(exist_ok=True)
    with (PRIVATE / "promote.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another promotion"):
            promote(tracking)


def test_a_stored_model_holds_no_pickle_and_loads_without_tensorflow(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    nominate([make_package()], "auc", tracking)
    package = package_of(tracking, find_version(tracking, "challenger"))
    names = [path.name for path in package.parent.rglob("*") if path.is_file()]
    assert "detector.onnx" in names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    code = (
        "import sys, numpy as np, mlflow\n"
        f"mlflow.set_tracking_uri({tracking.uri!r})\n"
        "model = mlflow.pyfunc.load_model('models:/medfake-detector@challenger')\n"
        "print(float(model.predict(np.zeros((1, 96, 96), np.int16)).p_tampered[0]))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("0.5")


def _probed(folder: Path, digest: str, *, verdict: Verdict) -> Path:
    score = Score(0.9, 0.8, 1.0, "patients", 10)
    finding = Finding("metadata", "?", score, None, None, verdict, "The kernel tells.")
    ProbeReport("chest", digest, "phantom", 0.1, (finding,)).write(folder / "chest.json")
    return folder


def test_a_shortcut_in_its_data_set_refuses_the_challenger(
    make_package: MakePackage, tracking: TrackingParams, tmp_path: Path
) -> None:
    nominate([make_package()], "auc", tracking)
    probes = _probed(tmp_path / "probes", "d" * 64, verdict=Verdict.SHORTCUT)
    with pytest.raises(PromotionRefusedError, match="has a shortcut") as caught:
        promote(tracking, probes=probes)
    assert caught.value.received == "metadata: The kernel tells."
    outcome = promote(tracking, probes=probes, despite_shortcuts=True)
    assert outcome.changed
    assert "despite a shortcut in its data set" in history(tracking)[-1].reason


@pytest.mark.parametrize(
    ("digest", "verdict", "said"),
    [
        ("d" * 64, Verdict.CLEAR, "; probes found no shortcut in its data set"),
        ("d" * 64, Verdict.UNDECIDED, "found no shortcut in its data set, but 1 of 1 could not rule one out"),
        ("e" * 64, Verdict.SHORTCUT, "was not probed"),
    ],
)
def test_what_the_probes_say_goes_to_the_ledger(
    digest: str, verdict: Verdict, said: str, make_package: MakePackage, tracking: TrackingParams, tmp_path: Path
) -> None:
    nominate([make_package()], "auc", tracking)
    promote(tracking, probes=_probed(tmp_path / "probes", digest, verdict=verdict))
    assert said in history(tracking)[-1].reason
