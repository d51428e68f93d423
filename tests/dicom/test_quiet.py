"""pydicom is quiet while medfake reads, and as it was before and after."""

import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from pydicom import config

from medfake.dicom.header import read_headers
from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError

STATE = """
def state():
    import logging, warnings
    from pydicom import config
    logger = logging.getLogger("pydicom")
    modes = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    return logger.level, logger.disabled, list(logger.handlers), modes, list(warnings.filters)
"""


def in_a_new_process(code: str, *arguments: str) -> str:
    whole = [sys.executable, "-c", STATE + code, *arguments]
    return subprocess.run(whole, capture_output=True, text=True, check=True).stdout.strip()


def process_state() -> tuple[object, ...]:
    settings = config.settings
    modes = settings.reading_validation_mode, settings.writing_validation_mode
    return logging.getLogger("pydicom").level, *modes, list(warnings.filters)


def test_importing_every_module_leaves_pydicom_as_it_was() -> None:
    code = """
import pydicom.pixels
before = state()
import medfake.dicom.header, medfake.dicom.reader, medfake.dicom.series, medfake.dicom.writer
print(state() == before)
"""
    assert in_a_new_process(code) == "True"


def test_reading_leaves_pydicom_as_it_was_and_as_loud(edited: Callable[..., Path]) -> None:
    code = """
import sys, pydicom, pydicom.pixels
from pathlib import Path
before = state()
from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
read_slice(read_headers(Path(sys.argv[1]))[0])
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pydicom.dcmread(sys.argv[1]).PatientID
print(state() == before, len(caught) > 0)
"""
    path = edited(lambda _: None)
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"SECRET 192"))
    assert in_a_new_process(code, str(path)) == "True True"


def test_a_refused_file_leaves_pydicom_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "text.dcm").write_text("no image")
    before = process_state()
    with pytest.raises(DicomError):
        read_headers(tmp_path / "text.dcm")
    assert process_state() == before


def test_a_user_s_own_settings_come_back(edited: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = edited(lambda _: None)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.RAISE)
    before = process_state()
    read_slice(read_headers(path)[0])
    assert process_state() == before
    assert config.settings.reading_validation_mode == config.RAISE


def test_readers_that_overlap_in_two_threads_put_everything_back() -> None:
    before = process_state()
    first_is_in, second_is_in, first_is_out = Event(), Event(), Event()

    def first() -> None:
        with quiet_pydicom():
            first_is_in.set()
            second_is_in.wait(30)
        first_is_out.set()

    thread = Thread(target=first)
    thread.start()
    first_is_in.wait(30)
    with quiet_pydicom():
        second_is_in.set()
        first_is_out.wait(30)
        assert config.settings.reading_validation_mode == config.IGNORE  # the first to leave does not wake pydicom
    thread.join()
    assert process_state() == before
