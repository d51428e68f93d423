"""`python -m mlflow_server team | check | secrets` as somebody types them."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fixtures.postgres import PostgresServer
from tests.fixtures.team import as_composed

PROJECT = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdef0123456789abcdef"
SAFE = {
    "MLFLOW_BACKEND_STORE_URI": "postgresql://mlflow@127.0.0.1/mlflow",
    "MLFLOW_ARTIFACTS_DESTINATION": "files",
    "MLFLOW_AUTH_ADMIN_PASSWORD": "correct horse battery",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY,
}


def _type(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AWS_", "PG"))}
    environment = {**kept, "PYTHONPATH": str(PROJECT), **(variables or {})}
    return subprocess.run(
        [sys.executable, "-m", "mlflow_server", *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_a_safe_environment_passes_and_says_what_is_next(tmp_path: Path) -> None:
    done = _type(tmp_path, "check", variables=SAFE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "nothing unsafe\nnext: python -m mlflow_server team\n"


def test_an_unsafe_environment_ends_with_an_error_and_what_to_do(tmp_path: Path) -> None:
    done = _type(tmp_path, "check", variables=SAFE | {"MLFLOW_AUTH_ADMIN_PASSWORD": "password1234"})
    assert done.returncode == 3
    assert "MLFLOW_AUTH_ADMIN_PASSWORD is a password that everybody knows" in done.stdout
    assert "one setting is unsafe" in done.stderr
    assert "password1234" not in done.stdout + done.stderr


def test_findings_come_as_json(tmp_path: Path) -> None:
    path = tmp_path / "team.env"
    path.write_text("MLFLOW_HOST=0.0.0.0\n")
    path.chmod(0o644)
    done = _type(tmp_path, "check", str(path), "--json", "-")
    findings = json.loads(done.stdout)
    assert done.returncode == 3
    assert {"secret files are private", "secrets are there"} <= {one["rule"] for one in findings}
    assert {one["severity"] for one in findings} == {"unsafe"}


@pytest.mark.parametrize(
    ("changed", "words", "told"),
    [
        ({"MLFLOW_AUTH_ADMIN_PASSWORD": ""}, (), "MLFLOW_AUTH_ADMIN_PASSWORD is empty"),
        ({"MLFLOW_AUTH_ADMIN_PASSWORD": "password1234"}, (), "everybody knows"),
        ({"MLFLOW_FLASK_SERVER_SECRET_KEY": KEY[1:]}, (), "fewer than 32"),
        ({"MLFLOW_BACKEND_STORE_URI": "sqlite:///mlflow.db"}, (), "MLFLOW_BACKEND_STORE_URI is sqlite"),
        ({"MLFLOW_SERVER_ALLOWED_HOSTS": "*"}, (), "lets every name in"),
        ({}, ("--host", "0.0.0.0"), "without TLS"),  # noqa: S104  # refused is what is tested
        ({}, ("--host", "0.0.0.0", "--behind-proxy"), "MLFLOW_SERVER_ALLOWED_HOSTS is not set"),  # noqa: S104
    ],
)  # fmt: skip
def test_a_team_server_does_not_start_unsafe(
    tmp_path: Path, changed: dict[str, str], words: tuple[str, ...], told: str
) -> None:
    done = _type(tmp_path, "team", *words, variables=SAFE | changed)
    assert done.returncode == 3, done.stderr
    assert told in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_secret_that_is_not_there_is_told_by_its_file(tmp_path: Path) -> None:
    variables = {**SAFE, "MLFLOW_AUTH_ADMIN_PASSWORD": "", "MLFLOW_AUTH_ADMIN_PASSWORD_FILE": str(tmp_path / "none")}
    del variables["MLFLOW_AUTH_ADMIN_PASSWORD"]
    done = _type(tmp_path, "team", variables=variables)
    assert done.returncode == 3
    assert f"MLFLOW_AUTH_ADMIN_PASSWORD_FILE={tmp_path}/none" in done.stderr


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    address = "postgresql://mlflow:correct-horse-battery@127.0.0.1:1/mlflow"
    done = _type(tmp_path, "team", "--port", "5999", variables=SAFE | {"MLFLOW_BACKEND_STORE_URI": address})
    assert done.returncode == 10, done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "correct-horse" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_certificate_comes_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    done = _type(tmp_path, "team", "--tls-cert", "cert.pem", variables=SAFE)
    assert (done.returncode, "go together" in done.stderr) == (2, True)


def test_an_option_before_the_command_is_not_silently_left_out(tmp_path: Path) -> None:
    done = _type(tmp_path, "--port", "5001", "team", variables=SAFE)
    assert (done.returncode, "goes behind the name of the command" in done.stderr) == (2, True)


def test_a_key_that_is_none_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    done = _type(tmp_path, "team", "--tls-cert", "cert.pem", "--tls-key", "key.pem", variables=SAFE)
    assert done.returncode == 3
    assert "TLS cannot begin with this certificate and key" in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_made_and_the_next_command_is_told(tmp_path: Path) -> None:
    done = _type(tmp_path, "secrets", "own")
    assert done.returncode == 0
    assert f"next: export MEDFAKE_SECRETS={tmp_path}/own" in done.stderr
    assert not [path for path in (tmp_path / "own").iterdir() if path.read_text().strip() in done.stderr]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate")
def test_a_certificate_of_its_own_encrypts_what_goes_over_the_network(
    tmp_path: Path, postgres_server: PostgresServer, object_store: str
) -> None:
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem")
    subprocess.run(["openssl", *made, *names], cwd=tmp_path, check=True, capture_output=True)
    command, environment = as_composed(tmp_path / "secrets", postgres_server, object_store)
    command[command.index("--behind-proxy") :] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    port = command[command.index("--port") + 1]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == f"MLflow for a team on https://127.0.0.1:{port}, Ctrl-C ends it\n"
        context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        assert _get(f"https://localhost:{port}/health", context) == "OK"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def _get(address: str, context: ssl.SSLContext) -> str:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10, context=context) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
