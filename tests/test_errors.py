import doctest
import subprocess
import sys

import pytest

import medfake.errors as module
from medfake.errors import MedfakeError, printable


def _classes() -> list[type[MedfakeError]]:
    return [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, MedfakeError)]


def test_the_tree_at_the_top_of_the_file_names_every_error_with_its_code() -> None:
    lines = (module.__doc__ or "").splitlines()
    for error in _classes():
        line = next(text for text in lines if f" {error.__name__} " in f"{text} ")
        numbers = [int(word) for word in line.split() if word.isdigit()]
        assert numbers == ([] if error.exit_code == error.__base__.__dict__.get("exit_code") else [error.exit_code])


def test_families_have_their_own_exit_codes() -> None:
    families = [c for c in _classes() if c.__base__ is MedfakeError]
    codes = [c.exit_code for c in families]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, 130} & set(codes)


def test_a_message_has_what_where_received_and_next() -> None:
    error = MedfakeError("it broke", where="a.dcm", received=3, remedy="medfake scan b.dcm")
    assert str(error) == "it broke\n  where: a.dcm\n  received: 3\n  next: medfake scan b.dcm"


def test_an_error_ends_the_command_with_its_code_and_one_message() -> None:
    code = (
        "from medfake.errors import *\n"
        "def fail(): raise CheckFailedError('broken', remedy='mend')\n"
        "exit_with_message(fail)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (6, "", "error: broken\n  next: mend\n")


def test_an_interrupt_ends_with_130() -> None:
    code = "from medfake.errors import *\ndef stop(): raise KeyboardInterrupt\nexit_with_message(stop)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "interrupted; run the same command again to go on\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain Müller\nnext line", "plain Müller\nnext line"),
        ("\x1b[31m\x07\r", "\\x1b[31m\\x07\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        ("\udcff", "\\udcff"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
    ],
)
def test_what_a_terminal_would_obey_is_told_as_text(text: str, told: str) -> None:
    assert printable(text) == told


def test_its_examples_run() -> None:
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)
