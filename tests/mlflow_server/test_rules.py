"""Every rule on both sides of its boundary."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlflow_server.configured_service import Container, Kind, Service
from mlflow_server.rules.registry import RULES, Severity, judged

KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse battery"  # noqa: S105  # of no server
SAFE = {
    "MLFLOW_BACKEND_STORE_URI": "postgresql://mlflow@127.0.0.1/mlflow",
    "MLFLOW_ARTIFACTS_DESTINATION": "s3://medfake/mlflow",
    "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
    "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY,
}


def _team(**facts: object) -> Service:
    return Service(**{"where": "here", "kind": Kind.TEAM, "variables": SAFE, **facts})  # type: ignore[arg-type]


def _with(**variables: str) -> Service:
    return _team(variables=SAFE | variables)


def _container(**facts: object) -> Container:
    safe = {
        "image": "postgres:17.6", "published": (), "neighbours": frozenset({"store"}), "read_only": True, "root": False,
        "gains_privileges": False,
    }  # fmt: skip
    return Container(**{**safe, **facts})  # type: ignore[arg-type]


def _broken(service: Service) -> set[str]:
    return {one.rule for one in judged([service])}


def test_a_safe_server_breaks_no_rule() -> None:
    assert _broken(_team()) == set()
    assert _broken(_team(container=_container())) == {"secrets in files"}


@pytest.mark.parametrize(
    ("service", "rule"),
    [
        (_with(MLFLOW_AUTH_ADMIN_PASSWORD=""), "secrets are there"),
        (_with(MLFLOW_FLASK_SERVER_SECRET_KEY=""), "secrets are there"),
        (_with(MLFLOW_AUTH_ADMIN_PASSWORD="password1234"), "secrets are strong"),  # noqa: S106
        (_with(MLFLOW_AUTH_ADMIN_PASSWORD=PASSWORD[:11]), "secrets are strong"),
        (_with(MLFLOW_AUTH_ADMIN_PASSWORD="abababababababab"), "secrets are strong"),  # noqa: S106
        (_with(MLFLOW_AUTH_ADMIN_USERNAME=PASSWORD), "secrets are strong"),
        (_with(MLFLOW_FLASK_SERVER_SECRET_KEY=KEY[:31]), "secrets are strong"),
        (_with(MLFLOW_BACKEND_STORE_URI="postgresql://a:short@127.0.0.1/b"), "secrets are strong"),
        (_with(MLFLOW_BACKEND_STORE_URI="sqlite:///mlflow.db"), "PostgreSQL for a team"),
        (_with(MLFLOW_BACKEND_STORE_URI=""), "PostgreSQL for a team"),
        (_with(MLFLOW_ARTIFACTS_DESTINATION=""), "a place for files"),
        (_with(MLFLOW_SERVER_ALLOWED_HOSTS="*"), "known names alone"),
        (_with(MLFLOW_SERVER_ALLOWED_HOSTS="mlflow.example.org, *:*"), "known names alone"),
        (_team(host="0.0.0.0", tls=True), "known names alone"),  # noqa: S104
        (_team(host="0.0.0.0"), "passwords are encrypted on the way"),  # noqa: S104
        (_team(kind=Kind.LAPTOP, host="0.0.0.0"), "nobody gets in without a password"),  # noqa: S104
        (_team(kind=Kind.MLFLOW, host="0.0.0.0"), "nobody gets in without a password"),  # noqa: S104
        (_with(MLFLOW_S3_ENDPOINT_URL="http://store:8333"), "credentials go out encrypted"),
        (_with(MLFLOW_TRACKING_URI="http://mlflow.example.org"), "credentials go out encrypted"),
        (_with(MLFLOW_TRACKING_INSECURE_TLS="true"), "credentials go out encrypted"),
        (
            _with(MLFLOW_BACKEND_STORE_URI="postgresql://mlflow@db.example.org/mlflow"),
            "the database is reached encrypted",
        ),
        (_team(written=frozenset({"MLFLOW_AUTH_ADMIN_PASSWORD"})), "secrets are not kept with the project"),
        (_team(command=("--backend-store-uri", f"postgresql://a:{PASSWORD}@b/c")), "no secret on a command line"),
        (_team(command=("--admin-password=x",)), "no secret on a command line"),
        (_team(command=("--disable-security-middleware",)), "host names and origins are checked"),
        (_team(container=_container(published=("0.0.0.0:5000",))), "published on this machine alone"),
        (_team(container=_container(image="postgres")), "images are pinned"),
        (_team(container=_container(image="host:5000/postgres")), "images are pinned"),
        (_team(container=_container(image="postgres:latest")), "images are pinned"),
        (_team(container=_container(gains_privileges=True)), "no new privileges"),
        (_team(container=_container(root=True)), "not as root"),
        (_team(container=_container(read_only=False)), "files cannot be changed"),
    ],
)
def test_what_is_unsafe_is_found(service: Service, rule: str) -> None:
    assert rule in _broken(service)


@pytest.mark.parametrize(
    "service",
    [
        _with(MLFLOW_SERVER_ALLOWED_HOSTS="mlflow.example.org"),
        _with(MLFLOW_S3_ENDPOINT_URL="https://store.example.org", MLFLOW_TRACKING_URI="http://127.0.0.1:5000"),
        _with(MLFLOW_BACKEND_STORE_URI="postgresql://mlflow@db.example.org/mlflow?sslmode=verify-full"),
        _team(host="0.0.0.0", tls=True, variables=SAFE | {"MLFLOW_SERVER_ALLOWED_HOSTS": "a.example"}),  # noqa: S104
        _team(host="0.0.0.0", behind_proxy=True, variables=SAFE | {"MLFLOW_SERVER_ALLOWED_HOSTS": "a"}),  # noqa: S104
        _team(command=("python", "-m", "mlflow_server", "team", "--tls-key", "key.pem")),
        _team(written=frozenset({"MLFLOW_ARTIFACTS_DESTINATION", "PGPASSWORD_FILE"})),
    ],
)
def test_what_is_safe_is_left_alone(service: Service) -> None:
    assert _broken(service) == set()


def test_a_neighbour_in_the_compose_file_is_reached_without_leaving_the_machine() -> None:
    variables = {"MLFLOW_S3_ENDPOINT_URL": "http://store:8333"}
    assert _broken(Service("here", Kind.OTHER, variables, container=_container())) == set()
    assert _broken(Service("here", Kind.OTHER, variables)) == {"credentials go out encrypted"}


def test_a_file_that_others_can_read_is_found(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    variables = {name: value for name, value in SAFE.items() if "SECRET_KEY" not in name}
    service = _team(
        variables=variables | {"MLFLOW_FLASK_SERVER_SECRET_KEY_FILE": str(path)},
        secret_files={"MLFLOW_FLASK_SERVER_SECRET_KEY": path},
    )
    for mode, broken in ((0o600, set()), (0o400, set()), (0o640, {"secret files are private"})):
        path.chmod(mode)
        assert _broken(service) == broken


@pytest.fixture
def stock(tmp_path: Path) -> Callable[..., Service]:
    """MLflow's own server with its users, on this machine."""

    def make(permission: str = "NO_PERMISSIONS", **variables: str) -> Service:
        settings = tmp_path / "users.ini"
        settings.write_text(f"[mlflow]\ndefault_permission = {permission}\n")
        told = {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_DISABLE_TELEMETRY": "true", **variables}
        return Service("here", Kind.MLFLOW, told, ("mlflow", "server", "--app-name", "basic-auth"))

    return make


def test_services_beside_tracking_are_found_at_mlflows_own_server(stock: Callable[..., Service]) -> None:
    assert _broken(stock()) == set()
    assert _broken(stock(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="true")) == {"other services are off"}
    assert _broken(stock(MLFLOW_ENABLE_REMOTE_ASSISTANT="1")) == {"other services are off"}
    assert _broken(stock(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="true")) == {"pickle is off"}
    assert _broken(stock(MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE="true")) == {"host names and origins are checked"}
    assert _broken(stock(MLFLOW_SERVER_CORS_ALLOWED_ORIGINS="*")) == {"no page of other sites"}
    assert _broken(stock(MLFLOW_DISABLE_TELEMETRY="false")) == {"nothing is told to others"}


def test_permissions_that_nobody_granted_are_found(stock: Callable[..., Service], tmp_path: Path) -> None:
    assert _broken(stock("READ")) == {"nobody may do what was not granted"}
    assert _broken(stock(MLFLOW_AUTH_CONFIG_PATH=str(tmp_path / "none"))) == {"nobody may do what was not granted"}


def test_no_finding_tells_a_secret() -> None:
    secret = "hunter2hunter"  # noqa: S105  # short enough to be found
    service = _team(
        variables={
            **SAFE, "MLFLOW_AUTH_ADMIN_PASSWORD": secret[:8], "MLFLOW_FLASK_SERVER_SECRET_KEY": secret,
            "MLFLOW_BACKEND_STORE_URI": f"sqlite://a:{secret[:8]}@b",
        },
        command=(f"--password={secret}", f"http://a:{secret}@b"), written=frozenset({"MLFLOW_FLASK_SERVER_SECRET_KEY"}),
    )  # fmt: skip
    findings = judged([service])
    assert len(findings) >= 6
    assert not [one for one in findings if "hunter2" in one.found + one.remedy + one.where]


def test_what_is_unsafe_is_told_first() -> None:
    service = _team(container=_container(root=True, gains_privileges=True))
    severities = [one.severity for one in judged([service])]
    assert severities[0] is Severity.UNSAFE
    assert severities == sorted(severities, key=lambda one: one is not Severity.UNSAFE)


def test_every_rule_has_a_remedy() -> None:
    assert len(RULES) >= 20
    assert all(rule.remedy for rule in RULES.values())
