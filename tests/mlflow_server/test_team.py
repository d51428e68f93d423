"""A team's server, asked over HTTP by nobody, by users and by its administrator."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mlflow_server.door import is_open
from tests.fixtures.team import Caller, Team

pytestmark = pytest.mark.slow(minutes=2)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LIST_ROUTES = """
import json, sys
from mlflow_server.team import TeamServer, team_application
server = TeamServer(sys.argv[1], "/nowhere", [], "admin", "of-no-consequence-1", "k" * 32)
team_application(server)
from mlflow.server import app, auth
from fastapi.routing import iter_route_contexts
native = {context.path for context in iter_route_contexts(auth.create_fastapi_app(app).routes) if context.path}
print(json.dumps(sorted(native | {str(rule) for rule in app.url_map.iter_rules()})))
"""
FILES = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def paths(team: Team) -> list[str]:
    """Every route of the authentication's Flask application and of FastAPI around it, its variables filled in."""
    address = team.environment["MLFLOW_BACKEND_STORE_URI"].replace("postgresql:", "postgresql+psycopg:")
    password = Path(team.environment["PGPASSWORD_FILE"]).read_text().strip()
    done = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES, address], env={**team.environment, "PGPASSWORD": password},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    routes = json.loads(done.stdout.splitlines()[-1])
    return sorted({re.sub(r"<[^>]*>|\{[^}]*\}", "1", route) for route in routes})


def _statuses(caller: Caller, calls: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(calls, pool.map(lambda call: caller.ask(*call).status, calls), strict=True))


def test_an_anonymous_client_is_refused_on_every_route_but_health(team: Team, paths: list[str]) -> None:
    assert len(paths) > 300
    assert {"/", "/graphql", "/signup", "/version", f"{FILES}/1", "/ajax-api/3.0/mlflow/server-info"} <= set(paths)
    calls = [(method, path) for path in paths for method in METHODS]
    answered = {call: status for call, status in _statuses(team.nobody, calls).items() if status != 401}
    assert answered == {("GET", "/health"): 200, ("HEAD", "/health"): 200}


def test_a_name_that_nobody_has_is_refused_on_every_route(team: Team, paths: list[str]) -> None:
    stranger = Caller(team.port, "stranger", team.admin.password)
    calls = [(method, path) for path in paths if path != "/health" for method in ("GET", "POST")]
    assert set(_statuses(stranger, calls).values()) == {401}


def test_a_wrong_password_is_refused_on_every_route(team: Team, paths: list[str]) -> None:
    guess = Caller(team.port, "admin", "password1234")
    calls = [("GET", path) for path in paths if path != "/health"]
    assert set(_statuses(guess, calls).values()) == {401}


def test_services_that_are_no_tracking_are_shut_for_the_administrator_too(team: Team, paths: list[str]) -> None:
    calls = [(method, path) for path in paths if not is_open(path, team=True) for method in ("GET", "POST")]
    assert len(calls) > 300
    assert set(_statuses(team.admin, calls).values()) == {403}


def test_the_open_routes_are_those_of_tracking_registry_files_and_users(paths: list[str]) -> None:
    opened = {path for path in paths if is_open(path, team=True)}
    services = {path.split("/")[4] for path in opened if re.match(r"/(ajax-)?api/\d\.\d/mlflow/", path)}
    assert services == {
        "artifacts", "experiments", "logged-models", "metrics", "model-versions", "registered-models", "roles", "runs",
        "server-info", "users",
    }  # fmt: skip
    rest = {path for path in opened if not re.match(r"/(ajax-)?api/", path)}
    assert rest == {
        "/", "/get-artifact", "/graphql", "/health", "/model-versions/get-artifact", "/static-files/1", "/version"
    }  # fmt: skip
    assert f"{FILES}/1" in opened
    assert not {path for path in opened if "/mpu/" in path or "presigned" in path}


@pytest.fixture
def kept(team: Team) -> tuple[Caller, str]:
    """A user with an experiment that has a file."""
    user = team.new_user("owner")
    made = user.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": f"of {user.name}"})
    number = made.json["experiment_id"]
    assert user.ask("PUT", f"{FILES}/{number}/note.txt", b"kept").status == 200
    return user, number


