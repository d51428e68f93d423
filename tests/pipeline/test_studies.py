"""The studies of the papers, whole but small, on the phantom."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from medfake.config import PhantomParams
from medfake.metrics.drop_report import read_drop
from medfake.phantom import write_phantom
from medfake.probes.blanked import read_blanked
from medfake.project import Project
from medfake.reports.compare import compare_study
from medfake.reports.entry import read_entries
from medfake.reports.parts import Table
from medfake.reports.sections.registry import ReportInput, written_sections
from medfake.training.keras_setup import clear_session

PROJECT = Path(__file__).resolve().parents[2]
STUDIES = PROJECT / "studies"
pytestmark = pytest.mark.slow(minutes=8)
PASSIVE = {"WaveletCooccurrenceSVM", "CopyMove"}
CLASSICAL_ONES = {"SVM", "RandomForest", "DecisionTree"} | PASSIVE
SMALL: dict[str, list[str]] = {  # study -> detectors that stand for all of its kinds
    "alsabbagh": ["MobileNetV3Large", "CustomCNN"],
    "solaiyappan": ["SVM", "RandomForest", "DecisionTree", "CustomCNN"],
    "shree": ["CustomCNN", "RandomForest"],
    "shree-networks": ["CustomCNN", "MobileNetV2"],
    "genuine": ["RandomForest", "WaveletCooccurrenceSVM", "MobileNetQuarter"],
    "modalities": ["CustomCNN", "RandomForest"],
}
LIKE = {"alsabbagh": "ResNet50V2", "solaiyappan": "VGG19"}  # the network whose options the custom CNN has there
TESTED = {"val": 0.3, "test": 0.3}
NETWORK = {"weights": "none", "input_size": 32, "epochs": 2}
CLASSICAL = {"pool": 16, "folds": 2}
NETWORK_GRID = {"epochs": [1, 2]}  # where the study searches one
PHANTOM = {"seed": 5, "reals": 6, "fakes": {"FM": 6, "FB": 6, "TM": 2, "TB": 2}, "slices": 16}
OUTLINED = {
    "seed": 5,
    "reals": 20,
    "fakes": {"FM": 0},
    "slices": 32,
    "nodules": 6,
    "outlines": True,
    "scanners": ["Phantom B"],
}
PHANTOMS = {  # of studies that need another
    "shree": {"chest": OUTLINED},
    "modalities": {
        "heads": {**PHANTOM, "modality": "MR", "reals": 4, "fakes": {"FM": 4, "FB": 4, "TM": 2}},
        "radiographs": {**PHANTOM, "modality": "X-ray", "slices": 1, "fakes": {"FM": 8, "FB": 8, "TM": 8}},
    },
}
DCGAN = {
    "size": 128,
    "latent": 8,
    "width": 4,
    "epochs": 8,
    "generator_rate": 2e-3,
    "discriminator_rate": 2e-3,
    "look_every": 2,
    "images": 24,
}
GRIDS = {"SVM": {"c": [0.1, 1.0]}, "RandomForest": {"trees": [5, 10]}, "DecisionTree": {"max_depth": [2, 4]}}


def toy(name: str) -> dict[str, Any]:
    """A study with its own structure, on a small phantom, with small inputs and few epochs."""
    study = yaml.safe_load((STUDIES / f"{name}.yaml").read_text())
    study["phantom"] = PHANTOMS.get(name, {"chest": PHANTOM})
    for generator in study["generators"].values():
        generator.update(DCGAN)
    for dataset in study["datasets"].values():
        kind = dataset["fakes"]["kind"]
        if "chest" in study["phantom"]:
            dataset["reals"] = {"kind": "lidc", "path": "data/raw/chest/LIDC-IDRI"}
        if kind == "ct_gan":
            dataset["fakes"]["path"] = "data/raw/chest/CT-GAN"
        elif kind == "lidc":
            dataset["fakes"] = dataset["reals"]
        if dataset.get("view", {}).get("name") == "resized":
            dataset["view"]["size"] = DCGAN["size"]
        dataset["split"] |= {"val": 0.3, "test": 0.0, "folds": 3} if "folds" in dataset["split"] else TESTED
        if dataset.get("augment"):
            dataset["augment"] = {"flips": True, "shift_px": 0, "rotate_step_deg": 0}
    if name in LIKE:
        study["detectors"]["CustomCNN"] = dict(study["detectors"][LIKE[name]])
    study["banks"], study["measure"] = {}, {}  # of scans that are not in the project
    study["detectors"] = {
        name: own for name, own in study["detectors"].items() if not name.startswith("Residual") and "bank" not in own
    }
    for detector, options in study["detectors"].items():
        if detector in PASSIVE:
            continue
        options.update(CLASSICAL | {"grid": GRIDS[detector]} if detector in GRIDS else NETWORK)
        if options.get("grid") and detector not in GRIDS:
            options |= {"folds": 2, "grid": NETWORK_GRID}
        if options.get("fine_tune", {}).get("epochs"):
            options["fine_tune"]["epochs"] = 1
    study["train"]["detectors"] = SMALL[name]
    for drop in study["drop"].values():
        drop["detectors"] = SMALL[name]
    if "repeat" in study["train"]:
        study["train"]["repeat"] |= {"best": 1, "seeds": [2]}
    study["evaluation"]["bootstrap"] = 100
    study["explain"] = {"slices": 2}
    study["probes"] |= {"slices": 60, "permutations": 5}
    study["explain"] |= {"slices": 2, "occlusion": {"copies": 16}}
    study["workers"] = {"jobs": 1}  # work for seconds; processes would import everything first
    return dict(study)


def stages(study: dict[str, Any]) -> Iterator[list[str]]:
    """Commands of dvc.yaml for a study, in its order."""
    train = study["train"]
    generated = {f"data/raw/{name}" for name in study["generators"]}
    for stage in (
        "phantom",
        "scans",
        "slices",
        "generate",
        "check",
        "probe",
        "features",
        "train",
        "explain",
        "repeat",
        "blanked",
        "robustness",
        "drop",
        "stack",
        "timings",
        "latent",
        "measured",
        "compare",
        "report",
        "nominate",
        "track",
    ):
        if stage == "phantom":
            yield from ([stage, "--name", name] for name in study["phantom"])
        elif stage in ("scans", "slices"):
            later = [name for name, dataset in study["datasets"].items() if dataset["fakes"]["path"] in generated]
            yield from ([stage, "--dataset", name] for name in study["datasets"] if name not in later)
        elif stage == "generate":
            yield from ([stage, "--name", name] for name in study["generators"])
            yield from ([one, "--dataset", name] for name in later for one in ("scans", "slices"))
        elif stage in ("check", "probe"):
            yield from ([stage, "--dataset", name] for name in study["datasets"])
        elif stage == "drop":
            yield from ([stage, "--name", name] for name in study["drop"])
        elif stage in ("robustness", "latent"):
            yield from ([stage, "--dataset", name] for name in train["datasets"])
        elif stage in ("features", "train", "explain"):
            for dataset in train["datasets"]:
                for detector in train["detectors"]:
                    seeds = [["--seed", str(seed)] for seed in train["seeds"]] if stage != "features" else [[]]
                    yield from ([stage, "--dataset", dataset, "--detector", detector, *seed] for seed in seeds)
        else:
            yield [stage]


def test_the_stages_are_those_of_dvc_yaml() -> None:
    listed = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    assert {command[0] for command in stages(toy("shree"))} == listed.keys() - {
        "forge",
        "inpainters",
        "bank",
        "forensics",
    }


def run_stages(commands: list[list[str]], study: dict[str, Any]) -> None:
    """Run stages one after the other in this process and folder: TensorFlow and MLflow are loaded once for all."""
    Path("params.yaml").write_text(yaml.safe_dump(study))
    Path("dvc.yaml").write_text("stages: {}\n")
    for stage, *arguments in commands:
        import_module(f"pipelines.{stage}").main.main(arguments, standalone_mode=False)
        if stage in ("train", "explain", "repeat") and not CLASSICAL_ONES & set(arguments):
            clear_session()  # which goes through all objects of TensorFlow: a second each time


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The phantoms of a study, with a quarter or less of the pixels that the stage gives them."""
    root = tmp_path_factory.mktemp("phantom")

    @cache
    def write(owner: str) -> Path:
        for key, block in PHANTOMS.get(owner, {"chest": PHANTOM}).items():
            size = 256 if block is PHANTOM else 128
            write_phantom(root / owner / "data/raw" / key, PhantomParams.model_validate(block), size=size)
        return root / owner

    return lambda name: write(name if name in PHANTOMS else "")


