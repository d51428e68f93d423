import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.errors import ConfigError

HEAVY = {"tensorflow", "keras", "mlflow", "great_expectations", "optuna", "pandas"}


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_help_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import click\nfrom medfake.cli.root import cli\n"
        "from click.testing import CliRunner\n"
        "assert 'scan' in CliRunner().invoke(cli, ['--help']).output"
    )
    assert not HEAVY & _modules_after(code)


def test_every_command_shows_its_help_without_heavy_libraries() -> None:
    code = (
        "import click\nfrom medfake.cli.root import cli\nfrom click.testing import CliRunner\n"
        "def walk(command, path):\n"
        "    assert CliRunner().invoke(cli, [*path, '--help']).exit_code == 0, path\n"
        "    for name, child in getattr(command, 'commands', {}).items():\n"
        "        walk(child, [*path, name])\n"
        "walk(cli, [])"
    )
    assert not HEAVY & _modules_after(code)


@pytest.mark.parametrize(("options", "files", "said"), [
    (["--modality", "X-ray", "--manipulation", "shadow"], 1, "1 phantom slice in"),
    (["--modality", "MR", "--slices", "24"], 24, "24 phantom slices in"),
])  # fmt: skip
def test_a_phantom_of_another_modality_is_written(tmp_path: Path, options: list[str], files: int, said: str) -> None:
    result = CliRunner().invoke(cli, ["phantom", str(tmp_path / "one"), "--seed", "1", *options])
    assert result.exit_code == 0, result.output
    assert said in result.output
    assert ("shadow in 0.dcm" in result.output) == ("shadow" in options)
    assert len(list((tmp_path / "one").iterdir())) == files
    assert result.output.endswith(" --model models/DATASET/DETECTOR/seed-1\n")  # the built-in detector knows CT alone


def test_a_manipulation_of_another_modality_writes_no_phantom(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["phantom", str(tmp_path / "one"), "--seed", "1", "--manipulation", "lesion"])
    assert isinstance(result.exception, ConfigError)
    assert "'lesion' is no manipulation of CT" in str(result.exception)
    assert not list(tmp_path.iterdir())
