"""What is watched or fetched where a PACS, or another station, does not do as one would wish."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medfake.errors import PacsError
from medfake.pacs import patience
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.listener import series_key
from medfake.pacs.queued_series import NewSeries, Origin, State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Archive, Limits, Listen, PacsSettings, Watch
from medfake.pacs.watcher import Fetcher, Watcher
from medfake.serving import leases
from medfake.serving.scoring.progress import Progress
from tests.fixtures.odd_pacs import MULTIPART, Asked, Said, odd_pacs, series_json
from tests.pacs.conftest import MakeQueue, arrival, verdict

KEY = b"k" * 32
PART = b"--b\r\n\r\nan object\r\n"


def settings_of(dicomweb: str, **watch: object) -> PacsSettings:
    return PacsSettings(
        archive=Archive(dicomweb=dicomweb, timeout_s=5),
        watch=Watch.model_validate({"look_back_days": None, "unchanged_s": 1e-9} | watch), listen=Listen(spare_mb=0),
        limits=Limits(first_retry_s=1e-6),
    )  # fmt: skip


def watcher_of(queue: SeriesQueue, settings: PacsSettings) -> Watcher:
    return Watcher(DicomWeb(settings.archive), queue, settings, KEY)


def fetcher_of(queue: SeriesQueue, settings: PacsSettings, folder: Path) -> Fetcher:
    folder.mkdir(exist_ok=True)
    return Fetcher(DicomWeb(settings.archive), queue, lambda one: folder / one, settings, lambda: None)


def pacs_that(tells: Callable[[], int], gives: int) -> Callable[[Asked], Said]:
    """A PACS with one series, of which it tells one number of objects and gives another."""

    def answer(asked: Asked) -> Said:
        if asked.path.endswith("/series"):
            return Said(body=series_json("1.2.3", instances=tells()))
        return Said(200, MULTIPART, gives * PART + b"--b--")

    return answer


def judge(queue: SeriesQueue) -> None:
    taken = queue.take(State.SCORE)
    assert taken
    queue.judged(taken.id, verdict(objects=0), "m", Progress())


def test_a_series_of_which_more_is_told_than_given_is_fetched_once(queue: SeriesQueue, tmp_path: Path) -> None:
    told = 25
    with odd_pacs(pacs_that(lambda: told, 24)) as pacs:
        settings = settings_of(pacs.dicomweb)
        watcher, fetcher = watcher_of(queue, settings), fetcher_of(queue, settings, tmp_path / "series")
        added = [watcher.look() + watcher.look()]
        assert fetcher.fetch_next()
        judge(queue)
        added.append(watcher.look() + watcher.look())
        told = 26
        added.append(watcher.look() + watcher.look())
    assert added == [1, 0, 1]


@pytest.mark.parametrize(("files", "expected", "added"), [(24, 25, 1), (25, None, 0), (25, 20, 0)])
def test_a_series_that_was_sent_is_fetched_where_more_is_told_than_came(
    files: int, expected: int | None, added: int, queue: SeriesQueue
) -> None:
    key = series_key("1.2", "1.2.3", KEY)
    queue.add(NewSeries("0" * 32, key, Origin.LISTEN, "CT1", "CT", files, expected))
    judge(queue)
    with odd_pacs(pacs_that(lambda: 25, 25)) as pacs:
        watcher = watcher_of(queue, settings_of(pacs.dicomweb))
        assert watcher.look() + watcher.look() == added


def test_a_modality_of_which_a_pacs_cannot_tell_keeps_no_other_from_being_looked_at(queue: SeriesQueue) -> None:
    def answer(asked: Asked) -> Said:
        return Said(400) if "Modality=CT" in asked.query else Said(body=series_json("1.2.3", modality="MR"))

    with odd_pacs(answer) as pacs:
        watcher = watcher_of(queue, settings_of(pacs.dicomweb, modalities=("CT", "MR")))
        for _ in range(2):
            with pytest.raises(PacsError, match="status 400"):
                watcher.look()
    assert queue.counts()[State.FETCH] == 1


def test_a_lease_is_held_while_one_object_streams(
    queue_of: MakeQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_ASK_EVERY_S", 0.1)
    queue, other = queue_of("me", 0.6), queue_of("other", 0.6)
    queue.add(arrival(fetch=True))
    taken_by_other = []

    def slow(_: Asked) -> Said:
        def pieces() -> Iterator[bytes]:
            yield b"--b\r\n\r\n"
            for _ in range(8):
                time.sleep(0.2)
                taken_by_other.append(other.take(State.FETCH))
                yield b"x"
            yield b"\r\n--b--"

        return Said(200, MULTIPART, pieces())

    with odd_pacs(slow) as pacs:
        fetcher_of(queue, settings_of(pacs.dicomweb), tmp_path / "series").fetch_next()
    assert taken_by_other == [None] * 8
    assert queue.counts()[State.SCORE] == 1


def test_two_stations_that_fetch_one_series_write_into_folders_of_their_own(
    queue_of: MakeQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEWALS", 1e-3)  # the first one seems to hang
    late, quick = queue_of("late", 0.2), queue_of("quick", 60.0)
    quick.add(came := arrival(fetch=True))
    fetched: list[bool] = []

    def answer(_: Asked) -> Said:
        def pieces() -> Iterator[bytes]:
            yield b"--b\r\n\r\nof the first"
            time.sleep(0.4)
            fetched.append(fetcher_of(quick, settings, tmp_path / "series").fetch_next())
            yield b"\r\n--b--"

        return Said(200, MULTIPART, PART + b"--b--" if fetched or len(pacs.asked) > 1 else pieces())

    with odd_pacs(answer) as pacs:
        settings = settings_of(pacs.dicomweb)
        fetcher_of(late, settings, tmp_path / "series").fetch_next()
    assert fetched == [True]
    assert [one.name for one in (tmp_path / "series").iterdir()] == [came.id]
    (file,) = (tmp_path / "series" / came.id / FOLDER_OF_FILES).iterdir()
    assert file.read_bytes() == b"an object"
    row = quick.find(came.id)
    assert row
    assert (row.state, row.tries) == (State.SCORE, 0)


def test_a_fetch_that_failed_leaves_nothing_on_the_disk(queue: SeriesQueue, tmp_path: Path) -> None:
    queue.add(arrival(fetch=True))
    with odd_pacs(Said(200, MULTIPART, 2 * PART)) as pacs:
        fetcher_of(queue, settings_of(pacs.dicomweb), tmp_path / "series").fetch_next()
    assert list((tmp_path / "series").iterdir()) == []


def test_an_object_that_is_larger_than_one_may_be_is_not_fetched(queue: SeriesQueue, tmp_path: Path) -> None:
    queue.add(came := arrival(fetch=True))
    with odd_pacs(Said(200, MULTIPART, b"--b\r\n\r\n" + bytes(2 << 20) + b"\r\n--b--")) as pacs:
        settings = settings_of(pacs.dicomweb)
        small = settings.model_copy(update={"listen": Listen(spare_mb=0, largest_instance_mb=1)})
        fetcher_of(queue, small, tmp_path / "series").fetch_next()
    row = queue.find(came.id)
    assert row
    assert row.reason == "an object is larger than is taken: more than 1 MiB"


def test_whatever_goes_wrong_in_a_fetch_counts_as_a_try(
    queue: SeriesQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.add(came := arrival(fetch=True))
    fetcher = fetcher_of(queue, settings_of("http://127.0.0.1:1/dicom-web"), tmp_path / "series")
    monkeypatch.setattr(fetcher, "_folder_of", lambda _: {}["nobody thought of this"])
    fetcher.fetch_next()
    row = queue.find(came.id)
    assert row
    assert (row.state, row.tries) == (State.FETCH, 1)


def test_a_folder_that_is_written_to_is_not_taken_for_one_that_was_left_behind(
    queue: SeriesQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_ASK_EVERY_S", 0.05)
    queue.add(arrival(fetch=True))
    ages: list[float] = []

    def slow(_: Asked) -> Said:
        def pieces() -> Iterator[bytes]:
            yield b"--b\r\n\r\n"
            time.sleep(0.2)
            (partial,) = (tmp_path / "series").iterdir()
            os.utime(partial, (0, 0))
            time.sleep(0.3)
            ages.append(time.time() - partial.stat().st_mtime)
            yield b"x\r\n--b--"

        return Said(200, MULTIPART, pieces())

    with odd_pacs(slow) as pacs:
        fetcher_of(queue, settings_of(pacs.dicomweb), tmp_path / "series").fetch_next()
    assert ages[0] < 10
