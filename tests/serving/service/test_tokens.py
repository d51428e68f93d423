"""Who may ask: tokens, sessions of browsers, and this machine alone where there are none."""

import socket
from pathlib import Path

import pytest

from medfake.errors import ConfigError
from medfake.serving.service.settings import Settings
from medfake.serving.service.tokens import Sessions, Tokens, parse
from tests.fixtures.services import RunningService, start

GOOD, OLD, WRONG = "g" * 40, "o" * 40, "w" * 40


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, served_package: Path) -> RunningService:
    folder = tmp_path_factory.mktemp("guarded")
    running = start(folder, folder, model=str(served_package), tokens=f"new={GOOD} old={OLD}", wait=False)
    yield running
    running.stop()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("POST", "/v1/scans"), ("GET", "/v1/model"), ("GET", "/metrics"),
    ("GET", "/openapi.json"), ("DELETE", "/v1/jobs/x"), ("POST", "/logout"), ("GET", "/nothing"),
])  # fmt: skip
def test_without_a_token_there_is_nothing_to_see(method: str, path: str, guarded: RunningService) -> None:
    answer = guarded.ask(method, path)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["received"] == "no token"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whether_it_lives_may_be_asked_by_all(path: str, guarded: RunningService) -> None:
    assert guarded.get(path).status_code in (200, 503)


@pytest.mark.parametrize("token", [GOOD, OLD])
def test_each_of_several_tokens_is_good(token: str, guarded: RunningService) -> None:
    assert guarded.get("/v1/jobs", headers=_bearer(token)).status_code == 200


@pytest.mark.parametrize("value", [
    f"Bearer {WRONG}", f"Basic {GOOD}", f"Bearer {GOOD[:-1]}", f"Bearer {GOOD}x", "Bearer", "Bearer \xe4\xf6", GOOD,
])  # fmt: skip
def test_a_wrong_token_is_refused(value: str, guarded: RunningService) -> None:
    answer = guarded.get("/v1/jobs", headers={"Authorization": value.encode("latin-1")})
    assert (answer.status_code, answer.json()["error"]["received"]) == (401, "a wrong token")


def test_no_token_is_ever_logged(guarded: RunningService) -> None:
    guarded.get("/v1/jobs", headers=_bearer(GOOD))
    guarded.get("/v1/jobs", headers=_bearer(WRONG))
    guarded.post("/login", json={"token": WRONG})
    assert GOOD not in guarded.said()
    assert WRONG not in guarded.said()


def test_scoring_processes_know_no_token(guarded: RunningService) -> None:
    guarded.wait_until_ready()
    (worker,) = guarded.workers()
    environment = Path(f"/proc/{worker}/environ").read_bytes()
    assert b"TOKEN" not in environment
    assert GOOD.encode() not in environment
    assert GOOD.encode() not in Path(f"/proc/{worker}/cmdline").read_bytes()


def test_a_browser_shows_its_token_once(guarded: RunningService) -> None:
    answer = guarded.post("/login", json={"token": GOOD})
    assert answer.status_code == 204
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert guarded.get("/v1/jobs", cookies=answer.cookies).status_code == 200


