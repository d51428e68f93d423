"""One of each kind from a package outside of medfake: the code that CONTRIBUTING.md shows, as it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
KINDS = (
    *("detector", "source", "guard", "probe", "gate", "protocol", "view", "manipulation", "perturbation"),
    *("explanation", "report section", "server rule"),
)

LOOK = """
import json, sys
from pathlib import Path

import numpy as np
import pandas as pd

from medfake.checks.guards.registry import GUARDS
from medfake.checks.suite import run_checks
from medfake.config import load_params
from medfake.datasets.chosen import validate_chosen
from medfake.datasets.dataset import Dataset
from medfake.datasets.sources.registry import SOURCES
from medfake.datasets.split import PROTOCOLS, draw_split
from medfake.datasets.survey import recognise
from medfake.datasets.views.registry import VIEWS, Place, view_of
from medfake.detectors.families import FAMILIES, family_of
from medfake.detectors.registry import DETECTORS, detector_spec, validate_options
from medfake.errors import ConfigError
from medfake.explain.registry import EXPLANATIONS, ShownSlice
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import PROBES
from medfake.registry.gates.gate import GATES
from medfake.reports.sections.registry import SECTIONS, ReportInput
from medfake.robustness.registry import PERTURBATIONS
from medfake.tamper.registry import MANIPULATIONS
from medfake.tamper.site import Site
from mlflow_server.configured_service import Kind, Service
from mlflow_server.rules.registry import RULES, judged

params, toy = validate_chosen(load_params(Path("params.yaml"))), Path(sys.argv[1])
chest, said = params.datasets["chest"], {}
kinds = {"source": SOURCES, "guard": GUARDS, "probe": PROBES, "gate": GATES, "protocol": PROTOCOLS, "view": VIEWS,
         "manipulation": MANIPULATIONS, "perturbation": PERTURBATIONS, "detector": DETECTORS, "family": FAMILIES,
         "explanation": EXPLANATIONS, "report section": SECTIONS, "server rule": RULES}
said["listed"] = {kind: list(things) for kind, things in kinds.items()}
said["recognised"] = recognise(Path("tree"))
cut = view_of(chest.view).cut(np.zeros((512, 512), np.int16), Place(float("nan"), float("nan"), False, 1.0))
said["cut"] = cut.pixels.shape
slices = pd.DataFrame({"patient_id": [f"p{n // 2}" for n in range(20)], "label": [0, 1] * 10})
slices["source"] = ["old"] * 16 + ["new"] * 4
said["split"] = draw_split(slices, chest.split).value_counts().to_dict()
(result,) = run_checks(toy, chest, ["thin slices"]).results
said["guard"] = [result.passed, result.figures]
said["probe"] = PROBES["first slice"].look(ProbeInput(Dataset.open(toy), params.probes)).because
volume = np.arange(5 * 40 * 40, dtype=np.int16).reshape(5, 40, 40)
after = MANIPULATIONS[params.forged["own"].manipulations[0]].apply(volume, (1, 1, 1), Site(2, 20, 10), None)
said["changed"] = int((after != volume).sum())
flip = PERTURBATIONS["mirrored"]
(place,) = flip.move(np.array([[20.0, 39.0]]), (40, 40), (40, 40))
said["moved"] = [flip.apply(volume[0], None)[20, 0].item(), place.tolist()]
shown = ShownSlice(np.eye(96, 96, 20, np.int16), (1.0, 1.0))
said["peak"] = EXPLANATIONS["left-right"].open(None)(shown).values.sum()
(said["section"],) = SECTIONS["seeds"].write(ReportInput(comparison=None, params=params, reports=Path())).parts
bare = Service(where="here", kind=Kind.MLFLOW, variables={})
said["rule"] = [one.found for one in judged([bare]) if one.rule == "two workers"]
options = validate_options("ExtraTrees", {"trees": 3})
said["estimator"] = type(detector_spec("ExtraTrees").build(options, 1)).__name__
said["network"] = [family_of(detector_spec(name)).network for name in ("ExtraTrees", "Tossed")]
said["refused"] = []
for wrong in sys.argv[2:]:
    try:
        validate_chosen(load_params(Path(wrong)))
    except ConfigError as error:
        said["refused"].append(error.what)
print(json.dumps(said))
"""

FAMILY = """
from medfake.config import Section
from medfake.detectors.families import Family, family
from medfake.detectors.registry import detector

@family("coin")
class Coin(Family):
    network = True
    def fit(self, context): ...
    def estimate(self, spec, options): ...

