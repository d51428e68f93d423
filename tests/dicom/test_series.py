import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake import logs
from medfake.dicom.series import find_series
from medfake.errors import SourceError
from medfake.logs import redact
from medfake.vocabulary import Modality

Write = Callable[..., Path]


def test_slices_are_sorted_by_position_not_by_name(tmp_path: Path, write: Write) -> None:
    write(tmp_path, z_mm=tuple(range(12, 0, -1)))  # 0.dcm lies highest; "10.dcm" sorts before "2.dcm"
    ((series,), skipped) = find_series(tmp_path)
    assert [header.path.stem for header in series.headers] == [str(index) for index in range(11, -1, -1)]
    np.testing.assert_allclose(series.z_mm, np.arange(1, 13))
    assert (series.quality_flags, skipped) == ((), [])


def test_slices_of_one_place_are_in_an_order_that_no_file_name_changes(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "a", z_mm=(0, 2, 2, 2, 4))
    (tmp_path / "b").mkdir()
    for path in (tmp_path / "a").iterdir():
        shutil.copy(path, tmp_path / "b" / f"{9 - int(path.stem)}.dcm")
    one, other = (find_series(tmp_path / name)[0][0] for name in "ab")
    assert [header.sop_uid for header in one.headers] == [header.sop_uid for header in other.headers]


def test_spacing_is_the_distance_between_positions(tmp_path: Path, write: Write) -> None:
    write(tmp_path, z_mm=(0, 2.5, 5, 7.5), thickness_mm=5.0)
    assert find_series(tmp_path)[0][0].spacing_zyx_mm == (2.5, 0.7, 0.8)


def test_a_single_slice_counts_its_thickness(tmp_path: Path, write: Write) -> None:
    assert find_series(write(tmp_path, z_mm=(3,), thickness_mm=5.0))[0][0].spacing_zyx_mm[0] == 5.0


