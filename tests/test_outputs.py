"""What the user names is written whole, and replaces nothing that medfake did not write."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from medfake.errors import OutputRefusedError, StorageError, storage_error
from medfake.outputs import (
    OutputFormat,
    check_output,
    csv_format,
    json_format,
    open_output,
    text_format,
    write_json_output,
)

REPORT = json_format("a report", {"a", "b"})
TABLE = csv_format("a table", ("x", "y"))
OURS = {"a": 1, "b": "é"}


def dicom(path: Path) -> Path:
    path.write_bytes(bytes(128) + b"DICM" + bytes(100))
    return path


def test_a_new_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    write_json_output(tmp_path / "deep" / "a.json", REPORT, OURS)
    assert (tmp_path / "deep" / "a.json").read_bytes() == '{\n  "a": 1,\n  "b": "é"\n}\n'.encode()


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    for number in (1, 2):
        write_json_output(tmp_path / "a.json", REPORT, {"a": number, "b": 0})
    assert json.loads((tmp_path / "a.json").read_text())["a"] == 2


def test_an_earlier_list_is_replaced_even_an_empty_one(tmp_path: Path) -> None:
    for value in ([], [OURS, OURS], []):
        write_json_output(tmp_path / "a.json", REPORT, value)
    assert json.loads((tmp_path / "a.json").read_text()) == []


@pytest.mark.parametrize(
    "content",
    [b"precious", b'{"a": 1}', b'{"a": 1, "b": 2, "c": 3}', b"[1]", b'{"a": 1, "b"', b"[" * 100_000, b'{"\xff', b"3"],
    ids=["text", "fewer keys", "more keys", "list", "cut", "deep", "no text", "number"],
)
def test_json_that_is_not_ours_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(OutputRefusedError, match="there is a file already, and it is not a report of medfake"):
        write_json_output(tmp_path / "a.json", REPORT, OURS)
    assert (tmp_path / "a.json").read_bytes() == content
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_dicom_file_is_refused_by_name_with_a_name_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text("x")
    with pytest.raises(OutputRefusedError) as caught:
        check_output(dicom(tmp_path / "a.dcm"), REPORT)
    assert caught.value.received == "a DICOM file of 232 bytes"
    assert caught.value.remedy == "--json a-2.json"


def test_an_empty_file_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    write_json_output(tmp_path / "a.json", REPORT, OURS)
    assert json.loads((tmp_path / "a.json").read_text()) == OURS


def test_a_table_is_known_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    check_output(tmp_path / "a.csv", TABLE)
    (tmp_path / "a.csv").write_text("x,y,z\n1,2,3\n")
    with pytest.raises(OutputRefusedError, match="not a table of medfake"):
        check_output(tmp_path / "a.csv", TABLE)


def test_an_example_that_was_edited_is_the_users(tmp_path: Path) -> None:
    example = text_format("an example", "x\n", "--out", ".csv")
    (tmp_path / "a.csv").write_text("x\n")
    check_output(tmp_path / "a.csv", example)
    (tmp_path / "a.csv").write_text("y\n")
    with pytest.raises(OutputRefusedError) as caught:
        check_output(tmp_path / "a.csv", example)
    assert str(caught.value.remedy).startswith("--out ")


def test_a_link_is_written_through(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real" / "a.json")
    for number in (1, 2):  # first a link to nothing, then to a report
        write_json_output(link, REPORT, {"a": number, "b": 0})
    assert link.is_symlink()
    assert json.loads((tmp_path / "real" / "a.json").read_text())["a"] == 2


def test_a_link_to_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(dicom(tmp_path / "a.dcm"))
    with pytest.raises(OutputRefusedError):
        check_output(tmp_path / "link.json", REPORT)


def test_links_in_a_circle_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputRefusedError, match="cannot be written there"):
        check_output(tmp_path / "a", REPORT)


@pytest.mark.parametrize("name", ["file/a.json", "file/b/a.json", "n" * 300])
def test_a_place_that_cannot_be_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputRefusedError, match="cannot be written there"):
        check_output(tmp_path / name, REPORT)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputRefusedError) as caught:
        check_output(tmp_path, REPORT)
    assert caught.value.received == "a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission denied"):
        check_output(tmp_path / "a.json", REPORT)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that nobody may write to."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_read_only_file_system_is_told_as_one(read_only: Path) -> None:
    with pytest.raises(OSError, match="Read-only file system") as caught:
        check_output(read_only / "a.json", REPORT)
    told = storage_error(caught.value)
    assert told is not None
    assert "the file system is read-only" in str(told)
    assert str(read_only) in str(told)


def test_a_fifo_is_written_to_and_stays_one(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.json"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    write_json_output(fifo, REPORT, OURS)
    reader.join()
    assert fifo.is_fifo()
    assert json.loads(read[0]) == OURS


def test_a_fifo_that_nobody_reads_says_so_and_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fifo = tmp_path / "pipe.json"
    os.mkfifo(fifo)
    writer = threading.Thread(target=write_json_output, args=(fifo, REPORT, OURS))
    with caplog.at_level("WARNING", "medfake.outputs"):
        writer.start()
        while not caplog.messages:
            time.sleep(0.01)
    assert caplog.messages == [f"waiting for somebody to read from {fifo}"]
    assert json.loads(fifo.read_text()) == OURS
    writer.join()


def test_a_device_is_written_to_and_stays_one() -> None:
    write_json_output(Path("/dev/null"), REPORT, OURS)
    assert Path("/dev/null").is_char_device()


def test_a_dash_is_standard_output_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json_output(Path("-"), REPORT, OURS)
    assert json.loads(capfdbinary.readouterr().out) == OURS
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_standard_output_by_any_name_is_utf_8_and_goes_on_after_it(tmp_path: Path, name: str, to: str) -> None:
    code = (
        "from pathlib import Path; from medfake.outputs import json_format, write_json_output\n"
        f"print('before'); write_json_output(Path({name!r}), json_format('r', ['a']), {{'a': 'é'}}); print('after')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with (tmp_path / "out").open("wb") as file:
        target = subprocess.PIPE if to == "pipe" else file
        done = subprocess.run([sys.executable, "-c", code], stdout=target, env=environment, check=True)
    out = done.stdout if to == "pipe" else (tmp_path / "out").read_bytes()
    assert out.decode() == 'before\n{\n  "a": "é"\n}\nafter\n'


def test_what_fails_half_way_leaves_the_earlier_report(tmp_path: Path) -> None:
    write_json_output(tmp_path / "a.json", REPORT, OURS)
    with pytest.raises(RuntimeError), open_output(tmp_path / "a.json", REPORT) as file:
        file.write("half")
        raise RuntimeError
    assert json.loads((tmp_path / "a.json").read_text()) == OURS


def test_a_format_says_how_its_file_is_named() -> None:
    assert isinstance(TABLE, OutputFormat)
    assert (REPORT.option, REPORT.suffix, TABLE.option, TABLE.suffix) == ("--json", ".json", "--csv", ".csv")
