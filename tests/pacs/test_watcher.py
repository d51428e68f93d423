"""What is new in a real Orthanc is found, fetched and done once."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from medfake.errors import PacsError
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.queued_series import Address, State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Archive, Limits, Listen, PacsSettings, Watch
from medfake.pacs.watcher import Fetcher, Watcher
from medfake.serving.scoring.progress import Progress
from tests.fixtures import dcmtk
from tests.fixtures.orthanc import Orthanc
from tests.pacs.conftest import arrival, verdict

pytestmark = pytest.mark.slow(minutes=0.2)
WriteScan = Callable[..., Path]
REST_S = 3.0


@dataclass
class Watched:
    """An Orthanc, who watches it and who fetches from it; `now` is what the watcher's clock says."""

    orthanc: Orthanc
    queue: SeriesQueue
    folder: Path
    write_scan: WriteScan
    now: float = 0.0
    waiting: int = 200

    def __post_init__(self) -> None:
        self.watcher = self.new_watcher()

    @property
    def settings(self) -> PacsSettings:
        return PacsSettings(
            archive=Archive(dicomweb=self.orthanc.dicomweb), watch=Watch(look_back_days=None, unchanged_s=REST_S),
            limits=Limits(waiting=self.waiting, tries=2, first_retry_s=1e-6),
            listen=Listen(spare_mb=0),
        )  # fmt: skip

    def new_watcher(self) -> Watcher:
        """As after a restart of the program."""
        return Watcher(DicomWeb(self.settings.archive), self.queue, self.settings, b"k" * 32, lambda: self.now)

    def fetcher(self) -> Fetcher:
        web = DicomWeb(self.settings.archive)
        return Fetcher(web, self.queue, lambda one: self.folder / one, self.settings, lambda: None)

    def store(self, name: str, slices: int = 3) -> Path:
        """Put a scan into the PACS."""
        folder = self.write_scan(self.folder.parent / name, [-800 + 10 * number for number in range(slices)], name)
        assert dcmtk.store(self.orthanc.dicom_port, folder, called=self.orthanc.ae_title).returncode == 0
        return folder

    def look_until_at_rest(self) -> int:
        """Look, let time pass, and look again; how many series were put into the queue."""
        added = self.watcher.look()
        self.now += REST_S
        return added + self.watcher.look()


@pytest.fixture
def watched(orthanc: Orthanc, queue: SeriesQueue, write_scan: WriteScan, tmp_path: Path) -> Watched:
    (tmp_path / "series").mkdir()
    return Watched(orthanc, queue, tmp_path / "series", write_scan)


def test_a_series_is_queued_once_it_has_come_to_rest(watched: Watched) -> None:
    watched.store("one")
    assert watched.watcher.look() == 0
    watched.now += REST_S - 0.1
    assert watched.watcher.look() == 0
    watched.now += 0.1
    assert watched.watcher.look() == 1
    assert watched.look_until_at_rest() == 0


def test_a_series_that_grows_is_waited_for(watched: Watched) -> None:
    folder = watched.store("one", 2)
    watched.watcher.look()
    watched.now += REST_S
    more = pydicom.dcmread(next(folder.rglob("*.dcm")))
    more.SOPInstanceUID = more.file_meta.MediaStorageSOPInstanceUID = "2.25.9"
    more.save_as(watched.folder.parent / "more.dcm")
    dcmtk.store(watched.orthanc.dicom_port, watched.folder.parent / "more.dcm", called=watched.orthanc.ae_title)
    assert watched.watcher.look() == 0
    watched.now += REST_S
    assert watched.watcher.look() == 1


def test_a_series_that_was_queued_is_fetched_as_it_is(watched: Watched) -> None:
    watched.store("one")
    watched.look_until_at_rest()
    assert watched.fetcher().fetch_next()
    taken = watched.queue.take(State.SCORE)
    assert taken
    assert (taken.files, taken.expected, taken.modality) == (3, 3, "CT")
    assert len(list((watched.folder / taken.id / FOLDER_OF_FILES).iterdir())) == 3
    assert not watched.fetcher().fetch_next()


