"""When a series is whole, and what is left of it after a process was killed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.pacs.about_series import Object
from medfake.pacs.arrivals import FOLDER_OF_FILES, Arrivals, TooLargeSeriesError
from medfake.pacs.settings import Complete

COMPLETE = Complete(idle_s=30, released_s=3, give_up_s=600)


class Clock:
    """Seconds, which pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Begin = Callable[..., Arrivals]


@pytest.fixture
def begin(tmp_path: Path, clock: Clock) -> Begin:
    """Arrivals of one folder, as a new process finds it."""

    def make(most_files: int = 10, most_bytes: int = 1000) -> Arrivals:
        arrivals = Arrivals(tmp_path / "data", COMPLETE, most_files, most_bytes, clock)
        arrivals.recover()
        return arrivals

    return make


def take(
    arrivals: Arrivals, uid: str, content: bytes = b"x", *, series: str = "key", expected: int | None = None,
    sender: int = 1,
) -> None:  # fmt: skip
    part = arrivals.incoming / "part"
    part.write_bytes(content)
    arrivals.take(part, Object(series, uid, "CT1", sender, "CT", expected))


def files_of(arrivals: Arrivals) -> list[int]:
    return [series.files for series in arrivals.whole()]


def test_it_is_whole_as_soon_as_all_came_that_were_told(begin: Begin) -> None:
    arrivals = begin()
    take(arrivals, "1", expected=2)
    assert files_of(arrivals) == []
    take(arrivals, "2", expected=2)
    assert files_of(arrivals) == [2]
    assert files_of(arrivals) == []


