"""What a PACS says of an object that it was sent, from odd web servers: stored is what it says it has, and no more."""

import json
from pathlib import Path

import pytest

from medfake.errors import PacsError, PacsSilentError
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive
from medfake.pacs.stow import StowBody, read_answer
from tests.fixtures.odd_pacs import DICOM_JSON, Asked, Said, element, odd_pacs

PLACE, OURS = Address("1.2", "1.2.3"), "1.2.3.4"
STORED = json.dumps(element("00081199", element("00081155", OURS))).encode()
OTHER_STORED = json.dumps(element("00081199", element("00081155", "1.9"))).encode()
WARNED = json.dumps(element("00081199", element("00081155", OURS) | element("00081196", 0xB006))).encode()
HTML = b"<html>sign in here</html>"


def refused(*reasons: int) -> bytes:
    failed = [element("00081155", OURS) | element("00081197", one) for one in reasons]
    return json.dumps(element("00081198", *failed)).encode()


def store(said: Said, tmp_path: Path, found: bytes = b"[]") -> list[Asked]:
    """Store an object in a PACS that says so, and that tells so to whoever searches; what it was asked."""
    (tmp_path / "one.dcm").write_bytes(b"an object")
    with odd_pacs(lambda asked: said if asked.method == "POST" else Said(body=found)) as pacs:
        DicomWeb(Archive(dicomweb=pacs.dicomweb, timeout_s=5)).store(tmp_path / "one.dcm", PLACE, OURS)
        return pacs.asked


@pytest.mark.parametrize("kind", [DICOM_JSON, "application/json", f"{DICOM_JSON}; charset=utf-8", "text/plain"])
@pytest.mark.parametrize("body", [STORED, WARNED, b"[" + STORED + b"]"])
def test_an_object_is_stored_where_the_answer_names_it(kind: str, body: bytes, tmp_path: Path) -> None:
    (asked,) = store(Said(200, kind, body), tmp_path)
    assert (asked.method, asked.path) == ("POST", "/dicom-web/studies")
    assert b"\r\n\r\nan object\r\n--" in asked.body


@pytest.mark.parametrize("kind", [DICOM_JSON, f"{DICOM_JSON}; charset=utf-8"])
@pytest.mark.parametrize("status", [200, 202, 409])
def test_a_refusal_is_told_with_its_reason_and_without_identifiers(kind: str, status: int, tmp_path: Path) -> None:
    with pytest.raises(PacsError, match=f"status {status}, failure reason 0x0110") as caught:
        store(Said(status, kind, refused(0x0110)), tmp_path)
    assert not isinstance(caught.value, PacsSilentError)
    assert OURS not in str(caught.value)


def test_a_pacs_that_is_out_of_resources_is_asked_again_longer(tmp_path: Path) -> None:
    with pytest.raises(PacsSilentError, match="failure reason 0xA700"):
        store(Said(202, DICOM_JSON, refused(0xA700)), tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        Said(200, "text/html", HTML),
        Said(200, DICOM_JSON, b""),
        Said(202, DICOM_JSON, OTHER_STORED),
        Said(200, DICOM_JSON, b'{"00081199": {"Value": [null, 1, {"00081155": []}]}}'),
        Said(200, DICOM_JSON, b"[" * 100_000),
        Said(200, DICOM_JSON, b"[[]]"),
        Said(200, "application/dicom+xml", b"<NativeDicomModel/>"),
        Said(204, DICOM_JSON, b""),
    ],
)
def test_where_the_answer_does_not_name_it_the_pacs_is_asked_whether_it_has_it(said: Said, tmp_path: Path) -> None:
    with pytest.raises(PacsSilentError, match="does not say that it has stored"):
        store(said, tmp_path)
    asked = store(said, tmp_path, json.dumps([element("00080018", OURS)]).encode())
    assert [one.method for one in asked] == ["POST", "GET"]


@pytest.mark.parametrize("found", [HTML, b'[{"00080018": {"Value": ["1.9"]}}]', b"[{}]", b"[null]"])
def test_no_answer_to_that_confirms_nothing(found: bytes, tmp_path: Path) -> None:
    with pytest.raises(PacsSilentError, match="does not say that it has stored"):
        store(Said(200, DICOM_JSON, b""), tmp_path, found)


def test_an_object_that_the_pacs_has_already_is_stored_where_it_is_found(tmp_path: Path) -> None:
    said = Said(409, DICOM_JSON, refused(0x0111))
    with pytest.raises(PacsError, match="0x0111"):
        store(said, tmp_path)
    store(said, tmp_path, json.dumps([element("00080018", OURS)]).encode())


def test_a_failure_without_a_reason_is_a_refusal(tmp_path: Path) -> None:
    answer = json.dumps(element("00081198", element("00081155", OURS))).encode()
    with pytest.raises(PacsError, match="refuses an object") as caught:
        store(Said(202, DICOM_JSON, answer), tmp_path)
    assert not isinstance(caught.value, PacsSilentError)


@pytest.mark.parametrize("reason", ["x", None, -1, 1 << 70, [], True])
def test_an_odd_reason_is_none(reason: object) -> None:
    body = json.dumps(element("00081198", element("00081197", reason))).encode()
    assert read_answer(body, OURS).refused
    assert all(0 < one <= 0xFFFF for one in read_answer(body, OURS).reasons)


def test_a_body_is_as_long_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(bytes(1_000_000))
    body = StowBody(tmp_path / "one.dcm")
    assert len(b"".join(body)) == len(body)
