"""Run a click command so that each failure is one clear error with its exit code."""

import io
import sys

import click

from medfake.cli.places import tell_root
from medfake.errors import MedfakeError, exit_with_message
from medfake.failures import record_failure
from medfake.logs import configure_logging


def run(command: click.Command) -> None:
    """Parse the arguments, do the work, exit.

    Args:
        command: A click command or group; its own usage errors exit with 2.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show ends no run after hours of work
    configure_logging()
    exit_with_message(lambda: _invoke(command), record_failure)


def _invoke(command: click.Command) -> None:
    try:
        code = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except MedfakeError as error:
        tell_root(error)
        raise
    if isinstance(code, int) and code:
        sys.exit(code)
