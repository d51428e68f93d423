"""What pacs.yaml may say."""

from pathlib import Path

import pytest

from medfake.errors import ConfigError
from medfake.pacs import settings as pacs_settings
from medfake.pacs.settings import PacsSettings, credentials, example, read_settings
from tests.fixtures.certificates import Authority


def read(tmp_path: Path, text: str) -> PacsSettings:
    path = tmp_path / "pacs.yaml"
    path.write_text(text)
    return read_settings(path)


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    read_, default = read(tmp_path, example()), PacsSettings()
    assert read_.model_copy(update={"archive": default.archive}) == default
    assert read_.archive.model_copy(update={"dicomweb": None}) == default.archive


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings() == PacsSettings()


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_settings(tmp_path / "pacs.yaml")


def test_an_empty_file_says_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == PacsSettings()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("listen: {port: 70000}", "port"),
        ("listen: {prot: 1}", "prot"),
        ("listen: {silence_s: 0}", "silence_s"),
        ("listen: {silence_s: .inf}", "silence_s"),
        ("listen: {silence_s: .nan}", "silence_s"),
        ("listen: {associations: 0}", "associations"),
        ("listen: {spare_mb: -1}", "spare_mb"),
        ("complete: {idle_s: -1}", "idle_s"),
        ("listen: 3", "listen"),
        ("routes: [{name: a}, {name: a}]", "'a'"),
        ("workers: 0", "workers"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert word in str(error.value)


@pytest.mark.parametrize("title", ["A", "CT 1", "A" * 16, "x.y-z_1", "!"])
def test_ae_titles(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f"listen: {{callers: ['{title}']}}").listen.callers == (title,)


@pytest.mark.parametrize("title", ["", " ", " A", "A ", "A" * 17, "A\\\\B", "Ä", "A\tB", "A\nB"])
def test_what_is_no_ae_title(tmp_path: Path, title: str) -> None:
    escaped = title.replace("\t", "\\t").replace("\n", "\\n")
    with pytest.raises(ConfigError):
        read(tmp_path, f'listen: {{callers: ["{escaped}"]}}')


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_tls(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, f"listen: {{host: '{host}'}}").listen.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "pacs.example.org"])  # noqa: S104 - to refuse it
def test_beyond_this_machine_it_listens_with_tls_alone(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="tls"):
        read(tmp_path, f"listen: {{host: '{host}'}}")
    made = Authority(tmp_path).issue("server")
    tls = f"{{certificate: {made.certificate.name}, key: {made.key.name}, callers_ca: {made.authority.name}}}"
    listen = read(tmp_path, f"listen: {{host: '{host}', tls: {tls}}}").listen
    assert listen.tls
    assert listen.tls.key == made.key


def test_paths_count_from_where_the_file_lies(tmp_path: Path) -> None:
    (route,) = read(tmp_path, "routes: [{name: a, calibration: site.json}]").routes
    assert route.calibration == tmp_path / "site.json"
    (route,) = read(tmp_path, "routes: [{name: a, calibration: /x/site.json}]").routes
    assert route.calibration == Path("/x/site.json")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8042/dicom-web", "https://pacs.example.org/dicom-web/", "http://[::1]:8042/x", "http://[::1]/x",
        "http://localhost/x", "https://[2001:db8::1]/x",
    ],
)  # fmt: skip
def test_addresses_of_a_pacs(tmp_path: Path, address: str) -> None:
    assert read(tmp_path, f"archive: {{dicomweb: '{address}'}}").archive.dicomweb == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://pacs.example.org/x", "ftp://127.0.0.1/x", "https://u:p@host/x", "https://host/x?a=b", "nothing",
        "http://[2001:db8::1]/x", "http://[::1", "http://127.0.0.1\\@pacs.example.org/x", "https://host:99999/x", "http:///x",
        "http://::1/x", "https://ho st/x",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_pacs_is_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, f"archive: {{dicomweb: '{address}'}}")
    assert "u:p" not in str(error.value)


TLS = "tls: {ca: ca.pem}"


