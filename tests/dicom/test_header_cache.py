"""Headers remembered: the same result, nobody else's to read, thrown away when it is not ours."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.dicom.header_cache import HeaderCache
from medfake.dicom.series import CHANGED, find_series
from medfake.vocabulary import Modality


@pytest.fixture
def folder(tmp_path: Path, write_scan: Callable[..., Path]) -> Path:
    """A scan of ten slices and a stray text."""
    write_scan(tmp_path / "scan", [-800] * 10)
    (tmp_path / "scan" / "notes.txt").write_text("no image")
    return tmp_path / "scan"


def test_the_result_is_the_same_without_at_first_and_again(folder: Path, tmp_path: Path) -> None:
    cache = HeaderCache(tmp_path / "private" / "headers.sqlite")
    assert find_series(folder) == find_series(folder, cache=cache) == find_series(folder, cache=cache)


def test_it_is_its_owners_alone(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "private" / "headers.sqlite"
    find_series(folder, cache=HeaderCache(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_cache_is_thrown_away(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "headers.sqlite"
    path.write_bytes(b"something else" * 100)
    assert find_series(folder, cache=HeaderCache(path)) == find_series(folder)


def test_a_changed_file_is_read_again(folder: Path, tmp_path: Path, write_scan: Callable[..., Path]) -> None:
    cache = HeaderCache(tmp_path / "headers.sqlite")
    find_series(folder, cache=cache)
    write_scan(tmp_path / "other", [-800] * 10, step_mm=5.0)
    for path in (tmp_path / "other").iterdir():
        path.replace(folder / path.name)
    ((series,), _) = find_series(folder, cache=cache)
    assert series.spacing_zyx_mm[0] == 5.0


def test_a_file_that_changes_while_it_is_read_is_left_out_and_not_remembered(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medfake.dicom import series

    real = series.read_headers

    def growing(path: Path) -> object:
        headers = real(path)
        if path.name == "3.dcm":
            path.write_bytes(path.read_bytes() + b"\0\0")
        return headers

    cache = HeaderCache(tmp_path / "headers.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr(series, "read_headers", growing)
        ((short,), skipped) = find_series(folder, cache=cache)
    assert len(short.headers) == 9
    assert CHANGED in [one.reason for one in skipped]
    ((whole,), _) = find_series(folder, cache=cache)
    assert len(whole.headers) == 10


def test_mr_and_x_ray_are_remembered_with_what_is_theirs(tmp_path: Path, write: Callable[..., Path]) -> None:
    for modality in Modality:
        write(tmp_path / "scans" / modality.name, modality=modality, echo_ms=90)
    cache = HeaderCache(tmp_path / "headers.sqlite")
    first, again = (find_series(tmp_path / "scans", cache=cache, modality=None) for _ in range(2))
    assert first == again == find_series(tmp_path / "scans", modality=None)
    assert {type(one.headers[0].modality) for one in again[0]} == {Modality}
