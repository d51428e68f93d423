"""POST of scans: whatever way they come, the answer is what `medfake scan --json` says of the same files."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fixtures.services import PROJECT, RunningService, StartService

WriteScan = Callable[..., Path]
BOUNDARY = "a-boundary"


def _without_ids(report: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """A report without what depends on where the files lie."""
    text = re.sub(r'"(scan|patient)-[0-9a-f]{12}"', '"ID"', json.dumps(report))
    return dict(json.loads(text.replace(f"{folder.parent}/", "") if folder else text))


def _related(parts: list[bytes]) -> bytes:
    lines = [b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (BOUNDARY.encode(), part) for part in parts]
    return b"".join(lines) + b"--%b--\r\n" % BOUNDARY.encode()


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return buffer.getvalue()


def test_the_answer_is_what_medfake_scan_writes(
    service: RunningService, served_package: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "study" / "chest", [-200, 0, 100, -300, -200, 0, 0, 0, 0])
    write_scan(tmp_path / "study" / "second", [-500] * 3)
    (folder / "notes.txt").write_text("no image")
    answer = service.post_folder("/v1/scans", tmp_path / "study")
    command = [sys.executable, "-m", "medfake.cli.root", "scan", str(tmp_path / "study"), "--model"]
    subprocess.run(
        [*command, str(served_package), "--json", str(tmp_path / "cli.json")], check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, capture_output=True,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    expected = _without_ids(json.loads((tmp_path / "cli.json").read_text()), tmp_path / "study")
    assert _without_ids(answer.json()) == expected
    assert len(expected["scans"]) == 2
    assert [one["path"] for one in expected["skipped"]] == ["study/chest/notes.txt"]


def test_a_zip_a_form_and_a_study_of_stow_rs_say_the_same(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", [-200, 0, 100, -300, -200])
    zipped = {"Content-Type": "application/zip"}
    related = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}
    parts = [file.read_bytes() for file in sorted(folder.iterdir())]
    answers = [
        service.post_folder("/v1/scans", folder),
        service.post("/v1/scans", data=_zipped(folder), headers=zipped),
        service.post("/v1/scans", files=[("file", ("any.zip", _zipped(folder)))]),
        service.post("/v1/scans", data=_related(parts), headers=related),
    ]
    assert [one.status_code for one in answers] == [200] * 4
    by_form, by_zip, by_zip_in_form, by_stow = (_without_ids(one.json()) for one in answers)
    assert by_form == by_zip
    inside = json.loads(json.dumps(by_form).replace("chest/", "any.zip/chest/"))
    assert by_zip_in_form == inside
    p_tampered = [one["p_tampered"] for one in by_form["scans"][0]["slices"]]
    assert [one["p_tampered"] for one in by_stow["scans"][0]["slices"]] == p_tampered


def test_a_single_instance_may_be_the_whole_body(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    file = write_scan(tmp_path / "chest", [-200]) / "0.dcm"
    answer = service.post("/v1/scans", data=file.read_bytes(), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200
    assert [one["file"] for one in answer.json()["scans"][0]["slices"]] == ["1.dcm"]


def test_one_series_in_two_folders_is_two_scans(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    file = (write_scan(tmp_path / "chest", [-200]) / "0.dcm").read_bytes()
    files = [("file", ("a/0.dcm", file)), ("file", ("b/0.dcm", file)), ("file", ("a/1.dcm", b"no image"))]
    report = service.post("/v1/scans", files=files).json()
    assert [[one["file"] for one in scan["slices"]] for scan in report["scans"]] == [["a/0.dcm"], ["b/0.dcm"]]
    assert report["skipped"] == [{"path": "a/1.dcm", "reason": "not a DICOM file"}]


def test_files_of_one_name_are_told_apart(service: RunningService) -> None:
    report = service.post("/v1/scans", files=[("file", ("a.txt", b"one")), ("file", ("a.txt", b"two"))]).json()
    assert [one["path"] for one in report["skipped"]] == ["a.txt", "a.txt (2)"]


def test_a_name_that_would_move_the_cursor_of_a_terminal_is_escaped(service: RunningService) -> None:
    disposition = b'Content-Disposition: form-data; name="file"; filename="\x1b[2Jdir/<script>.dcm"'
    body = b"--%b\r\n%b\r\n\r\nno image\r\n--%b--\r\n" % (BOUNDARY.encode(), disposition, BOUNDARY.encode())
    answer = service.post("/v1/scans", data=body, headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    assert [one["path"] for one in answer.json()["skipped"]] == ["%1B[2Jdir/<script>.dcm"]


def test_names_lead_nowhere_on_the_disk_of_the_service(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    file = (write_scan(tmp_path / "chest", [-200]) / "0.dcm").read_bytes()
    names = ["../../../../tmp/medfake-was-here", "/tmp/medfake-was-here", "C:\\medfake-was-here"]  # noqa: S108
    job = service.job_of(service.post("/v1/jobs", files=[("file", (name, file)) for name in names]))
    assert service.wait_for(job)["progress"]["scans_done"] == 3
    assert not Path("/tmp/medfake-was-here").exists()  # noqa: S108
    assert not [path for path in service.data.rglob("*") if "was-here" in path.name]


def test_nothing_is_kept_of_what_was_answered(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    before = {path.name for path in (service.data / "jobs").iterdir()}
    assert service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3)).status_code == 200
    assert {path.name for path in (service.data / "jobs").iterdir()} == before
    assert [path.name for path in (service.data / "incoming").glob("*/*")] == ["alive.lock"]


def test_who_prefers_not_to_wait_gets_a_job(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    answer = service.post_folder("/v1/scans", folder, headers={"Prefer": "respond-async"})
    job = service.job_of(answer)
    assert answer.headers["Location"] == f"/v1/jobs/{job}"
    assert service.wait_for(job)["state"] == "done"


def test_what_is_large_or_takes_long_becomes_a_job(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    for limits in ({"small_bytes": 1000}, {"wait_s": 0.0}):
        service = start_service(limits=limits)
        job = service.job_of(service.post_folder("/v1/scans", folder))
        assert service.wait_for(job)["state"] == "done"
        assert len(service.get(f"/v1/jobs/{job}/report").json()["scans"]) == 1
        service.stop()
