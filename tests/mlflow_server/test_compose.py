"""compose.yaml and Dockerfile say nothing that is not so."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from medfake.cli.root import cli as medfake
from mlflow_server.__main__ import main as mlflow_server
from mlflow_server.configurations import read_configuration
from mlflow_server.door import is_open
from mlflow_server.new_secrets import new_secrets, write_secrets
from mlflow_server.rules.registry import judged
from mlflow_server.sign_in import HEALTH

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "compose.yaml"
NAMES = {"MEDFAKE_USER": "1000:1000", "MEDFAKE_HOST": "mlflow.example.org", "MEDFAKE_FILES": "/srv/files"}
READ_BY_OTHERS = {  # MLflow, boto3, PostgreSQL's own image
    "AWS_DEFAULT_REGION", "AWS_SHARED_CREDENTIALS_FILE", "MLFLOW_S3_ENDPOINT_URL", "POSTGRES_DB",
    "POSTGRES_INITDB_ARGS", "POSTGRES_PASSWORD_FILE", "POSTGRES_USER",
}  # fmt: skip


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file, its anchors followed."""
    return dict(YAML(typ="safe").load(COMPOSE))


def _services(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


def test_its_own_check_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_secrets(tmp_path / "secrets")
    for name, value in (NAMES | {"MEDFAKE_SECRETS": str(tmp_path / "secrets")}).items():
        monkeypatch.setenv(name, value)
    services = read_configuration(COMPOSE)
    assert len(services) == 4
    assert judged(services) == []
    assert all(path.exists() for service in services for path in service.private_files)


def test_it_holds_no_secret_and_no_default_of_one() -> None:
    text = COMPOSE.read_text()
    assert not re.findall(r"\$\{\w+:?-", text)
    assert set(re.findall(r"\$\{(\w+)", text)) == {*NAMES, "MEDFAKE_SECRETS"}
    for name in re.findall(r"^\s+([A-Z_]*(?:PASSWORD|SECRET|TOKEN|KEY)[A-Z_]*): (.*)$", text, re.MULTILINE):
        assert name[0].endswith("_FILE"), name
        assert name[1].startswith("/run/secrets/"), name


def test_every_secret_is_one_that_the_command_makes_and_a_service_mounts(compose: dict[str, Any]) -> None:
    files = {name: one["file"].rpartition("/")[2] for name, one in compose["secrets"].items()}
    assert files == {name: name for name in new_secrets()}
    mounted = [
        one["source"] if isinstance(one, dict) else one
        for service in _services(compose).values() for one in service["secrets"]
    ]  # fmt: skip
    assert set(mounted) == set(files)
    for name, service in _services(compose).items():
        own = {one for one in service["secrets"] if isinstance(one, str)}
        named = set(re.findall(r"/run/secrets/(\w+)", str(service.get("environment")) + str(service["command"])
                               if "command" in service else str(service["environment"])))  # fmt: skip
        assert named == own, name


@pytest.mark.parametrize(("service", "program"), [("mlflow", mlflow_server), ("medfake", medfake)])
def test_our_commands_take_what_is_typed(compose: dict[str, Any], service: str, program: click.Group) -> None:
    words = _services(compose)[service]["command"]
    arguments = words[3:] if words[:3] == ["python", "-m", "mlflow_server"] else words[1:]
    assert arguments[0] in program.commands, arguments
    command = program.commands[arguments[0]]
    with command.make_context(arguments[0], list(arguments[1:])) as context:
        assert context.params["host"] == "0.0.0.0"  # noqa: S104  # of the container
        assert context.params["behind_proxy"] is True
        assert any(f":{context.params['port']}" in port for port in _services(compose)[service]["ports"])


def test_every_variable_is_read_by_somebody(compose: dict[str, Any]) -> None:
    code = "".join(path.read_text() for room in ("medfake", "mlflow_server") for path in (PROJECT / room).rglob("*.py"))
    named = {name for service in _services(compose).values() for name in service.get("environment", {})}
    ours = named - READ_BY_OTHERS
    assert {name for name in ours if name not in code and f'"{name.removesuffix("_FILE")}"' not in code} == set()


def test_only_ports_of_this_machine_are_published_and_none_of_the_stores(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports", []) for name, service in _services(compose).items()}
    assert ports.pop("postgres") == ports.pop("store") == []
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    networks = compose["networks"]
    for name in ("postgres", "store"):
        assert all(networks[one]["internal"] for one in _services(compose)[name]["networks"])
    assert "databases" not in _services(compose)["medfake"]["networks"]
    assert "files" not in _services(compose)["medfake"]["networks"]


def test_health_is_asked_where_there_is_an_answer(compose: dict[str, Any]) -> None:
    asked = {
        name: re.search(r"127\.0\.0\.1:(\d+)(/\w+)", " ".join(service["healthcheck"]["test"]))
        for name, service in _services(compose).items()
    }
    assert asked["mlflow"] is not None
    assert asked["mlflow"].groups() == ("5000", HEALTH)
    assert is_open(HEALTH, team=True)
    assert asked["medfake"] is not None
    assert asked["medfake"].groups() == ("8000", "/healthz")
    for service in _services(compose).values():
        for other, wanted in (service.get("depends_on") or {}).items():
            assert wanted == {"condition": "service_healthy"}
            assert "healthcheck" in _services(compose)[other]


def test_images_are_pinned_and_boxes_shut(compose: dict[str, Any]) -> None:
    for name, service in _services(compose).items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].startswith("${MEDFAKE_USER:?"), name


def test_volumes_are_declared_and_the_services_write_where_one_is(compose: dict[str, Any]) -> None:
    mounted = {
        name: [one["target"] if isinstance(one, dict) else one.partition(":")[2] for one in service.get("volumes", [])]
        for name, service in _services(compose).items()
    }
    named = {one.partition(":")[0] for service in _services(compose).values() for one in service.get("volumes", [])
             if isinstance(one, str)}  # fmt: skip
    assert named == set(compose["volumes"])
    command = _services(compose)["medfake"]["command"]
    assert mounted["medfake"] == [command[command.index("--data") + 1]]


def _steps() -> list[tuple[str, str]]:
    text = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_built_from_hashes_and_runs_as_nobody_in_particular() -> None:
    steps = _steps()
    pinned = re.compile(r"python:3\.1[1-3]\.\d+-slim-bookworm( AS build)?")
    assert all(pinned.fullmatch(rest) for word, rest in steps if word == "FROM")
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps --no-build-isolation" in rest for rest in installs)
    assert [rest for word, rest in steps if word == "USER"] == ["10001:10001"]
    assert [word for word, _ in steps].index("USER") < len(steps) - 1


def test_what_the_image_copies_is_there_and_let_through() -> None:
    copies = [rest for word, rest in _steps() if word == "COPY" and "--from" not in rest]
    copied = [source for rest in copies for source in shlex.split(rest)[:-1]]
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert all((PROJECT / source).exists() for source in copied)


def test_the_servers_lock_is_the_lock_without_what_only_developers_need() -> None:
    whole, server = (_locked(PROJECT / name) for name in ("requirements.lock", "requirements-server.lock"))
    assert {name: whole.get(name) for name in server} == server
    assert {"fastapi", "boto3", "flask-wtf", "psycopg", "setuptools"} <= {line.partition("==")[0] for line in server}
    assert not {"pytest", "moto", "mypy", "tf-keras"} & {line.partition("==")[0] for line in server}


def _locked(path: Path) -> dict[str, frozenset[str]]:
    """Hashes by pinned requirement, whatever marker it has."""
    found: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=\S)", path.read_text()):
        name = block.split()[0] if block.split() else ""
        if "==" in name:
            found[name] = frozenset(re.findall(r"sha256:\w+", block))
    return found
