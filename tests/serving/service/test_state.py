"""What the service says of itself, and what every answer carries."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.package.card import read_card
from tests.fixtures.services import RunningService, StartService, until

WriteScan = Callable[..., Path]
PATIENT = "QUIXOTE^ALONSO"


def test_the_detector_is_told_with_its_card(service: RunningService, served_package: Path) -> None:
    told = service.get("/v1/model").json()
    assert told["name"] == "package bright"
    assert told["card"] == read_card(served_package).model_dump(mode="json")
    assert told["registry"] == {"state": "none", "said": "", "checked": None}
    assert "Not a diagnostic device" in told["intended_use"]


def test_it_lives_before_it_can_score(start_service: StartService, tmp_path: Path) -> None:
    service = start_service(model=str(tmp_path), wait=False)
    assert service.get("/healthz").status_code == 200
    answer = service.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert service.get("/v1/model").status_code == 503


def test_metrics_count_without_naming_anything_that_came_in(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", [-200] * 3, PATIENT)
    (folder / "dulcinea.txt").write_text("no image")
    service.post_folder("/v1/scans", folder)
    service.get("/v1/jobs/rocinante")
    service.get("/rocinante")
    text = service.get("/metrics").text
    for line in (
        'medfake_requests_total{method="POST",route="/v1/scans",status="200"}',
        'medfake_scans_total{verdict="tampered"}',
        'medfake_skipped_files_total{reason="not-dicom"}',
        'medfake_jobs{state="running"}',
        'medfake_model_info{name="package bright"',
        'medfake_request_seconds_bucket{le="0.1",route="/v1/scans"}',
    ):
        assert line in text
    assert not [word for word in ("QUIXOTE", "dulcinea", "rocinante", "chest", "scan-", "patient-") if word in text]


def test_the_log_names_neither_patients_nor_files_nor_addresses(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "la-mancha", [-200] * 3, PATIENT)
    job = service.job_of(service.post_folder("/v1/jobs", folder, params={"sancho": "panza"}))
    service.wait_for(job)
    service.get(f"/v1/jobs/{job}/report")
    until(lambda: "GET /v1/jobs/{job_id}/report 200" in service.said())  # it is told after the answer
    said = service.said()
    assert f"job {job}" in said
    assert not [
        word for word in ("QUIXOTE", "la-mancha", ".dcm", "sancho", "127.0.0.1", "1.2.826", "2.25.") if word in said
    ]


def test_openapi_lists_every_route_with_its_answers(service: RunningService) -> None:
    described = service.get("/openapi.json").json()
    scan = "/v1/jobs/{job_id}/scans/{scan_id}/slices"
    assert set(described["paths"]) == {
        *("/v1/scans", "/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/report", scan),
        *(f"{scan}/{{index}}.png", f"{scan}/{{index}}/heat.png"),
        *("/v1/model", "/healthz", "/readyz", "/metrics", "/login", "/logout"),
    }
    post = described["paths"]["/v1/scans"]["post"]
    assert set(post["requestBody"]["content"]) == {
        "multipart/form-data", "multipart/related", "application/dicom", "application/zip",
    }  # fmt: skip
    assert {"200", "202", "413", "415", "507"} <= set(post["responses"])


def test_what_openapi_promises_is_what_comes(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    from medfake.serving.service.contract import JobAnswer, JobList, ModelAnswer, ReportAnswer

    report = service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3))
    job = service.post("/v1/jobs", files={"file": ("a", b"no image")})
    jobs, model = service.get("/v1/jobs"), service.get("/v1/model")
    for answer, shape in ((report, ReportAnswer), (job, JobAnswer), (jobs, JobList), (model, ModelAnswer)):
        assert shape.model_validate(answer.json()).model_dump(mode="json") == answer.json()


def test_no_page_asks_other_machines_for_anything(service: RunningService) -> None:
    assert service.get("/docs").status_code == 404
    assert service.get("/redoc").status_code == 404


@pytest.mark.parametrize("path", ["/v1/jobs", "/healthz", "/nothing"])
def test_every_answer_keeps_browsers_careful(path: str, service: RunningService) -> None:
    headers = service.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("PUT", "/v1/jobs", 405), ("GET", "/v1/jobs/x", 404), ("GET", "/v1/jobs?limit=0", 422),
    ("GET", "/v1/jobs?limit=x", 422), ("GET", "/v1/jobs?offset=-1", 422),
])  # fmt: skip
def test_every_error_has_one_shape(method: str, path: str, status: int, service: RunningService) -> None:
    answer = service.ask(method, path)
    assert answer.status_code == status
    assert set(json.loads(answer.text)["error"]) == {"what", "where", "received", "remedy"}
