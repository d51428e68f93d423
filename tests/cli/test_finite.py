from datetime import date

import pytest
from click.testing import CliRunner

from medfake.cli.monitor import MOST_DAYS, Since
from medfake.cli.root import cli

COMMANDS = (
    ["serve", "--keep"],
    ["serve", "--wait"],
    ["serve", "--file-timeout"],
    ["serve", "--job-timeout"],
    ["scan", ".", "--settle"],
    ["reproduce", "champion", "--tolerance"],
)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_number_is_no_limit(command: list[str], value: str) -> None:
    done = CliRunner().invoke(cli, [*command, value])
    assert done.exit_code == 2
    assert f"Invalid value for '{command[-1]}'" in done.output


@pytest.mark.parametrize(
    "command",
    [
        ["monitor", "prune", "--keep", str(MOST_DAYS + 1)],
        ["serve", "--keep-records", str(MOST_DAYS + 1)],
        ["serve", "--workers", "257"],
        ["serve", "--file-timeout", "86401"],
    ],
    ids=" ".join,
)
def test_more_than_calendars_machines_and_clocks_have_is_refused(command: list[str]) -> None:
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 2
    assert "is not in the range" in done.output


def test_longer_ago_than_anything_was_served_is_from_the_first_day() -> None:
    assert Since().convert("99999w", None, None) < date(1970, 1, 1)