def test_what_is_done_is_known_after_a_restart(watched: Watched) -> None:
    watched.store("one")
    watched.look_until_at_rest()
    watched.fetcher().fetch_next()
    taken = watched.queue.take(State.SCORE)
    assert taken
    watched.queue.judged(taken.id, verdict(objects=0), "m", Progress())
    watched.watcher = watched.new_watcher()
    assert watched.look_until_at_rest() == 0


def test_a_series_that_has_grown_since_is_judged_again(watched: Watched) -> None:
    folder = watched.store("one")
    watched.look_until_at_rest()
    watched.fetcher().fetch_next()
    taken = watched.queue.take(State.SCORE)
    assert taken
    watched.queue.judged(taken.id, verdict(objects=0), "m", Progress())
    more = pydicom.dcmread(next(folder.rglob("*.dcm")))
    more.SOPInstanceUID = more.file_meta.MediaStorageSOPInstanceUID = "2.25.9"
    more.save_as(watched.folder.parent / "more.dcm")
    dcmtk.store(watched.orthanc.dicom_port, watched.folder.parent / "more.dcm", called=watched.orthanc.ae_title)
    assert watched.look_until_at_rest() == 1


def test_no_more_is_queued_than_may_wait(watched: Watched) -> None:
    watched.waiting = 2
    watched.watcher = watched.new_watcher()
    for name in ("one", "two", "three"):
        watched.store(name)
    assert watched.look_until_at_rest() == 2
    watched.fetcher().fetch_next()
    taken = watched.queue.take(State.SCORE)
    assert taken
    watched.queue.judged(taken.id, verdict(objects=0), "m", Progress())
    assert watched.watcher.look() == 1


def test_a_series_that_is_gone_is_given_up_after_its_tries(watched: Watched) -> None:
    came = arrival(fetch=True)
    watched.queue.add(came)
    for _ in range(2):
        assert watched.fetcher().fetch_next()
    gone = watched.queue.find(came.id)
    assert gone
    assert (gone.state, gone.died) == (State.DEAD, State.FETCH)
    assert gone.address == Address("1.2.3", "1.2.3.4")  # or nobody could try it again


def test_a_fetch_that_was_cut_off_begins_anew(watched: Watched) -> None:
    watched.store("one")
    watched.look_until_at_rest()
    (row,) = watched.queue.rows([State.FETCH], 10)
    for left in (watched.folder / f".{row.id}", watched.folder / row.id):
        (left / FOLDER_OF_FILES).mkdir(parents=True)
        (left / FOLDER_OF_FILES / "000000.dcm").write_bytes(b"half")
    watched.fetcher().fetch_next()
    files = sorted((watched.folder / row.id / FOLDER_OF_FILES).iterdir())
    assert [one.name for one in files] == ["000000.dcm", "000001.dcm", "000002.dcm"]
    assert not (watched.folder / f".{row.id}").exists()
    assert all(pydicom.dcmread(one).Modality == "CT" for one in files)


def test_a_pacs_that_is_gone_is_found_again(watched: Watched) -> None:
    watched.store("one")
    watched.orthanc.kill()
    with pytest.raises(PacsError, match="does not answer"):
        watched.watcher.look()
    watched.orthanc.restart()
    assert watched.look_until_at_rest() == 1


def test_a_disk_that_is_nearly_full_is_not_filled(watched: Watched) -> None:
    watched.store("one")
    watched.look_until_at_rest()
    free_mb = shutil.disk_usage(watched.folder).free >> 20
    settings = watched.settings
    fetcher = watched.fetcher()
    fetcher._settings = settings.model_copy(update={"listen": Listen(spare_mb=free_mb + 1000)})
    fetcher.fetch_next()
    (row,) = watched.queue.rows([State.FETCH], 10)
    assert "free on the disk" in str(row.reason)