@pytest.mark.parametrize("name", SMALL)
def test_a_study_ends_with_its_tables(
    name: str, tmp_path: Path, phantom: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = toy(name)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(phantom(name) / "data", tmp_path / "data", copy_function=os.link)
    run_stages([command for command in stages(study) if command[0] != "phantom"], study)
    figures = json.loads((tmp_path / "reports/comparison.json").read_text())
    runs = {tuple(key.split("/")[:3]) for key in figures}
    train = study["train"]
    first = {(d, n, "seed-1") for d in train["datasets"] for n in train["detectors"]}
    assert first <= runs
    page = (tmp_path / "reports/comparison.md").read_text()
    print(page)  # shown when the test fails, or with -s
    CHECKS[name](runs - first, page, tmp_path)


def _alsabbagh(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """One of two was repeated, that with the highest H on validation; Table 2's means stand there."""
    h = {}
    for card in (folder / "models").glob("replica/*/seed-1/card.json"):
        h[card.parts[-3]] = json.loads(card.read_text())["metrics"]["val"]["h"] or float("-inf")
    assert len(h) == 2
    best = min(h, key=lambda detector: (-h[detector], detector))
    assert repeated == {("replica", best, "seed-2")}
    assert "### Over seeds" in page
    assert "Table 1" in page


def _solaiyappan(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """Three classes where they were asked for; views as they were asked for; options found by search."""
    assert not repeated
    assert page.count("### Three classes") == 1
    predictions = pd.read_parquet(folder / "models/multiclass/SVM/seed-1/predictions.parquet")
    assert predictions.p_removed.notna().all()
    assert set(predictions.manipulation) == {"none", "removed", "injected"}
    for name in ("raw", "localized", "localized-augmented"):
        manifest = pd.read_parquet(folder / "data/slices" / name / "manifest.parquet")
        assert set(manifest.manipulation) == {"none", "injected", "removed"}
        assert (manifest.distance_mm[manifest.label == 1] == 0).all()  # the labelled slices and no neighbours
        assert (set(manifest["transform"]) != {""}) == name.endswith("augmented")
        facts = json.loads((folder / "data/slices" / name / "dataset.json").read_text())
        assert facts["negatives"]["on_nodule"] > 0
        assert (folder / "reports/class_rows" / name / "rows.png").is_file()
    card = json.loads((folder / "models/raw/DecisionTree/seed-1/card.json").read_text())
    assert card["chosen"]["max_depth"] in (2, 4)
    assert card["learnt"]["slices"] == card["learnt"]["of"]
    assert set(card["both_classes"]) == {"train", "val", "test"}
    package = folder / "models/localized/CustomCNN/seed-1"
    network = json.loads((package / "card.json").read_text())
    assert (network["view"], network["options"]["output"], network["options"]["head"]) == ("localized", "softmax", [10])
    assert network["chosen"]["epochs"] in (1, 2)
    assert len((package / "grid.csv").read_text().splitlines()) == 3
    project = Project(folder)
    entries, _ = read_entries(project.packages())
    comparison = compare_study(entries, project.params)
    given = ReportInput(comparison=comparison, params=project.params, reports=project.reports)
    sections = written_sections(given)
    tables = [part for part in sections["solaiyappan"].parts if isinstance(part, Table)]
    assert len(tables) == 7  # Tables 2 to 7, and who was misled
    assert all(len(table.theirs) == 3 for table in tables[:6])
    assert len(sections["class rows"].parts) == 1 + 6


def _shree(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """A drop with its interval beside the paper's, the direct detector, and nobody who stands for promotion."""
    assert not repeated
    assert "Shree" in page
    assert "Data set nodules has another task than tampering: does the slice show a nodule?" in page
    cards = {
        path.parts[-4]: json.loads(path.read_text())["task"] for path in folder.glob("models/*/*/seed-1/card.json")
    }
    assert cards == {"nodules": "nodules", "nodules-mixed": "nodules", "generated": "tampering"}
    report, mixed = (read_drop(folder / f"reports/drop/{name}.json") for name in ("dcgan", "patients-mixed"))
    assert (report.protocol, mixed.protocol) == ("grouped", "replica")
    assert [one.detector for one in report.runs.values()] == SMALL["shree"]
    assert (report.deepfakes, report.asked, report.evidence) == (24, 12, "phantom")
    for one in report.runs.values():
        low, high = one.drop.interval.low, one.drop.interval.high
        assert low <= one.originals.accuracy.value - one.deepfakes.accuracy.value <= high
    assert json.loads((folder / "reports/nomination.json").read_text()) is None
    html = (folder / "reports/report.html").read_text()
    for said in ("Accuracy on deepfakes, and their detection", "A drop is no detection.", "the question itself",
                 "protocol replica of nodules-mixed"):  # fmt: skip
        assert said in html


def _shree_networks(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """Networks from scratch and pretrained ones."""
    assert not repeated
    assert "Shree" not in page
    assert {path.parent.name for path in folder.glob("models/whole/*/seed-1")} == set(SMALL["shree-networks"])


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_study_is_valid_to_its_detectors_options(path: Path) -> None:
    assert Project(PROJECT).read_params(path).study == path.stem


def _genuine(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """Every patient is tested once, and each detector is scored again with the site blanked."""
    assert repeated == set()
    assert page.count("There is no test split: every patient was tested once, by one of 3 trainings") == 1
    assert "| RandomForest | 1 | 3 | " in page.split("### Over folds")[1]
    report = read_blanked(folder / "reports/blanked/genuine.json")
    assert [one.detector for one in report.trainings] == SMALL["genuine"]
    rows = pd.read_parquet(folder / "models/genuine/RandomForest/seed-1/folds.parquet")
    manifest = pd.read_parquet(folder / "data/slices/genuine/manifest.parquet")
    assert sorted(rows.slice_id) == sorted(manifest.slice_id)
    assert all(one.out_of_fold and one.slices == len(rows) for one in report.trainings)


def _modalities(repeated: set[tuple[str, ...]], page: str, folder: Path) -> None:
    """Both modalities to the end: guards, cards that name what they judge, explanations, robustness, a challenger."""
    assert not repeated
    for dataset, modality in (("heads", "MR"), ("radiographs", "X-ray")):
        manifest = pd.read_parquet(folder / "data/slices" / dataset / "manifest.parquet")
        assert set(manifest.modality) == {modality}
        assert manifest.air_fraction.isna().all()
        assert set(manifest.manipulation) == {"none", "injected", "removed"}
        assert json.loads((folder / f"reports/checks/{dataset}.json").read_text())["failed"] == 0
        for detector in SMALL["modalities"]:
            package = folder / "models" / dataset / detector / "seed-1"
            assert json.loads((package / "card.json").read_text())["modality"] == modality
        curves = json.loads((folder / f"reports/robustness/{dataset}.json").read_text())
        (first, *_) = curves["runs"].values()
        assert {one["unit"] for one in first["curves"]} >= {"units of white noise added"}
    nominated = json.loads((folder / "reports/nomination.json").read_text())
    assert "heads" in str(nominated)
    assert "phantom" in page.lower()


CHECKS = {
    "alsabbagh": _alsabbagh,
    "solaiyappan": _solaiyappan,
    "shree": _shree,
    "shree-networks": _shree_networks,
    "genuine": _genuine,
    "modalities": _modalities,
}