@detector("Tossed", family="coin", options=Section)
def tossed(): ...
"""


def _shown(kind: str) -> str:
    """The piece of Python below a heading of CONTRIBUTING.md."""
    article = "an" if kind[0] in "aeiou" else "a"
    section = CONTRIBUTING.split(f"\n## Add {article} {kind}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    return code


def _install(folder: Path) -> None:
    """A package, as pip would leave it, that offers one of each kind under its entry points."""
    points = []
    for kind in KINDS:
        word = kind.replace(" ", "_")
        (folder / f"outside_{word}.py").write_text(_shown(kind), encoding="utf-8")
        points.append(f"[medfake.{word}s]\none = outside_{word}\n")
    (folder / "outside_family.py").write_text(FAMILY)
    points.append("[medfake.detector_families]\none = outside_family\n")
    info = folder / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(points))


def _params(folder: Path, name: str, **changes: Any) -> str:
    values = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    values["datasets"]["chest"] |= changes
    forged = {"seed": 1, "reals": "data", "scans_per_patient": 1, "manipulations": ["mirror"]}
    (folder / name).write_text(yaml.safe_dump(values | {"forged": {"own": forged}}))
    return name


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, write_toy_set: Any) -> dict[str, Any]:
    """What a process with that package installed says."""
    folder = tmp_path_factory.mktemp("outside")
    _install(folder)
    write_toy_set(folder / "toy")
    (folder / "tree").mkdir()
    (folder / "tree" / "sets.csv").write_text("")
    split = {"protocol": "one-source-tests", "val": 0.2, "test": 0.3, "seed": 1, "tested": "new"}
    reals = {"kind": "m3dsynth", "path": "tree"}
    _params(folder, "params.yaml", reals=reals, view={"name": "centre", "edge": 100}, split=split)
    wrong = [
        _params(folder, "wrong-view.yaml", view={"name": "center"}),
        _params(folder, "wrong-option.yaml", view={"name": "centre", "edges": 1}),
        _params(folder, "wrong-source.yaml", reals=reals | {"kind": "m3dsinth"}),
        _params(folder, "wrong-split.yaml", split={**split, "tested": 1}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder / "toy"), *wrong],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)])},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("detector", "ExtraTrees"),
        ("family", "coin"),
        ("source", "m3dsynth"),
        ("guard", "thin slices"),
        ("probe", "first slice"),
        ("gate", "thresholds"),
        ("protocol", "one-source-tests"),
        ("view", "centre"),
        ("manipulation", "mirror"),
        ("perturbation", "mirrored"),
        ("explanation", "left-right"),
        ("report section", "seeds"),
        ("server rule", "two workers"),
    ],
)
def test_what_another_package_offers_is_listed_beside_our_own(said: dict[str, Any], kind: str, name: str) -> None:
    assert name in said["listed"][kind]
    assert len(said["listed"][kind]) > 1


def test_a_source_a_view_and_a_protocol_from_outside_serve_a_data_set(said: dict[str, Any]) -> None:
    assert said["recognised"] == "m3dsynth"
    assert said["cut"] == [100, 100]
    assert said["split"] == {"train": 12, "val": 4, "test": 4}


def test_a_section_from_outside_is_written(said: dict[str, Any]) -> None:
    assert said["section"] == "Trained with seeds [1]."


def test_a_server_rule_from_outside_judges_a_configuration(said: dict[str, Any]) -> None:
    assert said["rule"] == ["nothing says how many processes answer"]


def test_a_guard_and_a_probe_from_outside_look_at_a_data_set(said: dict[str, Any]) -> None:
    assert said["guard"][0] is True
    assert said["guard"][1].startswith("up to ")
    assert said["probe"] == "z_index"


def test_a_detector_and_a_family_from_outside_are_built_and_found(said: dict[str, Any]) -> None:
    assert said["estimator"] == "ExtraTreesClassifier"
    assert said["network"] == [False, True]


def test_a_manipulation_from_outside_touches_what_it_says(said: dict[str, Any]) -> None:
    assert said["changed"] == 3 * 17 * 17


def test_a_perturbation_from_outside_says_where_places_went(said: dict[str, Any]) -> None:
    assert said["moved"] == [20 * 40 + 39, [20.0, 0.0]]


def test_an_explanation_from_outside_makes_a_map(said: dict[str, Any]) -> None:
    assert said["peak"] == 2 * (96 - 20)  # pixels and their counterparts


def test_wrong_names_and_options_are_told_with_their_key_and_a_near_match(said: dict[str, Any]) -> None:
    view, option, source, split = said["refused"]
    assert view == "datasets.chest.view.name = 'center' is no kind of view, did you mean 'centre'?"
    assert option.startswith("unknown key datasets.chest.view.edges = 1, did you mean 'edge'?")
    assert source == "datasets.chest.reals.kind = 'm3dsinth' is no kind of source, did you mean 'm3dsynth'?"
    assert split == "datasets.chest.split.tested = 1: input should be a valid string"