@pytest.mark.parametrize("host", ["pacs.example.org", "192.0.2.1", "0.0.0.0", "2001:db8::1", ""])  # noqa: S104 - to refuse it
def test_verdicts_leave_this_machine_encrypted_alone(tmp_path: Path, host: str) -> None:
    plain = f"host: '{host}', port: 104, aet: PACS"
    with pytest.raises(ConfigError, match=r"store.*travel encrypted"):
        read(tmp_path, f"archive: {{store: {{{plain}}}}}")
    store = read(tmp_path, f"archive: {{store: {{{plain}, {TLS}}}}}").archive.store
    assert store
    assert store.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_verdicts_need_no_tls_on_this_machine(tmp_path: Path, host: str) -> None:
    store = read(tmp_path, f"archive: {{store: {{host: '{host}', port: 104, aet: PACS}}}}").archive.store
    assert store
    assert store.tls is None


def test_mails_leave_this_machine_encrypted_alone(tmp_path: Path) -> None:
    mail = "sender: a@example.org, to: [b@example.org], starttls: false"
    with pytest.raises(ConfigError, match=r"email.*travel encrypted"):
        read(tmp_path, f"alarms: {{email: {{host: mail.example.org, {mail}}}}}")
    assert read(tmp_path, f"alarms: {{email: {{host: localhost, {mail}}}}}").alarms.email


@pytest.mark.parametrize(
    "text",
    [
        "archive: {store: {host: 127.0.0.1, port: 0, aet: A}}",
        "alarms: {email: {host: 127.0.0.1, port: 0, sender: a@b, to: [c@d]}}",
    ],
)
def test_nobody_is_called_at_port_0(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="port = 0"):
        read(tmp_path, text)


@pytest.mark.parametrize("dicomweb", ["dicomweb: http://127.0.0.1:8042/x, ", ""])
def test_tls_that_nothing_would_use_is_refused(tmp_path: Path, dicomweb: str) -> None:
    with pytest.raises(ConfigError, match="of no use"):
        read(tmp_path, f"archive: {{{dicomweb}{TLS}}}")
    assert read(tmp_path, f"archive: {{dicomweb: 'https://127.0.0.1/x', {TLS}}}").archive.tls.ca == tmp_path / "ca.pem"


@pytest.mark.parametrize("name", ["keep_days", "keep_dead_days"])
def test_what_is_looked_at_is_remembered(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"limits\.{name} \(11\) has to be at least 12"):
        read(tmp_path, f"watch: {{look_back_days: 10}}\nlimits: {{{name}: 11}}")
    assert not read(tmp_path, f"watch: {{look_back_days: 10}}\nlimits: {{{name}: 12}}").remembers_all


def test_who_looks_at_studies_of_any_day_remembers_all(tmp_path: Path) -> None:
    assert read(tmp_path, "watch: {look_back_days: null}\nlimits: {keep_days: 1, keep_dead_days: 1}").remembers_all


@pytest.mark.parametrize(
    "webhook",
    [
        "http://example.org/x", "ftp://127.0.0.1/x", "http://127.0.0.1@example.org/x", "https:///x", "",
        "http://127.0.0.1\\@example.org/x",
    ],
)  # fmt: skip
def test_a_webhook_beyond_this_machine_is_encrypted(tmp_path: Path, webhook: str) -> None:
    with pytest.raises(ConfigError, match=r"alarms\.webhook.*travel encrypted"):
        read(tmp_path, f"alarms: {{webhook: '{webhook}'}}")


@pytest.mark.parametrize(
    "webhook", ["https://example.org/x", "http://localhost:9/x", "http://[::1]/x", "https://u:p@example.org:1/x?a=b"]
)
def test_other_webhooks_are_taken(tmp_path: Path, webhook: str) -> None:
    assert read(tmp_path, f"alarms: {{webhook: '{webhook}'}}").alarms.webhook == webhook


def test_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (pacs_settings.USER_VARIABLE, pacs_settings.PASSWORD_VARIABLE, pacs_settings.TOKEN_VARIABLE)
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert credentials() is None
    monkeypatch.setenv(names[0], "reader")
    with pytest.raises(ConfigError):
        credentials()
    monkeypatch.setenv(names[1], "secret")
    assert credentials() == ("reader", "secret")
    monkeypatch.setenv(names[2], "token")
    with pytest.raises(ConfigError) as error:
        credentials()
    assert "secret" not in str(error.value)
    monkeypatch.delenv(names[0])
    monkeypatch.delenv(names[1])
    assert credentials() == "token"


def test_a_version_is_named_by_its_number(tmp_path: Path) -> None:
    assert read(tmp_path, "model: 7").model == "7"
