"""Slots of shards: one image size each, none larger than allowed, no holes and no more than was written."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from medfake.datasets import shards
from medfake.datasets.shards import Shape, Shards, Slot


def fill(folder: Path, shapes: Iterable[Shape], without: Iterable[int] = ()) -> list[Slot | None]:
    """Reserve, write each slot's number into it, release some, close; where each lies now, None if released."""
    writer, left_out = Shards(folder), set(without)
    slots = writer.reserve(shapes)
    for number, slot in enumerate(slots):
        if number not in left_out:
            slot.write(np.full(slot.shape, number, np.int16))
    writer.release(slots[number] for number in left_out)
    moved = writer.close()
    return [None if number in left_out else moved.get(slot, slot) for number, slot in enumerate(slots)]


def named(slots: Iterable[Slot | None]) -> list[tuple[str, int] | None]:
    return [slot and (slot.shard.name, slot.row) for slot in slots]


def test_slices_of_one_size_share_a_shard_and_others_open_another(tmp_path: Path) -> None:
    places = named(fill(tmp_path, [(4, 4), (8, 8), (4, 4)]))
    assert places == [("shard-000.npy", 0), ("shard-001.npy", 0), ("shard-000.npy", 1)]


def test_a_shard_is_full_at_its_largest_size_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LARGEST_SHARD", 2 * 4 * 4 * 2)
    places = named(fill(tmp_path, [(4, 4)] * 3))
    assert places == [("shard-000.npy", 0), ("shard-000.npy", 1), ("shard-001.npy", 0)]


@pytest.mark.parametrize("without", [(), (0,), (2,), (0, 1), (1, 4), (5,), (3, 4, 5), (0, 5), (0, 1, 2, 3, 4)])
def test_shards_hold_what_was_written_and_nothing_else(
    tmp_path: Path, without: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "LARGEST_SHARD", 2 * 4 * 4 * 2)
    slots = fill(tmp_path, [(4, 4)] * 6, without)
    for number, slot in enumerate(slots):
        if slot is not None:
            stored = np.load(slot.shard, allow_pickle=False)
            assert np.array_equal(stored[slot.row], np.full((4, 4), number, np.int16))
    files = sorted(tmp_path.iterdir())
    assert sum(len(np.load(path)) for path in files) == 6 - len(without)
    assert {slot.shard for slot in slots if slot} == set(files)
    assert sum(path.stat().st_size for path in files) == 128 * len(files) + (6 - len(without)) * 4 * 4 * 2


def test_released_slots_are_handed_out_again_first(tmp_path: Path) -> None:
    writer = Shards(tmp_path)
    first = writer.reserve([(4, 4)] * 4)
    writer.release([first[2], first[1]])
    assert writer.reserve([(4, 4)] * 3)[:2] == first[1:3]


def test_a_slot_takes_its_own_shape_alone(tmp_path: Path) -> None:
    (slot,) = Shards(tmp_path).reserve([(4, 4)])
    with pytest.raises(ValueError, match="was given"):
        slot.write(np.zeros((4, 5), np.int16))


def test_a_slot_does_not_bring_a_removed_shard_back(tmp_path: Path) -> None:
    (slot,) = Shards(tmp_path).reserve([(4, 4)])
    slot.shard.unlink()
    with pytest.raises(FileNotFoundError):
        slot.write(np.zeros((4, 4), np.int16))
    assert not list(tmp_path.iterdir())
