"""Cores that a container leaves to a process, from files as Linux writes them."""

import os
from pathlib import Path

import pytest

from medfake.package.cores import quotas, usable_cores


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_quota_of_version_2_counts_in_the_group_and_above_it(tmp_path: Path) -> None:
    write(tmp_path, own="0::/outer/inner\n")
    write(tmp_path / "fs/outer/inner", cpu__max="150000 100000\n")
    write(tmp_path / "fs/outer", cpu__max="max 100000\n")
    write(tmp_path / "fs", cpu__max="400000 100000\n")
    assert list(quotas(tmp_path / "own", tmp_path / "fs")) == [1.5, 4.0]


def test_the_quota_of_version_1_is_in_two_files(tmp_path: Path) -> None:
    write(tmp_path, own="4:memory:/a\n3:cpu,cpuacct:/a\n")
    write(tmp_path / "fs/cpu,cpuacct/a", cpu__cfs_quota_us="300000\n", cpu__cfs_period_us="100000\n")
    write(tmp_path / "fs/cpu,cpuacct", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert list(quotas(tmp_path / "own", tmp_path / "fs")) == [3.0]


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense", "100000", "0 100000"])
def test_what_is_no_quota_limits_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, own="0::/\n")
    write(tmp_path / "fs", cpu__max=text)
    assert list(quotas(tmp_path / "own", tmp_path / "fs")) == []


def test_without_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert list(quotas(tmp_path / "own", tmp_path)) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity of processes")
def test_the_affinity_of_the_process_counts() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