def test_the_same_uid_in_two_folders_is_two_series(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    series, _ = find_series(tmp_path)
    assert [(one.folder.name, len(one.headers)) for one in series] == [("a", 4), ("b", 4)]


def test_two_series_in_one_folder_stay_apart(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "one", seed="first")
    write(tmp_path / "two", seed="second")
    for file in (tmp_path / "two").iterdir():
        file.rename(tmp_path / "one" / f"x{file.name}")
    series, _ = find_series(tmp_path / "one")
    assert [len(one.headers) for one in series] == [4, 4]
    assert series[0].headers[0].series_uid != series[1].headers[0].series_uid


@pytest.mark.parametrize(
    ("z_mm", "flags"),
    [
        ((0, 2, 4, 6, 8), ()),
        ((0, 2, 4, 7, 9), ()),  # a step 1.5 times the median is none
        ((0, 2, 4, 7.1, 9.1), ("gap",)),
        ((0, 2, 2, 4, 6), ("duplicate",)),
    ],
)
def test_gaps_and_duplicates_are_flagged(
    tmp_path: Path, write: Write, z_mm: tuple[float, ...], flags: tuple[str, ...]
) -> None:
    assert find_series(write(tmp_path, z_mm=z_mm))[0][0].quality_flags == flags


def test_a_tilted_gantry_is_flagged(tmp_path: Path, write: Write) -> None:
    angle = np.radians(20)
    write(tmp_path, orientation=(1, 0, 0, 0, float(np.cos(angle)), float(np.sin(angle))))
    assert find_series(tmp_path)[0][0].quality_flags == ("tilt",)


def test_mixed_kernels_are_flagged(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", z_mm=(8, 10), kernel="B31f")
    for file in (tmp_path / "b").iterdir():
        file.rename(tmp_path / "a" / f"x{file.name}")
    assert find_series(tmp_path / "a")[0][0].quality_flags == ("instance", "mixed")  # one seed, so the same UIDs


def test_every_file_is_in_a_series_or_skipped_with_a_reason(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "scan")
    write(tmp_path / "scout", localizer=True, seed="scout")
    for name in ("README", "labels.csv", ".hidden", "text.dcm"):
        (tmp_path / name).write_text("no image")
    broken = tmp_path / "broken.dcm"
    broken.write_bytes((tmp_path / "scan" / "0.dcm").read_bytes()[:300])
    series, skipped = find_series(tmp_path)
    used = [header.path for one in series for header in one.headers]
    listed = used + [one.path for one in skipped]
    assert sorted(listed) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(used) == 4
    assert all(one.reason for one in skipped)
    reason = "(0008,0008) Image Type: a localizer, not an axial slice, received LOCALIZER"
    assert [one.reason for one in skipped if one.path.parent.name == "scout"] == [reason] * 4


def test_a_multi_frame_file_is_one_series(enhanced: Path) -> None:
    ((series,), _) = find_series(enhanced)
    assert [header.frame for header in series.headers] == [0, 1, 2, 3]


def test_the_number_of_jobs_does_not_change_the_result(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "a", z_mm=tuple(range(40)))
    write(tmp_path / "b", z_mm=tuple(range(40)), seed="b")
    (tmp_path / "README").write_text("no image")
    assert find_series(tmp_path, jobs=2) == find_series(tmp_path, jobs=1)


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path, write: Write) -> None:
    outside, inside = write(tmp_path / "outside"), write(tmp_path / "inside", seed="in")
    (inside / "file.dcm").symlink_to(outside / "0.dcm")
    (inside / "folder").symlink_to(outside)
    series, _ = find_series(inside)
    assert [len(one.headers) for one in series] == [4]


def test_a_link_out_of_the_folder_is_listed(tmp_path: Path, write: Write) -> None:
    outside, inside = write(tmp_path / "outside"), write(tmp_path / "inside", seed="in")
    (inside / "file.dcm").symlink_to(outside / "0.dcm")
    (inside / "folder").symlink_to(outside)
    skipped = find_series(inside)[1]
    assert [(one.path.name, one.reason) for one in skipped] == [
        ("file.dcm", "a symbolic link"),
        ("folder", "a symbolic link"),
    ]


def test_a_root_that_is_a_link_is_followed(tmp_path: Path, write: Write) -> None:
    (tmp_path / "link").symlink_to(write(tmp_path / "scan"))
    ((series,), skipped) = find_series(tmp_path / "link")
    assert (len(series.headers), skipped) == (4, [])


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        find_series(tmp_path / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_skipped_with_a_reason(tmp_path: Path, write: Write) -> None:
    locked = write(tmp_path / "locked")
    locked.chmod(0)
    try:
        assert [(one.path, one.reason) for one in find_series(tmp_path)[1]] == [(locked, "permission denied")]
    finally:
        locked.chmod(0o700)


def test_identifiers_met_by_other_processes_are_redacted_in_this_one(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_identifiers", {})  # other tests leave theirs
    write(tmp_path, z_mm=tuple(range(65)), patient_id="ZZ-WORKER-31")
    assert redact("ZZ-WORKER-31") == "ZZ-WORKER-31"
    find_series(tmp_path, jobs=2)
    assert redact("ZZ-WORKER-31") == "[redacted]"


def test_a_link_within_the_folder_does_not_double_a_slice(tmp_path: Path, write: Write) -> None:
    (tmp_path / "again.dcm").symlink_to(write(tmp_path) / "0.dcm")
    assert [len(one.headers) for one in find_series(tmp_path)[0]] == [4]


def test_a_file_cut_in_its_pixels_is_skipped(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path) / "0.dcm"
    path.write_bytes(path.read_bytes()[:-200])
    assert [one.path.name for one in find_series(tmp_path)[1]] == ["0.dcm"]


class WaitedTooLongError(Exception):
    """Not an OSError, which the package would take for a broken file."""


def test_a_pipe_does_not_stop_a_folder(tmp_path: Path) -> None:
    def give_up(*_: object) -> None:
        raise WaitedTooLongError

    os.mkfifo(tmp_path / "pipe")
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        assert [one.path.name for one in find_series(tmp_path)[1]] == ["pipe"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_others_than_what_is_looked_for_are_skipped_with_the_reason(tmp_path: Path, write: Callable[..., Path]) -> None:
    for modality in Modality:
        write(tmp_path / modality.name, z_mm=(0, 2), seed=modality.name, modality=modality)
    ct, others = find_series(tmp_path)
    assert [one.modality for one in ct] == [Modality.CT]
    assert {one.reason for one in others} == {
        "(0008,0060) Modality: an MR image, and CT is looked for",
        "(0008,0060) Modality: an X-ray image, and CT is looked for",
    }
    everything, none = find_series(tmp_path, modality=None)
    assert [(one.modality, len(one.headers)) for one in everything] == [
        (Modality.CT, 2), (Modality.MR, 2), (Modality.XRAY, 1), (Modality.XRAY, 1),
    ]  # fmt: skip
    assert none == []


def test_radiographs_of_one_series_are_scans_of_their_own(tmp_path: Path, write: Callable[..., Path]) -> None:
    series, _ = find_series(write(tmp_path, modality=Modality.XRAY), modality=Modality.XRAY)
    assert len({one.identity for one in series}) == len(series) == 4
    assert {(one.plane, one.z_mm.tolist()[0], one.quality_flags) for one in series} == {("projection", 0.0, ())}
