"""Slices appended to shards: one image size each, none larger than allowed, none longer than filled."""

from pathlib import Path

import numpy as np
import pytest

from medfake.datasets import shards
from medfake.datasets.shards import ShardWriter


def write(folder: Path, shapes: list[tuple[int, int]], expected: int) -> list[tuple[str, int]]:
    writer = ShardWriter(folder)
    places = [writer.append(np.full(shape, value, np.int16), expected) for value, shape in enumerate(shapes)]
    writer.close()
    return places


def test_slices_of_one_size_share_a_shard_and_others_open_another(tmp_path: Path) -> None:
    places = write(tmp_path, [(4, 4), (8, 8), (4, 4)], 2)
    assert places == [("shard-000.npy", 0), ("shard-001.npy", 0), ("shard-000.npy", 1)]


def test_a_shard_is_full_at_its_largest_size_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LARGEST_SHARD", 2 * 4 * 4 * 2)
    places = write(tmp_path, [(4, 4)] * 3, 3)
    assert [name for name, _ in places] == ["shard-000.npy", "shard-000.npy", "shard-001.npy"]


@pytest.mark.parametrize("expected", [2, 3, 12345])
def test_shards_hold_what_was_given_and_no_more(tmp_path: Path, expected: int) -> None:
    shapes = [(4, 4), (2, 3), (4, 4)]
    for value, (name, row) in enumerate(write(tmp_path, shapes, expected)):
        stored = np.load(tmp_path / name, allow_pickle=False)
        assert np.array_equal(stored[row], np.full(shapes[value], value, np.int16))
    assert [len(np.load(path)) for path in sorted(tmp_path.iterdir())] == [2, 1]
    lengths = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert lengths == [128 + 2 * 4 * 4 * 2, 128 + 2 * 3 * 2]


def test_more_slices_than_expected_open_another_shard(tmp_path: Path) -> None:
    assert [name for name, _ in write(tmp_path, [(4, 4)] * 2, 1)] == ["shard-000.npy", "shard-001.npy"]