def test_a_form_logs_in_and_goes_on_to_the_first_page(guarded: RunningService) -> None:
    answer = guarded.post("/login", data={"token": GOOD}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_form_with_a_wrong_token_comes_back_to_the_login(guarded: RunningService) -> None:
    answer = guarded.post("/login", data={"token": WRONG}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?refused=1")
    assert "Set-Cookie" not in answer.headers


def test_a_program_with_a_wrong_token_is_told_so(guarded: RunningService) -> None:
    assert guarded.post("/login", json={"token": WRONG}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token": 1}', b"token=\xff", b"[" * 4000])
def test_a_login_without_a_token_is_refused(body: bytes, guarded: RunningService) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer = guarded.post("/login", data=body, headers={"Content-Type": kind}, allow_redirects=False)
        assert answer.status_code in (400, 401)


def test_a_login_of_megabytes_is_refused(guarded: RunningService) -> None:
    assert guarded.post("/login", data=b"x" * 5000).status_code == 413


def test_a_browser_without_a_session_is_sent_to_the_login(guarded: RunningService) -> None:
    answer = guarded.get("/", headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def test_a_forged_cookie_is_refused(guarded: RunningService) -> None:
    cookie = guarded.post("/login", json={"token": GOOD}).cookies["medfake_session"]
    last = "A" if cookie[-1] != "A" else "E"  # the two lowest bits of the last letter are none of the signature's
    for forged in (cookie[:-1] + last, "x", ""):
        assert guarded.get("/v1/jobs", cookies={"medfake_session": forged}).status_code == 401


def test_another_sites_page_cannot_delete_with_a_readers_cookie(guarded: RunningService) -> None:
    cookies = guarded.post("/login", json={"token": GOOD}).cookies
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = guarded.ask("DELETE", "/v1/jobs/x", cookies=cookies, headers={"Origin": origin})
        assert answer.status_code == 403
    own = {"Origin": guarded.address}
    assert guarded.ask("DELETE", "/v1/jobs/x", cookies=cookies, headers=own).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[2001:db8::1]", ""])
def test_without_tokens_a_name_of_the_web_may_not_ask(host: str, service: RunningService) -> None:
    assert service.get("/v1/jobs", headers={"Host": host}).status_code in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "[::1]:8000", "127.8.8.8"])
def test_without_tokens_this_machine_may_ask(host: str, service: RunningService) -> None:
    assert service.get("/v1/jobs", headers={"Host": host}).status_code == 200


def test_without_tokens_another_sites_page_may_not_send_scans(service: RunningService) -> None:
    files = {"file": ("a", b"no image")}
    assert service.post("/v1/jobs", files=files, headers={"Origin": "https://evil.example"}).status_code == 403
    assert service.post("/v1/jobs", files=files, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert service.post("/v1/jobs", files=files, headers={"Origin": service.address}).status_code == 202


def test_a_session_ends_with_its_token(tmp_path: Path) -> None:
    cookie = Sessions(Tokens(parse(f"me={GOOD}", "here")), tmp_path).begin("me")
    assert Sessions(Tokens(parse(f"me={GOOD}", "here")), tmp_path).name_of(cookie) == "me"
    assert Sessions(Tokens(parse(f"me={OLD}", "here")), tmp_path).name_of(cookie) is None
    assert Sessions(Tokens(parse(f"you={GOOD}", "here")), tmp_path).name_of(cookie) is None


@pytest.mark.parametrize("text", [GOOD, f"me={'x' * 31}", f"me={GOOD} me={OLD}", f"my self={GOOD}", f"={GOOD}"])
def test_tokens_that_are_short_or_nameless_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "here")
    assert "xxxx" not in str(caught.value)
    assert GOOD not in str(caught.value)


def test_a_token_of_32_characters_is_long_enough() -> None:
    assert Tokens(parse(f"me={'x' * 32}", "here")).name_of("x" * 32) == "me"


def test_tokens_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").write_text(f"a={GOOD}\nb={OLD}\n")
    monkeypatch.setenv("MEDFAKE_TOKENS_FILE", str(tmp_path / "tokens"))
    monkeypatch.delenv("MEDFAKE_TOKENS", raising=False)
    tokens = Tokens.from_environment()
    assert (tokens.name_of(GOOD), tokens.name_of(OLD), tokens.name_of(WRONG)) == ("a", "b", None)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_file_of_tokens_without_tokens_is_refused(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "tokens").write_text(content)
    monkeypatch.setenv("MEDFAKE_TOKENS_FILE", str(tmp_path / "tokens"))
    with pytest.raises(ConfigError, match="tokens"):
        Tokens.from_environment()


@pytest.mark.parametrize(("told", "match"), [
    ({"host": "0.0.0.0"}, "without a token"),  # noqa: S104
    ({"host": "192.0.2.7"}, "without a token"),
    ({"host": "::"}, "without a token"),
    ({"behind_proxy": True}, "without a token"),
    ({"host": "0.0.0.0", "tokens": Tokens(parse(f"me={GOOD}", "here"))}, "encrypted"),  # noqa: S104
    ({"tls_cert": Path("cert.pem")}, "certificate and its key"),
])  # fmt: skip
def test_beyond_this_machine_it_wants_tokens_and_tls(told: dict[str, object], match: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=match):
        Settings(data=tmp_path, database="sqlite:///x", **told).require_safe()


@pytest.mark.parametrize("told", [
    {}, {"host": "localhost"}, {"host": "::1"}, {"host": "127.0.0.2"},
    {"tokens": Tokens(parse(f"me={GOOD}", "here")), "behind_proxy": True},
    {"host": "0.0.0.0", "tokens": Tokens(parse(f"me={GOOD}", "here")), "behind_proxy": True},  # noqa: S104
])  # fmt: skip
def test_what_is_guarded_may_start(told: dict[str, object], tmp_path: Path) -> None:
    Settings(data=tmp_path, database="sqlite:///x", **told).require_safe()


@pytest.mark.parametrize("host", ["x/healthz?", "x/static/a?", "x/login#", "127.0.0.1/healthz?"])
def test_a_host_that_looks_like_a_public_path_opens_no_door(host: str, guarded: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", guarded.port)) as connection:
        connection.sendall(f"GET /v1/jobs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400"))


@pytest.mark.parametrize("path", ["/static/../v1/jobs", "/static/%2e%2e/v1/jobs", "/healthz/../v1/jobs", "//v1/jobs"])
def test_a_path_that_begins_as_a_public_one_opens_no_door(path: str, guarded: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", guarded.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 404"))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_of_tokens_that_others_can_read_is_told(
    mode: int, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(f"me={GOOD}\r\n".encode())
    file.chmod(mode)
    monkeypatch.delenv("MEDFAKE_TOKENS", raising=False)
    monkeypatch.setenv("MEDFAKE_TOKENS_FILE", str(file))
    assert Tokens.from_environment().name_of(GOOD) == "me"
    assert ("chmod 600" in caplog.text) is warned
    assert GOOD not in caplog.text
