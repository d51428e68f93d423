"""`medfake pacs scan` against a real PACS, and against one that falls silent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.errors import PacsSilentError, ScanError
from medfake.phantom import write_patient
from medfake.vocabulary import Modality
from tests.fixtures.orthanc import Orthanc

pytestmark = pytest.mark.slow(minutes=0.5)
SLICES = 24


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scan(address: str, *arguments: str, said: str) -> Result:
    """What comes of asking for a study whose UID is said."""
    Path("pacs.yaml").write_text(
        f"archive: {{dicomweb: {address}}}\nlimits: {{first_retry_s: 0.2, longest_retry_s: 0.2}}\n"
        "listen: {spare_mb: 0}\nmodel: builtin"
    )
    command = ["pacs", "scan", "--dry-run", "out", "--study", "-", *arguments]
    return CliRunner().invoke(cli, command, input=said)


def study_of(folder: Path) -> str:
    return str(pydicom.dcmread(next(folder.rglob("*.dcm"))).StudyInstanceUID)


def test_a_study_is_fetched_and_judged(orthanc: Orthanc, tmp_path: Path) -> None:
    write_patient(tmp_path / "scan", 3, SLICES, "injection")
    for folder in {file.parent for file in (tmp_path / "scan").rglob("*.dcm")}:
        orthanc.upload(folder)
    uid = study_of(tmp_path / "scan")
    done = scan(orthanc.dicomweb, said=f"{uid}\n")
    assert done.exit_code == 0, done.output
    first, told, last = done.output.splitlines()
    assert first.startswith("1 series to fetch and judge")
    assert "tampered, P " in told
    assert last == "next: medfake pacs queue --all --data out/.queue, or look at the results in out"
    assert uid not in done.output


def test_a_study_of_which_nothing_can_be_judged_is_an_error(orthanc: Orthanc, tmp_path: Path) -> None:
    write_patient(tmp_path / "scan", 3, SLICES, None, modality=Modality.MR)
    for folder in {file.parent for file in (tmp_path / "scan").rglob("*.dcm")}:
        orthanc.upload(folder)
    done = scan(orthanc.dicomweb, said=study_of(tmp_path / "scan"))
    assert isinstance(done.exception, ScanError)
    assert done.exception.what == "none of the series could be judged"
    assert "learnt from CT" in str(done.exception.received)


@pytest.fixture
def falls_silent() -> Iterator[str]:
    """Address of a PACS that finds a series, and has too much to do to give it away."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Accept"].startswith("application/dicom+json"):
                series = {"0020000D": "1.2.3", "0020000E": "1.2.4", "00080060": "CT"}
                found = json.dumps([{tag: {"vr": "UI", "Value": [value]} for tag, value in series.items()}]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)
            else:
                self.send_error(503)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    server.shutdown()
    server.server_close()


def test_nobody_waits_for_ever_for_a_PACS_that_falls_silent(falls_silent: str) -> None:  # noqa: N802 - as it is written
    done = scan(falls_silent, "--wait", "4", said="1.2.3\n")
    assert isinstance(done.exception, PacsSilentError), done.output
    assert done.exception.what == "nothing has happened for 4 s to 1 series that are waited for"
    assert "status 503" in str(done.exception.received)
    assert done.output.count("to fetch, tried 2 times and again later: ") == 1
    assert "1.2.3" not in done.output + str(done.exception)
