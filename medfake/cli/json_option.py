"""`--json [FILE]`, the same in every command that has it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from medfake.outputs import OutputFormat

_HELP = (
    "Write the whole result as JSON into FILE, in place of an earlier one at most. A bare --json, or FILE -, is "
    "standard output; what else is said then goes to standard error."
)


def json_option(*, any_name: bool = False) -> Callable[[Any], Any]:
    """The option, as parameter `json_file`: None where it was not given, "-" for standard output.

    Args:
        any_name: Whether FILE may have any name. Commands that list are asked for a bare --json mostly, and what
            follows it there is an argument rather than a file unless it ends in .json.
    """
    return click.option(
        "--json", "json_file", is_flag=False, flag_value="-", metavar="[FILE]", help=_HELP,
        type=click.Path(path_type=Path), callback=None if any_name else _require_json_name,
    )  # fmt: skip


def write_listing(json_file: Path | None, output: "OutputFormat", value: object) -> bool:
    """Write what a command lists, where that was asked for.

    Returns:
        Whether standard output is free for a table.
    """
    from medfake.files import path_text
    from medfake.outputs import is_standard_output, write_json_output

    if json_file is None:
        return True
    write_json_output(json_file, output, value)
    if is_standard_output(json_file):
        return False
    click.echo(f"written: {path_text(json_file)}", err=True)
    return True


def _require_json_name(context: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    from medfake.outputs import STANDARD_OUTPUT

    if value is None or value == STANDARD_OUTPUT or value.suffix.lower() == ".json" or _is_device(value):
        return value
    raise click.BadParameter(
        f"FILE ends in .json, received {str(value)!r}; where that is an argument, put --json after it: "
        f"{context.command_path} {value} --json"
    )


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()