def test_a_user_who_was_granted_nothing_sees_nothing(team: Team, kept: tuple[Caller, str]) -> None:
    _, number = kept
    other = team.new_user("other")
    assert other.ask("GET", "/api/2.0/mlflow/experiments/search?max_results=100").json == {}
    assert other.ask("GET", f"/api/2.0/mlflow/experiments/get?experiment_id={number}").status == 403
    run = {"experiment_id": number}
    assert other.ask("POST", "/api/2.0/mlflow/runs/create", run).status == 403
    query = {"query": f'{{mlflowGetExperiment(input:{{experimentId:"{number}"}}){{experiment{{name}}}}}}'}
    assert other.ask("POST", "/graphql", query).json["data"]["mlflowGetExperiment"] is None


MARK = "only-the-owner-knows"


@pytest.fixture
def marked(team: Team) -> tuple[Caller, dict[str, str]]:
    """A user all of whose things have the mark in them, and every id that leads to them."""
    user = team.new_user("owner")
    experiment = user.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": f"{MARK} {user.name}"})
    number = experiment.json["experiment_id"]
    run = user.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": number, "run_name": MARK})
    run_id = run.json["run"]["info"]["run_id"]
    user.ask("POST", "/api/2.0/mlflow/runs/log-parameter", {"run_id": run_id, "key": MARK, "value": MARK})
    user.ask("POST", "/api/2.0/mlflow/runs/log-metric", {"run_id": run_id, "key": MARK, "value": 1, "timestamp": 1})
    user.ask("PUT", f"{FILES}/{number}/{run_id}/artifacts/{MARK}", MARK.encode())
    name = f"{MARK} {user.name}"
    user.ask("POST", "/api/2.0/mlflow/registered-models/create", {"name": name, "description": MARK})
    version = {"name": name, "source": f"runs:/{run_id}/{MARK}", "run_id": run_id, "description": MARK}
    assert user.ask("POST", "/api/2.0/mlflow/model-versions/create", version).status == 200
    ids = {"experiment_id": number, "run_id": run_id, "run_uuid": run_id, "name": name, "version": "1", "path": MARK}
    return user, ids | {"metric_key": MARK, "experiment_name": f"{MARK} {user.name}", "username": user.name}


def _told(caller: Caller, path: str, ids: dict[str, str]) -> set[tuple[str, str]]:
    """Methods by which a path tells the mark, which the caller had not said."""
    query = urlencode({**ids, "run_ids": ids["run_id"], "experiment_ids": ids["experiment_id"], "max_results": "50"})
    body = {**ids, "run_ids": [ids["run_id"]], "experiment_ids": [ids["experiment_id"]], "max_results": 50}
    answers = {"GET": caller.ask("GET", f"{path}?{query}"), "POST": caller.ask("POST", path, body)}
    return {(method, path) for method, answer in answers.items() if answer.status == 200 and MARK in str(answer.body)}


def test_no_open_route_tells_a_stranger_what_is_anothers(
    team: Team, paths: list[str], marked: tuple[Caller, dict[str, str]]
) -> None:
    owner, ids = marked
    number, run_id = ids["experiment_id"], ids["run_id"]
    opened = [path for path in paths if is_open(path, team=True)]
    opened += [f"{FILES}/{number}/{run_id}/artifacts/{MARK}", f"{FILES}/{number}/{run_id}/artifacts"]
    stranger = team.new_user("stranger")
    assert set().union(*(_told(stranger, path, ids) for path in opened)) == set()
    known = set().union(*(_told(owner, path, ids) for path in opened))  # and the stranger has deleted nothing
    assert len(known) > 15
    assert {path.rpartition("/")[2] for _, path in known} >= {"get-artifact", "search", "get", "get-by-name", "list"}


def test_files_are_for_those_who_may_read_the_experiment(team: Team, kept: tuple[Caller, str]) -> None:
    owner, number = kept
    other, reader = team.new_user("other"), team.new_user("reader")
    team.grant(reader, "READ", "experiment", number)
    asked = {caller.name: caller.ask("GET", f"{FILES}/{number}/note.txt").status for caller in (owner, reader, other)}
    assert asked == {owner.name: 200, reader.name: 200, other.name: 403}
    listed = {caller.name: caller.ask("GET", f"{FILES}?path={number}").status for caller in (owner, reader, other)}
    assert listed == asked


def test_who_may_read_may_not_write(team: Team, kept: tuple[Caller, str]) -> None:
    owner, number = kept
    reader = team.new_user("reader")
    team.grant(reader, "READ", "experiment", number)
    assert reader.ask("PUT", f"{FILES}/{number}/note.txt", b"changed").status == 403
    assert reader.ask("DELETE", f"{FILES}/{number}/note.txt").status == 403
    assert reader.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": number}).status == 403
    assert reader.ask("GET", f"/api/2.0/mlflow/experiments/get?experiment_id={number}").status == 200
    assert owner.ask("GET", f"{FILES}/{number}/note.txt").body == b"kept"


