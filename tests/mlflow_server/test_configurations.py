from pathlib import Path

import pytest

from medfake.errors import ConfigError
from mlflow_server.configurations import read_configuration
from mlflow_server.configured_service import Kind, Service

COMPOSE = """
services:
  tracking:
    image: medfake:1
    command: python -m mlflow_server team --host=0.0.0.0 --tls-cert a.pem --tls-key b.pem
    environment:
      - MLFLOW_BACKEND_STORE_URI=postgresql://mlflow@db/mlflow
      - MLFLOW_FLASK_SERVER_SECRET_KEY=${TEST_KEY:?no key}
      - MLFLOW_AUTH_ADMIN_PASSWORD=${TEST_PASSWORD:-password1234}
      - PGPASSWORD_FILE=/run/secrets/db
    secrets: [db, {source: other, target: /somewhere}]
    ports: ["5000:5000", "127.0.0.1:5001:5000", {target: 5000, published: 5002}]
  db:
    image: postgres:17.6
    user: "999"
    read_only: true
    security_opt: ["no-new-privileges:true"]
  plain:
    build: .
    command: ["mlflow", "server", "--app-name", "basic-auth"]
    privileged: true
    security_opt: ["no-new-privileges:true"]
secrets:
  db: {file: secrets/db}
  other: {file: secrets/other}
"""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Service]:
    """Of the compose file above."""
    monkeypatch.setenv("TEST_KEY", "from outside")
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/db").write_text("of the database\n")
    found = read_configuration(tmp_path / "compose.yaml")
    return {one.where.split()[0]: one for one in found}


def test_a_command_says_what_a_service_is(services: dict[str, Service]) -> None:
    assert {name: one.kind for name, one in services.items()} == {
        "tracking": Kind.TEAM, "db": Kind.OTHER, "plain": Kind.MLFLOW
    }  # fmt: skip
    tracking = services["tracking"]
    assert (tracking.host, tracking.tls, tracking.behind_proxy) == ("0.0.0.0", True, False)  # noqa: S104
    assert not services["plain"].tls


def test_variables_are_filled_in_as_compose_does(services: dict[str, Service]) -> None:
    variables = services["tracking"].variables
    assert variables["MLFLOW_FLASK_SERVER_SECRET_KEY"] == "from outside"  # noqa: S105
    assert variables["MLFLOW_AUTH_ADMIN_PASSWORD"] == "password1234"  # noqa: S105


def test_what_stands_in_the_file_is_told_from_what_comes_from_outside(services: dict[str, Service]) -> None:
    assert services["tracking"].written == {
        "MLFLOW_BACKEND_STORE_URI", "MLFLOW_AUTH_ADMIN_PASSWORD", "PGPASSWORD_FILE"
    }  # fmt: skip


def test_secrets_are_found_on_this_machine(services: dict[str, Service], tmp_path: Path) -> None:
    tracking = services["tracking"]
    assert tracking.secret_files == {"PGPASSWORD": tmp_path / "secrets/db"}
    assert tracking.value("PGPASSWORD") == "of the database"
    assert set(tracking.private_files) == {tmp_path / "secrets/db", tmp_path / "secrets/other"}


def test_ports_without_an_address_are_everybodys(services: dict[str, Service]) -> None:
    container = services["tracking"].container
    assert container is not None
    assert container.published == ("0.0.0.0:5000", "127.0.0.1:5001", "0.0.0.0:5002")
    assert services["tracking"].listens_beyond
    assert not services["db"].listens_beyond


def test_the_box_around_a_service_is_read(services: dict[str, Service]) -> None:
    boxes = {name: one.container for name, one in services.items() if one.container}
    assert {name: (box.root, box.read_only, box.gains_privileges) for name, box in boxes.items()} == {
        "tracking": (True, False, True), "db": (False, True, False), "plain": (True, False, True)
    }  # fmt: skip
    assert {name: box.image for name, box in boxes.items()}["plain"] is None
    assert boxes["db"].neighbours == {"tracking", "plain"}


def test_lines_of_names_and_values_are_a_teams_server(tmp_path: Path) -> None:
    path = tmp_path / "team.env"
    path.write_text("# a comment\n\nexport MLFLOW_HOST=0.0.0.0\nMLFLOW_SERVER_ALLOWED_HOSTS='a.example'\n")
    (service,) = read_configuration(path)
    assert (service.kind, service.host) == (Kind.TEAM, "0.0.0.0")  # noqa: S104
    assert service.variables["MLFLOW_SERVER_ALLOWED_HOSTS"] == "a.example"
    assert service.private_files == (path,)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("none.yaml", None, "no such file"),
        ("list.yaml", "- a\n", "has services"),
        ("other.yaml", "a: 1\n", "has services"),
        ("team.env", "MLFLOW_HOST: a\n", "NAME=VALUE"),
    ],
)
def test_what_is_no_configuration_is_one_clear_error(tmp_path: Path, name: str, text: str | None, what: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=what):
        read_configuration(tmp_path / name)


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize("text", [
    "services: {a: 5}",
    "services: {a: {environment: 5, secrets: 5}}",
    "services: {a: {ports: {x: [y]}, command: {x: y}, user: [1]}}",
    "services: {a: {command: 'mlflow \"server'}}",
    "services: {a: {secrets: [{target: b}]}}",
    "services: {}\nsecrets: [a]",
    f"a0: &a0 [lol]\n{BOMB}services: {{a: {{environment: {{X: *a11}}}}}}",
    f"a0: &a0 [lol]\n{BOMB}services: {{a: {{command: *a11}}}}",
])  # fmt: skip
def test_what_has_another_shape_than_a_compose_file_is_one_clear_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(ConfigError, match="not what a compose file has there") as caught:
        read_configuration(tmp_path / "compose.yaml")
    assert caught.value.remedy == "docker compose config says what is wrong"


def test_lists_in_lists_without_end_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("[" * 20_000)
    with pytest.raises(ConfigError, match="lists in lists without end"):
        read_configuration(tmp_path / "compose.yaml")
