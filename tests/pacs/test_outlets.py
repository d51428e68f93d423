"""Objects on their way to real C-STORE peers that take them, refuse them, or cannot now."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, Verification

from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import PacsError, PacsSilentError, StorageError
from medfake.pacs.outlets import CStoreOutlet, DicomWebOutlet, outlet_of
from medfake.pacs.settings import Archive, Store
from tests.fixtures.odd_pacs import Asked, Said, odd_pacs
from tests.fixtures.orthanc import free_port

WriteScan = Callable[..., Path]


@pytest.fixture
def file(write_scan: WriteScan, tmp_path: Path) -> Path:
    return next(write_scan(tmp_path / "scan", [-800]).rglob("*.dcm"))


@contextmanager
def peer(status: int = 0, sop_class: str = CTImageStorage, called: str = "PEER") -> Iterator[CStoreOutlet]:
    """Who answers C-STORE with a status, takes one kind of objects, one association at a time, and knows its name."""
    entity = AE(ae_title=called)
    entity.require_called_aet = True
    entity.maximum_associations = 1
    entity.add_supported_context(sop_class)
    entity.add_supported_context(Verification)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda _: status)]
    )  # fmt: skip
    try:
        yield CStoreOutlet(Store(host="127.0.0.1", port=port, aet="PEER"), 5.0, None)
    finally:
        server.shutdown()


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB007])
def test_an_object_that_is_taken_with_a_warning_is_taken(status: int, file: Path) -> None:
    with peer(status) as outlet:
        outlet.store(file)


@pytest.mark.parametrize(
    ("status", "silent"),
    [(0xA700, True), (0xA7FF, True), (0x0124, True), (0xA900, False), (0xC000, False), (0x0122, False)],
)
def test_a_peer_without_room_is_asked_again_longer_than_one_that_refuses(
    status: int, silent: bool, file: Path
) -> None:  # fmt: skip
    with peer(status) as outlet, pytest.raises(PacsError, match=f"status 0x{status:04X}") as caught:
        outlet.store(file)
    assert isinstance(caught.value, PacsSilentError) is silent


def test_a_peer_that_has_too_many_callers_now_is_asked_again_longer(file: Path) -> None:
    with peer() as outlet:
        other = AE()
        other.add_requested_context(Verification)
        holds = other.associate("127.0.0.1", outlet.peer.port, ae_title="PEER")
        with pytest.raises(PacsSilentError, match="does not let medfake in now"):
            outlet.store(file)
        holds.release()


def test_a_peer_of_another_name_does_not_let_anybody_in(file: Path) -> None:
    with peer(called="OTHER") as outlet, pytest.raises(PacsError, match="does not let medfake in") as caught:
        outlet.store(file)
    assert not isinstance(caught.value, PacsSilentError)


def test_a_peer_that_takes_no_such_kind_refuses_it(file: Path) -> None:
    with peer(sop_class=MRImageStorage) as outlet, pytest.raises(PacsError, match="takes no such object") as caught:
        outlet.store(file)
    assert not isinstance(caught.value, PacsSilentError)


@pytest.mark.parametrize("damaged", [b"", b"no DICOM", b"\0" * 128 + b"DICM" + b"\x08\0\x18\0UI\xff\xff"])
def test_a_result_that_is_damaged_is_an_error_that_says_so(damaged: bytes, tmp_path: Path) -> None:
    (tmp_path / "0000.dcm").write_bytes(damaged)
    with odd_pacs(Said()) as pacs:
        outlet = outlet_of(Archive(dicomweb=pacs.dicomweb), None)
        for ask in (outlet.has, outlet.store):
            with pytest.raises(StorageError, match="damaged"):
                ask(tmp_path / "0000.dcm")
    with peer() as c_store, pytest.raises(StorageError, match="damaged"):
        c_store.store(tmp_path / "0000.dcm")


def test_an_object_that_is_stored_by_stow_is_the_file_as_it_is(file: Path) -> None:
    def keep(asked: Asked) -> Said:
        if asked.method == "GET":
            uid = pydicom.dcmread(file).SOPInstanceUID
            return Said(body=f'[{{"00080018": {{"vr": "UI", "Value": ["{uid}"]}}}}]'.encode())
        return Said(status=200)

    with odd_pacs(keep) as pacs:
        outlet = outlet_of(Archive(dicomweb=pacs.dicomweb), None)
        assert isinstance(outlet, DicomWebOutlet)
        outlet.store(file)
    assert file.read_bytes() in pacs.asked[0].body


STORES = """
import sys
from pathlib import Path
from medfake.errors import PacsError
from medfake.pacs.outlets import outlet_of
from medfake.pacs.settings import Archive, Store

port, web = int(sys.argv[2]), sys.argv[3]
for archive in (Archive(dicomweb=web), Archive(store=Store(host="127.0.0.1", port=port, aet="PEER"), dicomweb=web)):
    outlet = outlet_of(archive, None)
    for ask in (outlet.has, outlet.store):
        try:
            ask(Path(sys.argv[1]))
        except PacsError as error:
            print(error.what)
"""


def test_nothing_that_is_odd_in_an_object_is_said_aloud(file: Path) -> None:
    with quiet_pydicom():
        dataset = pydicom.dcmread(file)
        dataset.StudyInstanceUID, dataset.StudyDate, dataset.PatientID = "1.2.0099.777", "1970-01-31", "DOE^JANE\\1970"
        dataset.save_as(file)
    with peer() as outlet, odd_pacs(Said(body=b"[]")) as pacs:
        asked = [sys.executable, "-W", "always", "-c", STORES, str(file), str(outlet.peer.port), pacs.dicomweb]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (0, "the PACS does not say that it has stored an object\n")
    assert not any(said in ran.stderr for said in ("0099", "1970", "DOE"))
