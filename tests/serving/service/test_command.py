"""`medfake serve` as it is typed."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.fixtures.services import PATIENCE_S, PROJECT, StartService

WriteScan = Callable[..., Path]
TOKEN = "t" * 40


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "medfake.cli.root", "serve", *arguments]


def _environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), **variables}


@pytest.fixture
def serve(tmp_path: Path, served_package: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], list[str]]]]:
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **variables: str) -> tuple[subprocess.Popen[str], list[str]]:
        """The process, and the two lines that it says when it listens."""
        process = subprocess.Popen(
            _command("--port", "0", "--model", str(served_package), *arguments), cwd=tmp_path, text=True,
            env=_environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        return process, [process.stdout.readline() for _ in range(2)]

    yield begin
    for one in started:
        one.kill()


def test_it_says_where_it_listens_and_what_to_do_next_and_ends_without_a_complaint(
    serve: Callable[..., tuple[subprocess.Popen[str], list[str]]], tmp_path: Path
) -> None:
    process, said = serve("--data", "kept")
    found = re.fullmatch(r"medfake serves at (http://127\.0\.0\.1:\d+) \(research use only.*\)\n", said[0])
    assert found is not None
    assert said[1].startswith(f"next: open {found[1]}")
    assert requests.get(f"{found[1]}/healthz", timeout=PATIENCE_S).json()["status"] == "ok"
    assert "Was this chest CT tampered with?" in requests.get(found[1], timeout=PATIENCE_S).text
    assert sorted(path.name for path in (tmp_path / "kept").iterdir() if path.is_dir()) == [
        "incoming",
        "jobs",
        "models",
    ]
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


def test_tokens_come_from_the_environment(serve: Callable[..., tuple[subprocess.Popen[str], list[str]]]) -> None:
    _, said = serve(MEDFAKE_TOKENS=f"me={TOKEN}")
    address = said[0].split()[3]
    assert requests.get(f"{address}/v1/jobs", timeout=PATIENCE_S).status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert requests.get(f"{address}/v1/jobs", headers=headers, timeout=PATIENCE_S).status_code == 200


@pytest.mark.parametrize(("arguments", "variables", "says"), [
    (["--host", "0.0.0.0"], {}, "answers none without a token"),  # noqa: S104
    (["--host", "0.0.0.0"], {"MEDFAKE_TOKENS": f"me={TOKEN}"}, "travel encrypted"),  # noqa: S104
    ([], {"MEDFAKE_TOKENS": "me=short"}, "at least 32 characters"),
    ([], {"MEDFAKE_TOKENS_FILE": "/nowhere"}, "the file of tokens cannot be read"),
    (["--database", "mysql://x"], {}, "SQLite or PostgreSQL"),
    (["--database", "postgresql://me:p@ss:word@[host/x"], {}, "no address of a PostgreSQL database"),
    (["--behind-proxy"], {}, "answers none without a token"),
    ([], {"MEDFAKE_TOKENS": " \n"}, "there is no token"),
    (["--host", "192.0.2.1", "--behind-proxy"], {"MEDFAKE_TOKENS": f"me={TOKEN}"}, "cannot listen there"),
])  # fmt: skip
def test_what_is_unsafe_or_impossible_is_refused_with_what_to_type(
    arguments: list[str], variables: dict[str, str], says: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        _command(*arguments), cwd=tmp_path, env=_environment(**variables), capture_output=True, text=True
    )
    assert done.returncode == 3
    assert says in done.stderr
    assert "  next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "p@ss" not in done.stderr


def test_data_in_the_place_of_a_file_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    done = subprocess.run(_command("--data", "taken"), cwd=tmp_path, env=_environment(), capture_output=True, text=True)
    assert done.returncode == 10
    assert "a file is where a folder should be" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_key_of_another_certificate_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _certificate(tmp_path / "other")
    for key in (tmp_path / "other" / "key.pem", certificate):
        command = _command("--tls-cert", str(certificate), "--tls-key", str(key))
        done = subprocess.run(command, cwd=tmp_path, env=_environment(), capture_output=True, text=True)
        assert done.returncode == 3
        assert "TLS cannot begin with this certificate and key" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = _command("--port", port)
        done = subprocess.run(command, cwd=tmp_path, env=_environment(), capture_output=True, text=True)
    assert done.returncode == 3
    assert f"127.0.0.1 port {port}" in done.stderr


def test_over_tls_the_cookie_is_for_tls_alone(start_service: StartService, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    service = start_service(
        tls_cert=str(certificate), tls_key=str(tmp_path / "key.pem"), tokens=f"me={TOKEN}", wait=False
    )
    answer = service.post("/login", json={"token": TOKEN}, verify=str(certificate))
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{service.port}/healthz", timeout=PATIENCE_S)


def test_behind_a_proxy_its_name_counts_as_the_services_own(start_service: StartService) -> None:
    service = start_service(behind_proxy=True, tokens=f"me={TOKEN}", wait=False)

    def delete(origin: str) -> int:
        cookies = service.post("/login", json={"token": TOKEN}).cookies["medfake_session"]
        headers = {"X-Forwarded-Host": "scans.example", "Origin": origin, "Cookie": f"medfake_session={cookies}"}
        return service.ask("DELETE", "/v1/jobs/x", headers=headers).status_code

    assert delete("https://scans.example") == 404
    assert delete("https://evil.example") == 403


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A real import that fails: a module of that name that raises stands first in the way."""
    (tmp_path / "fastapi.py").write_text("raise ImportError('none', name='fastapi')\n")
    environment = _environment(PYTHONPATH=f"{tmp_path}:{PROJECT}")
    done = subprocess.run(_command(), cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 3
    assert 'pip install "medfake[serve]"' in done.stderr


def _certificate(folder: Path) -> Path:
    """A certificate of this machine's loopback address, signed by itself, beside its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "medfake")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1)).add_extension(here, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem"
