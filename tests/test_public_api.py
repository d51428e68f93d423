"""`import medfake` loads nothing heavy, and what it offers does what its docstring shows."""

import doctest
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import medfake
from medfake.errors import SourceError

PUBLIC = {
    *("read_series", "open_model", "scan", "compare", "Dataset"),
    *("backbone", "detector", "source", "view", "protocol", "guard", "probe", "manipulation", "gate"),
}
HEAVY = {"tensorflow", "keras", "mlflow", "great_expectations", "optuna", "pandas", "numpy", "pydicom"}
EXAMPLES = "import doctest, medfake, sys; sys.exit(doctest.testmod(medfake, optionflags=doctest.ELLIPSIS).failed)"


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


def test_its_examples_run_as_they_stand(
    tmp_path: Path,
    make_package: Callable[..., Path],
    write_scan: Callable[..., Path],
    write_toy_set: Callable[..., None],
) -> None:
    write_scan(tmp_path / "scan", [-900] * 9)
    write_toy_set(tmp_path / "data/slices/toy")
    shutil.copytree(make_package(), tmp_path / "models/chest/ResidualCNN/seed-1")
    done = subprocess.run([sys.executable, "-c", EXAMPLES], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert doctest.DocTestFinder().find(medfake)[0].examples


def test_a_folder_with_two_series_is_no_series(tmp_path: Path, write_scan: Callable[..., Path]) -> None:
    for name in ("a", "b"):
        write_scan(tmp_path / name, [-900] * 4)
    with pytest.raises(SourceError, match="one CT series") as caught:
        medfake.read_series(tmp_path)
    assert str(caught.value.received).startswith("2 series")
