"""Every guard broken on purpose: once quickly, once through the stage's own command, one through `dvc repro`."""

import html
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from medfake.checks.guards.registry import all_guards
from medfake.checks.suite import CheckReport, run_checks
from medfake.datasets.manifest import SCHEMA
from medfake.errors import CheckFailedError
from pipelines.check import main as check_stage

GUARDS = {guard.name: guard for guard in all_guards()}
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Broken:
    """One way to break a guard.

    Attributes:
        figures: What the guard must say.
        manifest: Changes the table.
        folder: Changes other files.
        params: Other values in the data set's block of params.yaml.
        typed: Whether the changed table still has the schema's types.
    """

    figures: str
    manifest: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table
    folder: Callable[[Path], object] = lambda _: None
    params: dict[str, Any] = field(default_factory=dict)
    typed: bool = True


def set_value(at: str, /, **values: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        for column, value in values.items():
            table.loc[table.slice_id == at, column] = value
        return table

    return change


def repeat_image(of: str, at: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Give one slice the pixels of another."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        source = table[table.slice_id == of].iloc[0]
        return set_value(at, sha256=source.sha256, row=source.row)(table)

    return change


def add_copies(*of: tuple[str, int]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Add the three flips of every slice of some splits and classes."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        chosen = pd.concat([table[(table.split == split) & (table.label == label)] for split, label in of])
        copies = [chosen.assign(slice_id=chosen.slice_id + ":" + word, transform=word) for word in FLIPPED]
        return pd.concat([table, *copies], ignore_index=True)

    return change


def drop(query: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.query(f"not ({query})").reset_index(drop=True)


def _truncate(folder: Path) -> None:
    path = folder / "shard-000.npy"
    path.write_bytes(path.read_bytes()[: -2 * 32 * 32])


def _alter(folder: Path) -> None:
    path = folder / "shard-000.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _count_labels(folder: Path, **counts: int) -> None:
    """Have dataset.json say something else about the rows of the label files."""
    path = folder / "dataset.json"
    facts = json.loads(path.read_text())
    facts["labels"]["reals and fakes"] |= counts
    path.write_text(json.dumps(facts))


def _forget_labels(folder: Path) -> None:
    facts = json.loads((folder / "dataset.json").read_text())
    del facts["labels"]
    (folder / "dataset.json").write_text(json.dumps(facts))


def _outline(folder: Path) -> None:
    """Have readers outline the sites on the three slices that are labelled, and on the one after them."""
    sites = pd.read_parquet(folder / "sites.parquet").assign(kind="TM", low_mm=0.0, high_mm=10.0)
    sites.to_parquet(folder / "sites.parquet", index=False)
    facts = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(facts | {"task": "nodules"}))


def no_manipulation(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(manipulation="none", generator="")


NODULES = {"labelling": {"rule": "nodules", "ignore_mm": 20.0}}
FLIPS = {"flips": True, "shift_px": 0, "rotate_step_deg": 0}
FLIPPED = ("flip-y", "flip-x", "flip-yx")
LEAVE_OUT = {"protocol": "leave-generator-out", "val": 0.2, "test": 0.3, "seed": 1, "held_out": "CT-GAN"}
LEAVE_SCANNER_OUT = LEAVE_OUT | {"protocol": "leave-scanner-out", "held_out": "maker/soft"}
FOLDED = {"protocol": "grouped", "val": 0.2, "test": 0.0, "seed": 1, "folds": 3}


def in_three_folds(table: pd.DataFrame) -> pd.DataFrame:
    """Every split becomes a fold, and the test split is learnt from, too."""
    fold = table.split.map({"train": 0, "val": 1, "test": 2})
    return table.assign(fold=fold, split=table.split.replace("test", "train"))


BROKEN: dict[str, Broken] = {  # guard -> how it is broken
    "columns": Broken(
        "row (whole number) expected, row (text) found", lambda t: t.assign(row=t.row.astype(str)), typed=False
    ),
    "keys": Broken("1 slices repeated (scan-t0:0)", set_value("scan-t0:1", slice_id="scan-t0:0")),
    "words": Broken("view localized", lambda table: table.assign(view="localized")),
    "labels agree": Broken(
        "1 label against manipulation (scan-t1:2)", set_value("scan-t1:2", manipulation="none", generator="")
    ),
    "copies alike": Broken("no copies asked for; 3 kinds too many or too few", add_copies(("train", 1))),
    "counts": Broken("val 0 tampered and 3 real", drop("split == 'val' and label == 1")),
    "balance": Broken(
        "train tampered 0.600, val tampered 0.500, test tampered 0.500; allowed 0.5 +- 0.02",
        drop("slice_id == 'scan-r0:0'"),
    ),
    "expected counts": Broken("CT-GAN 3 of 4 scans", params={"expect": {"CT-GAN": {"scans": 4}}}),
    "labels used": Broken(
        "reals and fakes 2 of 3 label rows used, 0 left out; 3 places, 3 sites",
        folder=lambda folder: _count_labels(folder, used=2),
    ),
    "patients apart": Broken(
        "1 of 5 patients are in several splits (scan-r0:0, scan-r0:1, scan-r1:0 and 1 more)",
        lambda table: table.replace({"patient_id": {"patient-r1": "patient-r0"}}),
    ),
    "folds apart": Broken(
        "3 of 3 folds; 0 slices of train and val in none, 0 of test in one; 1 patients in several",
        lambda t: in_three_folds(t).replace({"patient_id": {"patient-r1": "patient-r0"}}),
        params={"split": FOLDED},
    ),
    "hashes apart": Broken(
        "1 of 17 images are in several splits (scan-t0:0, scan-t1:0)", repeat_image("scan-t0:0", "scan-t1:0")
    ),
    "one label an image": Broken("1 of 17 images are in several labels", repeat_image("scan-t0:0", "scan-r0:0")),
    "clean negatives": Broken(
        "3 real slices of tampered scans, the nearest 24.0 mm away; allowed from 25 mm, 1 break that (scan-t0:3)",
        set_value("scan-t0:3", z_mm=29.0),
    ),
    "outlines agree": Broken(
        "9 slices with a nodule, 9 without and at least 20 mm from one; 1 break that (scan-t0:3)",
        lambda table: set_value("scan-t0:3", z_mm=29.9)(no_manipulation(table)),
        _outline,
        NODULES,
    ),
    "held out": Broken(
        "slices of CT-GAN: train 3, val 3, test 3; of others in test: 0",
        params={"split": LEAVE_OUT},
    ),
    "values": Broken("1 slices outside (scan-r2:0)", set_value("scan-r2:0", air_fraction=1.0)),
    "ranges": Broken("spacing_mm of 1 slices outside 0.05..10 (scan-r2:0)", set_value("scan-r2:0", spacing_mm=0.0)),
    "sizes": Broken("localized: 18 of 32 x 32 px", params={"view": {"name": "localized", "size": 64}}),
    "sites inside": Broken("1 of 9 sites outside their slice (scan-t0:0)", set_value("scan-t0:0", site_x=32.0)),
    "shards": Broken("shard-000.npy holds 17 slices, but the manifest names 18", folder=_truncate),
}


@pytest.fixture
def check(toy_set, toy_params, write_table) -> Callable[..., CheckReport]:
    """Break the toy set and look at some guards, or at all."""

    def look(broken: Broken, *guards: str) -> CheckReport:
        _break(toy_set, broken, write_table)
        return run_checks(toy_set, toy_params(**broken.params), guards or None)

    return look


def _break(folder: Path, broken: Broken, write_table: Callable[..., None]) -> None:
    table = broken.manifest(pd.read_parquet(folder / "manifest.parquet"))
    write_table(folder, table, SCHEMA if broken.typed else None)
    broken.folder(folder)


def _failed(report: CheckReport) -> dict[str, str]:
    return {one.name: one.figures for one in report.failed}


def test_a_sound_data_set_passes_every_guard(check):
    report = check(Broken(""))
    assert _failed(report) == {}
    assert [one.name for one in report.results] == list(GUARDS)
    report.raise_if_failed()


def test_every_guard_is_broken_on_purpose():
    assert set(BROKEN) == set(GUARDS)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_guard_tells_rule_figures_and_remedy(name, check):
    report = check(BROKEN[name], name)
    assert BROKEN[name].figures in _failed(report)[name]
    with pytest.raises(CheckFailedError) as caught:
        report.raise_if_failed()
    assert GUARDS[name].rule in caught.value.what
    assert BROKEN[name].figures in str(caught.value.received)
    assert GUARDS[name].remedy_for("toy") in str(caught.value.remedy)


FURTHER: dict[str, tuple[str, Broken]] = {  # other ways to break a guard, and the guard
    "a column too many": (
        "columns",
        Broken("nothing (nothing) expected, extra (whole number) found", lambda t: t.assign(extra=1), typed=False),
    ),
    "an empty key": ("keys", Broken("1 with an empty key (scan-r0:0)", set_value("scan-r0:0", patient_id=None))),
    "a generator of nothing": (
        "labels agree",
        Broken("1 generator of an untampered slice (scan-r0:0)", set_value("scan-r0:0", generator="CT-GAN")),
    ),
    "a manipulation without place": (
        "labels agree",
        Broken("1 tampered place without a site (scan-t0:0)", set_value("scan-t0:0", site_y=None)),
    ),
    "a nodule that nobody outlined": (
        "outlines agree",
        Broken(
            "1 break that (scan-r1:0)", lambda t: set_value("scan-r1:0", label=1)(no_manipulation(t)), _outline, NODULES
        ),
    ),
    "a manipulation among nodules": ("labels agree", Broken("9 label against manipulation", folder=_outline)),
    "copies in a split that is not named": (
        "copies alike",
        Broken(
            "3 copies of each slice of train asked for; 3 kinds too many or too few",
            add_copies(("train", 0), ("train", 1), ("val", 1)),
            params={"augment": FLIPS},
        ),
    ),
    "copies of one class alone": (
        "copies alike",
        Broken("3 kinds too many or too few", add_copies(("train", 1)), params={"augment": FLIPS}),
    ),
    "thirds out of balance": (
        "balance",
        Broken("train none 0.500, train removed 0.000, train injected 0.500", params={"classes": 3}),
    ),
    "a source that is not there": (
        "expected counts",
        Broken("M3Dsynth 0 of 2 scans", params={"expect": {"M3Dsynth": {"scans": 2}}}),
    ),
    "a place that is no site": (
        "labels used",
        Broken("4 places, 3 sites", folder=lambda folder: _count_labels(folder, places=4)),
    ),
    "labels that nobody counted": ("labels used", Broken("no labels were counted", folder=_forget_labels)),
    "a held-out scanner that nobody has": (
        "held out",
        Broken(
            "slices of other: train 0, val 0, test 0",
            params={"split": LEAVE_SCANNER_OUT | {"held_out": "other"}},
        ),
    ),
    "a held-out scanner in train": (
        "held out",
        Broken(
            "slices of maker/soft: train 6, val 6, test 6",
            params={"split": LEAVE_SCANNER_OUT},
        ),
    ),
    "fewer folds than asked for": (
        "folds apart",
        Broken("1 of 3 folds", lambda t: t.assign(fold=t.split.map({"train": 0, "val": 0})), params={"split": FOLDED}),
    ),
    "a fold of the test split": (
        "folds apart",
        Broken(
            "6 of test in one",
            lambda t: t.assign(fold=t.split.map({"train": 0, "val": 1, "test": 1})),
            params={"split": FOLDED},
        ),
    ),
    "a negative of a tampered scan under neighbours": (
        "clean negatives",
        Broken(
            "3 real slices of tampered scans, the nearest 55.0 mm away; none is allowed under neighbours, 3 break that",
            params={"labelling": {"rule": "neighbours", "k": 5}},
        ),
    ),
    "too low a value": ("values", Broken("HU -4097..", set_value("scan-r0:0", hu_min=-4097))),
    "too high a value": ("values", Broken("1 slices outside (scan-r0:0)", set_value("scan-r0:0", hu_max=4096))),
    "no air": ("values", Broken("1 slices outside (scan-r0:0)", set_value("scan-r0:0", air_fraction=0.0))),
    "no lung in a cut": (
        "values",
        Broken(
            "1 slices outside (scan-r0:0)",
            lambda t: set_value("scan-r0:0", hu_min=-499)(t.assign(view="localized")),
            params={"view": {"name": "localized", "size": 32}},
        ),
    ),
    "a site before the first row": ("sites inside", Broken("1 of 9", set_value("scan-t0:0", site_y=-0.51))),
    "a missing shard": ("shards", Broken("shard-000.npy is missing", folder=lambda f: (f / "shard-000.npy").unlink())),
    "no shard at all": (
        "shards",
        Broken("shard-000.npy is no shard", folder=lambda f: (f / "shard-000.npy").write_bytes(b"nothing")),
    ),
    "altered pixels": ("shards", Broken("1 of 18 slices differ from their digest (scan-r2:1)", folder=_alter)),
    "another size": ("shards", Broken("but the manifest names [[32, 33]]", lambda t: t.assign(cols=33))),
}


@pytest.mark.parametrize("what", FURTHER)
def test_a_guard_sees_other_faults_too(what, check):
    name, broken = FURTHER[what]
    assert broken.figures in _failed(check(broken, name))[name]


SOUND: dict[str, Broken] = {  # on the right side of a boundary
    "a generated slice without air": Broken(
        "", set_value("scan-t0:0", manipulation="generated", air_fraction=0.0, site_y=None, site_x=None)
    ),
    "slices without a nodule as near as they may be": Broken(
        "", lambda table: set_value("scan-t0:3", z_mm=30.0)(no_manipulation(table)), _outline, NODULES
    ),
    "a site on the last column": Broken("", set_value("scan-t0:0", site_x=31.0)),
    "a real slice at the band's edge": Broken("", set_value("scan-t0:3", z_mm=30.0)),
    "the lowest and the highest value": Broken("", set_value("scan-r0:0", hu_min=-4096, hu_max=4095)),
    "a cut without air, but with lung": Broken(
        "",
        lambda t: t.assign(view="localized", hu_min=-500, hu_max=-200, air_fraction=0.0),
        params={"view": {"name": "localized", "size": 32}},
    ),
    "copies of both classes in train": Broken("", add_copies(("train", 0), ("train", 1)), params={"augment": FLIPS}),
    "what was expected": Broken(
        "", params={"expect": {"CT-GAN": {"scans": 3, "slices": 120}, "LIDC-IDRI": {"slices": 100}}}
    ),
    "a label row that was left out with a word": Broken(
        "", folder=lambda folder: _count_labels(folder, rows=4, left_out=1)
    ),
    "folds and no test split": Broken("", in_three_folds, params={"split": FOLDED}),
}


@pytest.mark.parametrize("what", SOUND)
def test_what_is_just_allowed_passes(what, check):
    assert _failed(check(SOUND[what])) == {}


def test_under_replica_mixed_patients_pass_with_the_word_leaky(check):
    mixed = Broken(
        "",
        lambda table: table.replace({"patient_id": {"patient-r1": "patient-r0"}}),
        params={"split": {"protocol": "replica", "val": 0.2, "test": 0.3, "seed": 1}},
    )
    report = check(mixed, "patients apart")
    apart = next(one for one in report.results if one.name == "patients apart")
    assert apart.passed
    assert apart.waived == "leaky, by the protocol"
    assert apart.figures.startswith("leaky, by the protocol: 1 of 5 patients are in several splits")


@pytest.mark.parametrize(
    ("broken", "guard", "told"),
    [
        ("ranges", "ranges", "expect_column_values_to_be_between(spacing_mm): 1 of 18 rows, e.g. 0.0"),
        ("sizes", "sizes", "expect_column_pair_values_to_be_equal(wanted_rows, rows): 1 of 1 rows, e.g. 64 against 32"),
        ("keys", "keys", "expect_column_values_to_be_unique(slice_id): 2 of 18 rows, e.g. scan-t0:0"),
    ],
)
def test_the_report_counts_the_rows_that_break_an_expectation(broken, guard, told, check):
    (result,) = check(BROKEN[broken], guard).results
    assert told in result.broken


def test_an_expectation_on_the_whole_table_is_told_with_what_was_seen(check):
    (result,) = check(FURTHER["fewer folds than asked for"][1], "folds apart").results
    assert "expect_table_row_count_to_equal: 1" in result.broken


def test_after_a_guard_that_blocks_no_guard_trips_over_the_table(check):
    report = check(BROKEN["columns"])
    assert [one.name for one in report.results] == ["columns"]


def test_the_report_is_the_same_bytes_every_time_and_names_no_patient(check, tmp_path):
    for name in ("a.json", "b.json"):
        check(BROKEN["patients apart"], "patients apart").write(tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "patient-" not in (tmp_path / "a.json").read_text()


@pytest.fixture(scope="module")
def study(tmp_path_factory, write_toy_set) -> Path:
    """A folder with the project's dvc.yaml, a toy set, and git and DVC at work."""
    root = tmp_path_factory.mktemp("study")
    write_toy_set(root / "sound")
    shutil.copy(PROJECT / "dvc.yaml", root)
    for name in ("medfake", "pipelines"):  # stages depend on the code that they run
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    (root / ".medfake").mkdir(mode=0o700)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def _prepare(study: Path, broken: Broken, toy_block, write_table) -> None:
    """Put the broken set and its params into the study's folder."""
    folder = study / "data/slices/toy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(study / "sound", folder)
    _break(folder, broken, write_table)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"phantom": {}, "datasets": {"toy": toy_block | broken.params}}
    params["train"]["datasets"] = ["toy"]
    (study / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.parametrize("name", BROKEN)
def test_the_stage_stops_with_rule_figures_and_remedy(name, study, toy_block, write_table, monkeypatch):
    _prepare(study, BROKEN[name], toy_block, write_table)
    monkeypatch.chdir(study)
    with pytest.raises(CheckFailedError) as caught:
        check_stage.main(["--dataset", "toy"], standalone_mode=False)
    for part in (f"{name}: {GUARDS[name].rule}", BROKEN[name].figures, GUARDS[name].remedy_for("toy")):
        assert part in str(caught.value)
    page = study / "reports/checks/toy-broken.html"
    assert page.exists() == (name not in {"columns", "keys"})  # a table that cannot be read makes no page
    if page.exists():
        assert GUARDS[name].remedy_for("toy") in html.unescape(page.read_text())


def _repro(study: Path) -> subprocess.CompletedProcess[str]:
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    command = ("dvc", "repro", "--single-item", "check@toy")
    return subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_dvc_repro_stops_where_the_stage_does_and_goes_on_with_a_sound_set(study, toy_block, write_table):
    name = "patients apart"
    _prepare(study, BROKEN[name], toy_block, write_table)
    done = _repro(study)
    assert done.returncode != 0
    for part in (f"{name}: {GUARDS[name].rule}", BROKEN[name].figures, GUARDS[name].remedy_for("toy")):
        assert part in done.stderr
    _prepare(study, Broken(""), toy_block, write_table)
    done = _repro(study)
    assert done.returncode == 0, done.stderr
    assert not (study / "reports/checks/toy-broken.html").exists()