@pytest.mark.parametrize(
    "way", ["{own}/%2e%2e/{other}/note.txt", "{own}/..%2f{other}/note.txt", "/{other}/note.txt", "./{other}/note.txt"]
)
def test_no_way_around_leads_into_an_experiment_of_others(team: Team, kept: tuple[Caller, str], way: str) -> None:
    _, number = kept
    other = team.new_user("other")
    made = other.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": f"of {other.name}"})
    asked = other.ask("GET", f"{FILES}/{way.format(own=made.json['experiment_id'], other=number)}")
    assert (asked.status >= 400, b"kept" in asked.body) == (True, False)


@pytest.mark.parametrize("name", ["artifact_location", "artifactLocation"])
@pytest.mark.parametrize("place", ["mlflow-artifacts:/{number}", "s3://medfake/mlflow/{number}", "file:///etc"])
def test_nobody_makes_an_experiment_at_the_files_of_another(
    team: Team, kept: tuple[Caller, str], name: str, place: str
) -> None:
    _, number = kept
    other = team.new_user("other")
    body = {"name": f"of {other.name}", name: place.format(number=number)}
    for sent in (body, json.dumps(body)):
        made = other.ask("POST", "/api/2.0/mlflow/experiments/create", sent)
        assert (made.status, made.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "source", ["s3://medfake/mlflow/{number}", "file:///etc", "/etc", "mlflow-artifacts:/{number}", "runs:/0/x"]
)
def test_nobody_registers_the_files_of_another(team: Team, kept: tuple[Caller, str], source: str) -> None:
    _, number = kept
    other = team.new_user("other")
    model = f"model of {other.name}"
    assert other.ask("POST", "/api/2.0/mlflow/registered-models/create", {"name": model}).status == 200
    body = {"name": model, "source": source.format(number=number)}
    assert other.ask("POST", "/api/2.0/mlflow/model-versions/create", body).status in (400, 403)


def test_users_are_made_and_granted_rights_by_the_administrator_alone(team: Team, kept: tuple[Caller, str]) -> None:
    owner, _ = kept
    body = {"username": "made-by-no-admin", "password": "long-enough-for-that"}
    assert owner.ask("POST", "/api/2.0/mlflow/users/create", body).status == 403
    more = {"username": owner.name, "is_admin": True}
    assert owner.ask("PATCH", "/api/2.0/mlflow/users/update-admin", more).status == 403
    assert owner.ask("GET", "/signup").status == 403
    assert owner.ask("POST", "/api/2.0/mlflow/users/create-ui", body).status == 403


def test_a_page_of_another_site_cannot_act_for_a_user(team: Team, kept: tuple[Caller, str]) -> None:
    owner, _ = kept
    own = {"Origin": f"http://127.0.0.1:{team.port}"}
    for origin in ("http://localhost:3000", "https://elsewhere.example", "null"):
        asked = owner.ask("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1}, {"Origin": origin})
        assert asked.status == 403
    assert owner.ask("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1}, own).status == 200


def test_another_name_of_the_machine_is_refused(team: Team) -> None:
    elsewhere = {"Host": "elsewhere.example"}
    asked = team.admin.ask("GET", "/api/2.0/mlflow/experiments/search?max_results=1", None, elsewhere)
    assert asked.status == 403


def test_a_call_that_is_too_long_is_refused_before_it_is_read(team: Team) -> None:
    headers = {"Content-Length": str(1 << 40)}
    assert team.admin.ask("POST", "/api/2.0/mlflow/runs/search", b"", headers).status == 413
    assert team.nobody.ask("POST", "/api/2.0/mlflow/runs/search", b"", headers).status == 401


def test_the_page_is_shown_to_users(team: Team) -> None:
    assert b"<html" in team.admin.ask("GET", "/").body


def test_no_secret_is_on_the_command_line_in_a_file_left_behind_or_in_the_log(team: Team) -> None:
    said = team.log.read_text()
    assert f"MLflow for a team on http://127.0.0.1:{team.port}" in said
    commands = b"".join(_command_lines())
    for secret in team.secrets:
        assert secret not in said
        assert secret.encode() not in commands
    assert not list(Path("/tmp").glob("*/users.ini"))  # noqa: S108  # where MLflow's settings of users were for a moment


def _command_lines() -> Iterator[bytes]:
    """Of all processes that there are; as everybody on the machine sees them."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            yield path.read_bytes()
