"""`import medfake` loads nothing heavy, and what it offers does what its docstring shows."""

import doctest
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import medfake
from medfake.errors import SourceError
from medfake.metrics.predictions import write_predictions
from medfake.package.card import PREDICTIONS_FILE

USES = ("read_series", "open_model", "scan", "compare", "Dataset")
DECORATORS = (
    *(
        "backbone",
        "detector",
        "family",
        "source",
        "view",
        "protocol",
        "guard",
        "probe",
        "perturbation",
        "explanation",
        "manipulation",
        "gate",
    ),
)
PUBLIC = {*USES, *DECORATORS}
HEAVY = {"tensorflow", "keras", "mlflow", "great_expectations", "optuna", "pandas", "numpy", "pydicom"}
EXAMPLES = """
import doctest, medfake, sys
finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
for name in sys.argv[1:]:
    for test in finder.find(getattr(medfake, name), name, globs={"__name__": "example"}):
        runner.run(test)
sys.exit(doctest.testmod(medfake).failed or runner.failures)
"""


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import medfake, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.splitlines())


def test_it_offers_these_names_and_no_others() -> None:
    assert set(medfake.__all__) == PUBLIC | {"__version__"}
    assert set(dir(medfake)) == PUBLIC | {"__version__"}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(medfake, name).__doc__


def test_a_name_that_is_none_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'medfake' has no attribute 'train'"):
        _ = medfake.train


def examples_of(thing: object, name: str) -> str:
    return "".join(
        one.source for test in doctest.DocTestFinder(recurse=False).find(thing, name) for one in test.examples
    )


@pytest.mark.parametrize("name", USES)
def test_what_one_uses_stands_in_the_example_of_the_package(name: str) -> None:
    assert f"medfake.{name}" in examples_of(medfake, "medfake")


@pytest.mark.parametrize("name", DECORATORS)
def test_every_decorator_shows_itself_in_an_example(name: str) -> None:
    assert f"@medfake.{name}(" in examples_of(getattr(medfake, name), name)


def test_all_examples_run_as_they_stand(
    tmp_path: Path,
    make_package: Callable[..., Path],
    predict: Callable[..., pd.DataFrame],
    write_scan: Callable[..., Path],
    write_toy_set: Callable[..., None],
) -> None:
    write_scan(tmp_path / "scan", [-900] * 9)
    write_toy_set(tmp_path / "data/slices/toy")
    package = tmp_path / "models/chest/ResidualCNN/seed-1"
    shutil.copytree(make_package(), package)
    write_predictions(package / PREDICTIONS_FILE, predict(slices=3))
    run = [sys.executable, "-c", EXAMPLES, *DECORATORS]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_folder_with_two_series_is_no_series(tmp_path: Path, write_scan: Callable[..., Path]) -> None:
    for name in ("a", "b"):
        write_scan(tmp_path / name, [-900] * 4)
    with pytest.raises(SourceError, match="one CT series") as caught:
        medfake.read_series(tmp_path)
    assert str(caught.value.received).startswith("2 series")
