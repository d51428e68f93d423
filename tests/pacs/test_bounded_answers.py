"""Servers that point elsewhere, answer without an end, or slower than anybody can wait."""

import gzip
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from medfake.errors import PacsError, PacsSilentError, StorageError
from medfake.pacs import bounded_answers, dicomweb, patience
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.fetch_limits import FetchLimits
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive
from tests.fixtures.odd_pacs import MULTIPART, Asked, OddPacs, Said, odd_pacs, series_json

MIB = 1 << 20
PLACE = Address("1.2", "1.2.3")
TAKEN = FetchLimits(100 * MIB, 10, 100 * MIB)
HEAD = b"--b\r\nContent-Type: application/dicom\r\n\r\n"


def asks(pacs: OddPacs, timeout_s: float = 5.0) -> DicomWeb:
    return DicomWeb(Archive(dicomweb=pacs.dicomweb, timeout_s=timeout_s))


def ours() -> bool:
    return True


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_no_redirect_is_followed(status: int, tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(b"x")
    with odd_pacs(Said()) as elsewhere:
        said = Said(status, headers={"Location": f"{elsewhere.dicomweb}/1.2.3"}, body=b"x" * 1000)
        with odd_pacs(said) as pacs:
            for ask in (
                lambda: list(asks(pacs).series("CT", None)),
                lambda: asks(pacs).has(PLACE, "1.2.3.4"),
                lambda: asks(pacs).fetch(PLACE, tmp_path, TAKEN, ours),
                lambda: asks(pacs).store(tmp_path / "one.dcm", PLACE, "1.2.3.4"),
            ):
                with pytest.raises(PacsSilentError, match="points elsewhere") as caught:
                    ask()
                assert caught.value.received == f"status {status}"
                assert caught.value.where == "archive.dicomweb"
                assert "1.2.3" not in str(caught.value)
        assert elsewhere.asked == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_search_answer_that_unpacks_to_more_than_is_taken_is_not_unpacked(chunked: bool) -> None:
    bomb = gzip.compress(b" " * (8 * bounded_answers.MOST_BYTES))
    said = Said(body=[bomb] if chunked else bomb, headers={"Content-Encoding": "gzip"})
    with odd_pacs(said) as pacs:
        web = asks(pacs)
        tracemalloc.start()
        with pytest.raises(PacsError, match="more than is taken"):
            list(web.series("CT", None))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * bounded_answers.MOST_BYTES


@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_more_of_any_answer_to_a_store_is_read_than_is_taken(status: int, tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(b"x")
    endless = Said(status, body=(b" " * MIB for _ in range(1000)))
    with odd_pacs(endless) as pacs, pytest.raises(PacsError, match="more than is taken"):
        asks(pacs).store(tmp_path / "one.dcm", PLACE, "1.2.3.4")


def dripping(first: bytes = b"", every_s: float = 0.05) -> Iterator[bytes]:
    yield first
    while True:
        time.sleep(every_s)
        yield b" "


@pytest.mark.parametrize("ask", ["search", "store", "fetch", "fetch in a part"])
def test_an_answer_that_drips_is_cut_off(ask: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb, "_PATIENCE", 1)
    (tmp_path / "one.dcm").write_bytes(b"x")
    drip = Said(200, MULTIPART, dripping(HEAD if ask == "fetch in a part" else b""))
    with odd_pacs(drip) as pacs, pytest.raises(PacsSilentError, match="takes too long"):
        web = asks(pacs, timeout_s=0.5)
        if ask == "search":
            list(web.series("CT", None))
        elif ask == "store":
            web.store(tmp_path / "one.dcm", PLACE, "1.2.3.4")
        else:
            web.fetch(PLACE, tmp_path, TAKEN, ours)


def test_a_client_whose_line_was_cut_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb, "_PATIENCE", 1)
    answers = [Said(body=dripping()), Said(body=series_json("1.2.3")), Said(body=b"[]")]
    with odd_pacs(lambda _: answers.pop(0)) as pacs:
        web = asks(pacs, timeout_s=0.5)
        with pytest.raises(PacsSilentError):
            list(web.series("CT", None))
        assert len(list(web.series("CT", None))) == 1


def test_somebody_is_asked_while_one_object_streams_and_may_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_ASK_EVERY_S", 0.1)
    answers = [True, True, False]
    with odd_pacs(Said(200, MULTIPART, dripping(HEAD))) as pacs, pytest.raises(PacsError, match="somebody else"):
        asks(pacs).fetch(PLACE, tmp_path, TAKEN, lambda: answers.pop(0))
    assert answers == []


def one_object_of(mib: int) -> Said:
    return Said(200, MULTIPART, [HEAD, *(b"x" * MIB for _ in range(mib)), b"\r\n--b--"])


def test_a_large_object_is_never_held_in_memory(tmp_path: Path) -> None:
    with odd_pacs(one_object_of(64)) as pacs:
        web = asks(pacs)
        tracemalloc.start()
        assert web.fetch(PLACE, tmp_path, TAKEN, ours) == 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "000000.dcm").stat().st_size == 64 * MIB
    assert peak < 8 * MIB


