"""Messages in parts, split at every place."""

from collections.abc import Iterator
from itertools import repeat

import pytest

from medfake.pacs.multipart_stream import CutOffError, EndlessHeaderError, Parts

KIND = "multipart/related; type=x; boundary=b"


def parts_of(message: bytes, size: int = 1 << 20, kind: str = KIND) -> list[bytes]:
    pieces = (message[at : at + size] for at in range(0, len(message), size))
    return [b"".join(part) for part in Parts(kind, pieces)]


@pytest.mark.parametrize("size", range(1, 40))
def test_parts_are_the_same_however_the_message_is_split(size: int) -> None:
    message = b"--b\r\nA: 1\r\nB: 2\r\n\r\none\r\n-\r\n--\r\n--b  \r\nA: 1\r\n\r\n\r\n--b\r\n\r\nthree\r\n--b--\r\n"
    assert parts_of(message, size) == [b"one\r\n-\r\n--", b"", b"three"]


@pytest.mark.parametrize("before", [b"", b"\r\n", b"for old mail readers\r\n"])
def test_what_stands_before_the_first_delimiter_is_no_part(before: bytes) -> None:
    assert parts_of(before + b"--b\r\n\r\none\r\n--b--") == [b"one"]


def test_what_stands_behind_the_closing_delimiter_is_no_part() -> None:
    assert parts_of(b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--") == [b"one"]


def test_a_header_may_end_in_the_line_break_of_the_delimiter_behind_it() -> None:
    assert parts_of(b"--b\r\nA: 1\r\n\r\n--b--") == [b""]


def test_there_may_be_no_parts() -> None:
    assert parts_of(b"--b--") == []


def test_a_part_that_is_not_read_is_passed_over() -> None:
    pieces = iter([b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--"])
    assert sum(1 for _ in Parts(KIND, pieces)) == 2


def test_a_boundary_may_be_quoted() -> None:
    assert parts_of(b"--a b\r\n\r\none\r\n--a b--", kind='multipart/related; boundary="a b"') == [b"one"]


@pytest.mark.parametrize("end", range(len(b"--b\r\nA: 1\r\n\r\none\r\n--b--")))
def test_a_message_without_its_closing_delimiter_was_cut_off(end: int) -> None:
    with pytest.raises(CutOffError):
        parts_of(b"--b\r\nA: 1\r\n\r\none\r\n--b--"[:end])


@pytest.mark.parametrize("kind", ["", "text/html; boundary=b", "multipart/related", "multipart/related; boundary="])
def test_what_is_no_such_message_is_an_error(kind: str) -> None:
    with pytest.raises(ValueError, match="no multipart message"):
        parts_of(b"--b--", kind=kind)


@pytest.mark.parametrize("begin", [b"--b", b"--b\r\n"])
def test_a_header_without_an_end_is_not_read_for_ever(begin: bytes) -> None:
    def endless() -> Iterator[bytes]:
        yield begin
        yield from repeat(b"x" * 1000)

    with pytest.raises(EndlessHeaderError):
        list(Parts(KIND, endless()))
