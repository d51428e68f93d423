import subprocess
import sys

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