def test_an_object_that_is_larger_than_one_may_be_is_not_taken(tmp_path: Path) -> None:
    with odd_pacs(one_object_of(4)) as pacs:
        (tmp_path / "a").mkdir()
        with pytest.raises(PacsError, match="object is larger than is taken") as caught:
            asks(pacs).fetch(PLACE, tmp_path / "a", replace(TAKEN, object_bytes=4 * MIB - 1), ours)
        assert caught.value.where == "pacs.yaml, listen.largest_instance_mb"
        assert sum(one.stat().st_size for one in (tmp_path / "a").iterdir()) < 4 * MIB
        (tmp_path / "b").mkdir()
        assert asks(pacs).fetch(PLACE, tmp_path / "b", replace(TAKEN, object_bytes=4 * MIB), ours) == 1


def test_a_disk_that_fills_up_meanwhile_ends_a_fetch(tmp_path: Path) -> None:
    with odd_pacs(one_object_of(1)) as pacs, pytest.raises(StorageError, match="free on the disk"):
        asks(pacs).fetch(PLACE, tmp_path, replace(TAKEN, spare_bytes=1 << 60), ours)


def found(pacs: OddPacs) -> list[str]:
    return [one.address.series_uid for one in asks(pacs).series("CT", None)]


def test_paging_ends_where_a_pacs_ignores_limit_and_offset() -> None:
    uids = [f"1.2.{number}" for number in range(1500)]
    with odd_pacs(Said(body=series_json(*uids))) as pacs:
        assert found(pacs) == uids
    assert len(pacs.asked) == 2


def test_a_pacs_that_ignores_the_offset_alone_is_told_of_once_what_it_has_was_told() -> None:
    uids = [f"1.2.{number}" for number in range(1000)]
    with odd_pacs(Said(body=series_json(*uids))) as pacs:
        told = asks(pacs).series("CT", None)
        assert [one.address.series_uid for one in islice(told, 1000)] == uids
        with pytest.raises(PacsError, match="again and again"):
            next(told)


def test_a_pacs_that_gives_fewer_at_a_time_is_asked_for_the_rest() -> None:
    uids = [f"1.2.{number}" for number in range(7)]

    def three(asked: Asked) -> Said:
        offset = int(asked.query.partition("offset=")[2].partition("&")[0])
        return Said(body=series_json(*uids[offset : offset + 3]))

    with odd_pacs(three) as pacs:
        assert found(pacs) == uids


def test_a_pacs_without_an_end_of_series_is_not_searched_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb, "_MOST_SERIES", 5)
    count = iter(range(10**9))
    with odd_pacs(lambda _: Said(body=series_json(f"1.2.{next(count)}"))) as pacs:
        with pytest.raises(PacsError, match="more series than are taken"):
            found(pacs)
        monkeypatch.setattr(dicomweb, "_MOST_SERIES", 10**9)
        monkeypatch.setattr(dicomweb, "_MOST_PAGES", 4)
        with pytest.raises(PacsError, match="more series than are taken"):
            found(pacs)


@pytest.mark.parametrize("uid", ["../../../other?x=", "", "..", "1.2/3", "1" * 65])
def test_a_study_that_is_none_becomes_no_part_of_an_address(uid: str) -> None:
    with odd_pacs(Said(body=b"[]")) as pacs, pytest.raises(PacsError, match="no such study"):
        asks(pacs).series_of_study(uid)
    assert pacs.asked == []


@pytest.mark.parametrize(("said", "kept"), [("\x1b[31mct\x00", "31MCT"), ("CT", "CT"), ("C" * 40, "C" * 16), ("é", "")])
def test_a_modality_holds_no_more_than_a_code_may(said: str, kept: str) -> None:
    with odd_pacs(Said(body=series_json("1.2.3", modality=said))) as pacs:
        (one,) = asks(pacs).series("CT", None)
    assert one.modality == kept
