"""Results on their way: each object once, whatever fails in between."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.errors import InvalidDicomError

from medfake.errors import PacsError, PacsSilentError
from medfake.files import write_json
from medfake.pacs.judged import RESULTS
from medfake.pacs.outlets import FolderOutlet, Outlet
from medfake.pacs.queued_series import QueuedSeries, State
from medfake.pacs.sender import LEDGER, Sender
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Limits, PacsSettings
from medfake.serving.scoring.progress import Progress
from tests.pacs.conftest import arrival, verdict

REFUSED = PacsError("the PACS refuses an object", received="status 0xA700")
NAMES = ("0000.dcm", "0001.dcm", "0002.dcm")


@dataclass
class Place:
    """A place for objects that fails when it is told to.

    Attributes:
        faults: To raise, one a try; None to take the object.
        there: Names of the objects that it has, in the order in which they came.
    """

    faults: list[Exception | None] = field(default_factory=list)
    there: list[str] = field(default_factory=list)

    def has(self, file: Path) -> bool:
        """Whether an object is there."""
        return file.name in self.there

    def store(self, file: Path) -> None:
        """Put an object there."""
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        self.there.append(file.name)


@dataclass(frozen=True)
class Judged:
    """A series whose results wait, and who sends them."""

    id: str
    folder: Path
    queue: SeriesQueue
    ended: list[str]
    sender_to: Callable[[Outlet], Sender]

    @property
    def row(self) -> QueuedSeries:
        """As the queue has it."""
        row = self.queue.find(self.id)
        assert row
        return row


@pytest.fixture
def judged(queue: SeriesQueue, tmp_path: Path) -> Judged:
    came = arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "m", Progress())
    folder = tmp_path / "series" / came.id
    (folder / RESULTS).mkdir(parents=True)
    for name in NAMES:
        (folder / RESULTS / name).write_bytes(name.encode())
    limits = Limits(tries=3, silent_tries=5, first_retry_s=1e-6, longest_retry_s=1e-6)
    settings = PacsSettings(limits=limits)
    ended: list[str] = []
    return Judged(
        came.id, folder, queue, ended,
        lambda outlet: Sender(queue, lambda one: tmp_path / "series" / one, outlet, settings, ended.append),
    )  # fmt: skip


def test_all_objects_are_sent_in_their_order_and_then_forgotten(judged: Judged) -> None:
    place = Place()
    assert judged.sender_to(place).send_next()
    assert place.there == list(NAMES)
    assert (judged.row.state, judged.row.sent, judged.ended) == (State.DONE, 3, [judged.id])
    assert not judged.folder.exists()
    assert not judged.sender_to(place).send_next()


def test_what_was_taken_before_a_fault_is_not_sent_again(judged: Judged) -> None:
    place = Place([None, PacsSilentError("gone")])
    sender = judged.sender_to(place)
    sender.send_next()
    assert (judged.row.state, judged.row.tries, judged.row.reason) == (State.SEND, 1, "gone")
    sender.send_next()
    assert place.there == list(NAMES)
    assert judged.row.state is State.DONE


def test_what_was_under_way_when_a_process_was_killed_is_looked_for_first(judged: Judged) -> None:
    write_json(judged.folder / LEDGER, {NAMES[0]: "there", NAMES[1]: "under way"})
    place = Place(there=[NAMES[0], NAMES[1]])
    judged.sender_to(place).send_next()
    assert place.there == list(NAMES)


def test_what_was_under_way_and_did_not_arrive_is_sent(judged: Judged) -> None:
    write_json(judged.folder / LEDGER, {NAMES[0]: "under way"})
    place = Place()
    judged.sender_to(place).send_next()
    assert place.there == list(NAMES)


@pytest.mark.parametrize(("fault", "tries"), [(REFUSED, 3), (PacsSilentError("silent"), 5), (OSError(5, "x"), 5)])
def test_it_is_given_up_after_its_tries_and_later_where_nobody_answers(
    judged: Judged, fault: Exception, tries: int
) -> None:
    sender = judged.sender_to(Place([fault] * tries))
    for _ in range(tries - 1):
        assert sender.send_next()
        assert judged.row.state is State.SEND
    assert sender.send_next()
    assert (judged.row.state, judged.row.died, judged.ended) == (State.DEAD, State.SEND, [judged.id])
    assert all((judged.folder / RESULTS / name).exists() for name in NAMES)


def test_a_series_that_was_given_up_is_sent_when_it_is_revived(judged: Judged) -> None:
    place = Place([REFUSED] * 3)
    sender = judged.sender_to(place)
    for _ in range(3):
        sender.send_next()
    assert "status 0xA700" in str(judged.row.reason)
    judged.queue.revive(judged.id)
    sender.send_next()
    assert (judged.row.state, place.there) == (State.DONE, list(NAMES))


def test_a_dry_run_puts_objects_into_a_folder(judged: Judged, tmp_path: Path) -> None:
    judged.sender_to(FolderOutlet(tmp_path / "dry")).send_next()
    assert sorted(one.name for one in (tmp_path / "dry" / judged.id).iterdir()) == list(NAMES)


def test_nothing_is_sent_by_a_process_whose_lease_has_run_out(judged: Judged, queue: SeriesQueue) -> None:
    place = Place()
    sender = judged.sender_to(place)
    sender._queue = SeriesQueue(queue._engine, queue._url, "late", -1.0)

    class Taken(Place):
        """Somebody else takes the series while its first object is stored."""

        def store(self, file: Path) -> None:
            """Put an object there."""
            super().store(file)
            assert queue.take(State.SEND)

    taken = Taken()
    sender._outlet = taken
    sender.send_next()
    assert taken.there == [NAMES[0]]
    assert judged.row.state is State.SEND


def test_a_series_whose_results_are_gone_is_not_said_to_be_sent(judged: Judged) -> None:
    for name in NAMES:
        (judged.folder / RESULTS / name).unlink()
    assert judged.sender_to(Place()).send_next()
    assert (judged.row.state, judged.row.sent) == (State.SEND, 0)
    assert judged.row.reason == "results of a series are gone: 0 of 3"


def test_a_part_of_the_results_is_not_said_to_be_all(judged: Judged) -> None:
    (judged.folder / RESULTS / NAMES[1]).unlink()
    place = Place()
    judged.sender_to(place).send_next()
    assert (judged.row.state, place.there) == (State.SEND, [])


@pytest.mark.parametrize("fault", [InvalidDicomError("no DICOM"), ValueError("a ledger that is none"), MemoryError()])
def test_whatever_goes_wrong_counts_as_a_try(judged: Judged, fault: Exception) -> None:
    sender = judged.sender_to(Place([fault] * 3))
    for _ in range(3):
        assert sender.send_next()
    assert judged.row.state is State.DEAD


def test_an_object_that_takes_longer_than_a_lease_is_sent_by_one(judged: Judged, queue: SeriesQueue) -> None:
    class Slow(Place):
        """Takes longer than a lease."""

        def store(self, file: Path) -> None:
            """Put an object there."""
            if not self.there:
                time.sleep(3.0)
            assert other.take(State.SEND) is None
            super().store(file)

    other = SeriesQueue(queue._engine, queue._url, "other", 2.0)
    place, sender = Slow(), judged.sender_to(Place())
    sender._queue = SeriesQueue(queue._engine, queue._url, "slow", 2.0)
    sender._outlet = place
    sender.send_next()
    assert place.there == list(NAMES)
    assert (judged.row.state, judged.row.sent) == (State.DONE, 3)