def test_it_is_whole_after_a_while_where_its_sender_stays(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    clock.now += 29.9
    assert files_of(arrivals) == []
    clock.now += 0.1
    assert files_of(arrivals) == [1]


def test_it_is_whole_soon_after_its_last_sender_has_released(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", sender=1)
    take(arrivals, "2", sender=2)
    take(arrivals, "3", sender=2)
    arrivals.ended(2, released=True)
    clock.now += 3
    assert files_of(arrivals) == []
    arrivals.ended(1, released=True)
    assert files_of(arrivals) == [3]


def test_it_waits_as_long_for_who_hangs_up_after_each_object_as_for_who_stays(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    for number in range(3):
        take(arrivals, str(number), sender=number)
        arrivals.ended(number, released=True)
        clock.now += 29.9
        assert files_of(arrivals) == []
    clock.now += 0.1
    assert files_of(arrivals) == [3]


def test_one_whose_sender_was_cut_off_waits_as_if_he_were_there(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    take(arrivals, "2")
    arrivals.ended(1, released=False)
    clock.now += 29.9
    assert files_of(arrivals) == []
    clock.now += 0.1
    assert files_of(arrivals) == [2]


def test_one_that_lacks_some_is_given_up_after_a_long_while(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", expected=3)
    arrivals.ended(1, released=True)
    clock.now += 599.9
    assert files_of(arrivals) == []
    clock.now += 0.1
    (series,) = arrivals.whole()
    assert (series.files, series.expected) == (1, 3)


def test_what_goes_on_coming_is_not_whole(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    for number in range(5):
        take(arrivals, str(number))
        clock.now += 20
        assert files_of(arrivals) == []


def test_what_comes_twice_counts_once_and_goes_on(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", b"same")
    clock.now += 29
    take(arrivals, "1", b"same")
    clock.now += 29
    assert files_of(arrivals) == []
    clock.now += 1
    assert files_of(arrivals) == [1]
    assert not list(arrivals.incoming.iterdir())


def test_other_bytes_begin_it_anew_and_both_come_out(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", b"first")
    take(arrivals, "2", b"first")
    take(arrivals, "1", b"other")
    assert files_of(arrivals) == [2]
    clock.now += 30
    assert files_of(arrivals) == [1]
    contents = sorted(path.read_bytes() for path in arrivals.series.rglob("*.dcm"))
    assert contents == [b"first", b"first", b"other"]


def test_two_series_do_not_meet(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", b"first", series="a")
    take(arrivals, "1", b"other", series="b")
    clock.now += 30
    assert files_of(arrivals) == [1, 1]


@pytest.mark.parametrize(("files", "size", "fits"), [(2, 1, True), (3, 1, False), (2, 500, True), (2, 501, False)])
def test_a_series_has_so_many_files_and_bytes_and_no_more(begin: Begin, files: int, size: int, fits: bool) -> None:
    arrivals = begin(most_files=2, most_bytes=1000)
    for number in range(files - 1):
        take(arrivals, str(number), bytes(size))
    if fits:
        take(arrivals, "last", bytes(size))
    else:
        with pytest.raises(TooLargeSeriesError):
            take(arrivals, "last", bytes(size))
    assert arrivals.under_way()[0][1] == (files if fits else files - 1)


def test_a_first_object_that_is_too_large_begins_no_series(begin: Begin) -> None:
    arrivals = begin(most_bytes=10)
    with pytest.raises(TooLargeSeriesError):
        take(arrivals, "1", bytes(11))
    assert arrivals.count == 0
    assert not arrivals.has("key")


def test_other_bytes_that_are_too_large_leave_it_as_it_was(begin: Begin) -> None:
    arrivals = begin(most_bytes=10)
    take(arrivals, "1", bytes(9))
    with pytest.raises(TooLargeSeriesError):
        take(arrivals, "1", bytes(11))
    assert arrivals.under_way()[0][1] == 1


def test_a_series_that_cannot_be_moved_holds_up_no_other(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", series="a")
    take(arrivals, "1", series="b")
    shutil.rmtree(arrivals.series.parent / "arriving" / "a")
    clock.now += 30
    assert [series.series_key for series in arrivals.whole()] == ["b"]


# what is refused


def refuse(arrivals: Arrivals, *uids: str, reason: str = "the disk is full", series: str = "key") -> list[bool]:
    """Whether each has to be said."""
    return [arrivals.refuse(Object(series, uid, "CT1", 1, "CT", None), reason) for uid in uids]


def expected_of(arrivals: Arrivals) -> list[tuple[int, int | None]]:
    return [(series.files, series.expected) for series in arrivals.whole()]


def test_a_series_is_no_whole_one_without_what_was_refused(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    refuse(arrivals, "2", "3", "3")
    clock.now += 30
    assert expected_of(arrivals) == [(1, 3)]


def test_what_was_refused_before_a_series_began_belongs_to_it(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    refuse(arrivals, "1")
    take(arrivals, "2")
    clock.now += 30
    assert expected_of(arrivals) == [(1, 2)]


def test_what_was_refused_and_comes_after_all_is_there(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    refuse(arrivals, "1", "2")
    for uid in ("1", "2", "3"):
        take(arrivals, uid)
    clock.now += 30
    assert expected_of(arrivals) == [(3, None)]


def test_what_a_header_told_counts_where_it_is_more(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1", expected=9)
    refuse(arrivals, "2")
    clock.now += 600
    assert expected_of(arrivals) == [(1, 9)]


def test_what_was_refused_counts_for_one_arrival(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    refuse(arrivals, "2")
    clock.now += 30
    assert expected_of(arrivals) == [(1, 2)]
    take(arrivals, "3")
    clock.now += 30
    assert expected_of(arrivals) == [(1, None)]


def test_a_reason_is_said_once_of_a_series(begin: Begin) -> None:
    arrivals = begin()
    assert refuse(arrivals, "1", "2") == [True, False]
    assert refuse(arrivals, "3", reason="the queue is full") == [True]
    assert refuse(arrivals, "1", series="other") == [True]


def test_refusals_of_many_series_take_no_memory(begin: Begin) -> None:
    arrivals = begin()
    for number in range(3000):
        refuse(arrivals, "1", series=str(number))
    assert len(arrivals._refusals._series) == 1000


def test_what_was_refused_is_known_after_a_kill(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    refuse(arrivals, "2")
    arrivals = begin()
    clock.now += 30
    assert expected_of(arrivals) == [(1, 2)]
    (left,) = begin().left_behind(lambda _: set())
    assert (left.files, left.expected) == (1, 2)


def test_what_was_refused_and_comes_after_a_kill_is_there(begin: Begin, clock: Clock) -> None:
    arrivals = begin()
    take(arrivals, "1")
    refuse(arrivals, "2")
    arrivals = begin()
    take(arrivals, "2")
    clock.now += 30
    assert expected_of(arrivals) == [(2, None)]


# after a kill


def test_what_was_half_sent_is_gone_after_a_kill(begin: Begin) -> None:
    (begin().incoming / "tmp.dcm").write_bytes(b"half")
    assert not list(begin().incoming.iterdir())


def test_a_series_goes_on_after_a_kill(begin: Begin, clock: Clock) -> None:
    take(begin(), "1", expected=2)
    arrivals = begin()
    (about, files, silent_s) = arrivals.under_way()[0]
    assert (about.series_key, about.caller, about.expected, files, silent_s) == ("key", "CT1", 2, 1, 0)
    take(arrivals, "1", expected=2)
    take(arrivals, "2", expected=2)
    assert files_of(arrivals) == [2]


def test_a_series_waits_for_its_sender_after_a_kill(begin: Begin, clock: Clock) -> None:
    take(begin(), "1")
    arrivals = begin()
    clock.now += 29.9
    assert files_of(arrivals) == []
    clock.now += 0.1
    assert files_of(arrivals) == [1]


@pytest.mark.parametrize("has_about", [False, True])
def test_a_series_that_a_kill_left_without_objects_is_gone(begin: Begin, has_about: bool) -> None:
    arrivals = begin()
    place = arrivals.series.parent / "arriving" / "key"
    (place / FOLDER_OF_FILES).mkdir(parents=True)
    if has_about:
        (place / "about.json").write_text(json.dumps({"id": "i", "series_key": "key"}))
    arrivals = begin()
    assert arrivals.count == 0
    assert not place.exists()
    take(arrivals, "1")
    assert arrivals.count == 1


@pytest.mark.parametrize("left", ["", "{", "[]", '{"id": 1}', None])
def test_objects_whose_series_is_not_described_any_more_are_judged(
    begin: Begin, clock: Clock, left: str | None
) -> None:
    arrivals = begin()
    take(arrivals, "1")
    about = arrivals.series.parent / "arriving" / "key" / "about.json"
    if left is None:
        about.unlink()
    else:
        about.write_text(left)
    arrivals = begin()
    clock.now += 30
    (series,) = arrivals.whole()
    assert (series.series_key, series.files, series.caller) == ("key", 1, "")


def test_a_whole_series_without_a_row_is_left_behind(begin: Begin) -> None:
    arrivals = begin()
    take(arrivals, "1", expected=1)
    (series,) = arrivals.whole()
    arrivals = begin()
    assert arrivals.count == 0
    assert list(arrivals.left_behind(lambda _: set())) == [series]
    assert list(arrivals.left_behind(set)) == []


def test_what_is_left_behind_and_cannot_be_read_holds_up_no_other(begin: Begin) -> None:
    arrivals = begin()
    for key in ("a", "b"):
        take(arrivals, "1", series=key, expected=1)
    first, second = arrivals.whole()
    (arrivals.series / first.id / "about.json").write_text("{")
    assert list(begin().left_behind(lambda _: set())) == [second]
