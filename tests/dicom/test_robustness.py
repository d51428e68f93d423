from collections.abc import Callable
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError
from medfake.vocabulary import Modality

CORPUS = sorted(
    path for path in (Path(pydicom.data.__file__).parent / "test_files").rglob("*") if path.is_file()
)  # what pydicom ships; nothing is fetched


def reads_or_refuses(path: Path) -> bool:
    try:
        for header in read_headers(path)[:2]:
            read_slice(header)
    except DicomError:
        return False
    return True


def test_each_file_that_pydicom_ships_is_read_or_refused() -> None:
    assert len(CORPUS) > 100
    assert sum(reads_or_refuses(path) for path in CORPUS) >= 10


@pytest.mark.parametrize("modality", list(Modality))
def test_a_file_cut_anywhere_is_read_or_refused(tmp_path: Path, write: Callable[..., Path], modality: Modality) -> None:
    whole = (write(tmp_path / "scan", z_mm=(0,), modality=modality) / "0.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        reads_or_refuses(path)


@pytest.mark.parametrize("modality", list(Modality))
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_changed_bytes_is_read_or_refused(
    tmp_path: Path, write: Callable[..., Path], modality: Modality, data: st.DataObject
) -> None:
    source = tmp_path / "scan" / "0.dcm"
    if not source.exists():
        write(tmp_path / "scan", z_mm=(0,), modality=modality)
    changed = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.dcm"
    path.write_bytes(changed)
    reads_or_refuses(path)
