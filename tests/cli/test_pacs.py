"""`medfake pacs` as it is typed: what it prints, and what it says where something is wrong."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.pacs_options import same_queue
from medfake.cli.root import cli
from medfake.errors import ConfigError, MedfakeError, OutputRefusedError, RegistryError, ScanError
from medfake.pacs.queued_series import State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import PacsSettings, example, read_settings
from medfake.serving.database import open_database
from medfake.serving.scoring.progress import Progress
from tests.pacs.conftest import arrival, verdict


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pacs(*arguments: str, said: str = "") -> str:
    """What a command prints; its error is raised."""
    done = CliRunner().invoke(cli, ["pacs", *arguments], input=said)
    if isinstance(done.exception, MedfakeError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def queue(tmp_path: Path) -> SeriesQueue:
    """Of the data folder "data"."""
    url = f"sqlite:///{tmp_path}/data/service.db"
    return SeriesQueue(open_database(url), url, "me", 60.0)


def given_up(queue: SeriesQueue, reason: str = "the PACS refuses an object: status 0xA700") -> str:
    """Id of a series whose results were refused."""
    came = arrival(f"series-{reason}")
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "the built-in detector", Progress())
    queue.take(State.SEND)
    queue.give_up(came.id, State.SEND, reason)
    return came.id


def test_init_writes_settings_that_are_the_defaults() -> None:
    said = pacs("init")
    assert said.splitlines() == [
        "written: pacs.yaml",
        "next: edit listen.callers and archive.dicomweb in pacs.yaml, then medfake pacs listen",
    ]
    written = read_settings(None)
    archive = PacsSettings().archive.model_copy(update={"dicomweb": "http://127.0.0.1:8042/dicom-web"})
    assert written == PacsSettings(archive=archive)


def test_init_replaces_no_settings_that_somebody_edited() -> None:
    pacs("init")
    pacs("init")
    Path("pacs.yaml").write_text(example() + "# mine\n")
    with pytest.raises(OutputRefusedError, match=r"not pacs\.yaml of medfake"):
        pacs("init")


def test_nobody_is_let_in_whom_nobody_named() -> None:
    with pytest.raises(ConfigError, match="nobody would be let in") as caught:
        pacs("listen", "--dry-run", "out")
    assert "--caller ORTHANC" in str(caught.value.remedy)


def test_a_caller_of_a_name_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match=r"listen\.callers"):
        pacs("listen", "--dry-run", "out", "--caller", "NAME\\WITH")


@pytest.mark.parametrize("command", [["listen", "--caller", "X"], ["watch"], ["scan", "--study", "1.2"]])
def test_somebody_has_to_say_where_verdicts_go(command: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"nobody says where verdicts go|no PACS to ask"):
        pacs(*command)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen: {host: 0.0.0.0, callers: [X]}", "beyond this machine"),
        ("archive: {dicomweb: http://pacs.example.org/dicom-web}", "travel encrypted"),
        ("archive: {dicomweb: https://me:secret@pacs.example.org/x}", "without user and password"),
        ("listen: {port: 70000}", "listen.port = 70000"),
        ("listen: {callers: [NAME_OF_MORE_THAN_16]}", "listen.callers"),
        ("lisen: {}", "did you mean"),
        ("routes: [{name: a}, {name: a}]", "two routes have the name 'a'"),
        ("routes: [{name: a, modalities: [PET]}]", "routes.0.modalities"),
        ("complete: {idle_s: .nan}", "complete.idle_s"),
        ("archive: {tls: {certificate: a.pem}}", "go together"),
    ],
)
def test_what_is_wrong_in_the_settings_is_named(text: str, said: str) -> None:
    Path("pacs.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        pacs("queue", "--data", "data")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_settings_that_are_named_have_to_be_there() -> None:
    with pytest.raises(ConfigError, match="no such file"):
        pacs("queue", "--config", "other.yaml", "--data", "data")


def test_paths_in_the_settings_count_from_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "pacs.yaml").write_text("routes: [{name: a, calibration: site.json}]")
    assert read_settings(tmp_path / "etc" / "pacs.yaml").routes[0].calibration == tmp_path / "etc" / "site.json"


def test_where_no_series_has_come_looking_makes_no_queue() -> None:
    assert pacs("queue", "--data", "data").splitlines() == [
        f"there is no queue in {Path('data').absolute()} yet: no series has come",
        "next: medfake pacs listen, or watch; --data FOLDER where the queue is elsewhere",
    ]
    assert json.loads(pacs("queue", "--data", "data", "--json")) == []
    for command in ("retry", "forget"):
        with pytest.raises(ScanError, match="no queue here yet"):
            pacs(command, "0123", "--data", "data")
    assert not Path("data").exists()


@pytest.mark.usefixtures("queue")
def test_an_empty_queue_says_so() -> None:
    assert pacs("queue", "--data", "data") == "0 to fetch, 0 to judge, 0 to send, 0 done, 0 given up\n"


def test_the_dead_letter_list_says_why(queue: SeriesQueue) -> None:
    dead = given_up(queue)
    lines = pacs("queue", "--data", "data").splitlines()
    assert lines[0].startswith(dead[:12])
    assert lines[0].endswith("given up, to send  tampered 0.900  the PACS refuses an object: status 0xA700")
    assert lines[-1].startswith("next: medfake pacs retry ID --data data, or forget ID --data data;")


def test_the_queue_as_json_has_whole_ids(queue: SeriesQueue) -> None:
    dead = given_up(queue)
    (row,) = json.loads(pacs("queue", "--data", "data", "--json"))
    assert (row["id"], row["state"], row["verdict"]) == (dead, "given up", "tampered")


def test_what_is_done_is_shown_where_it_is_asked_for(queue: SeriesQueue) -> None:
    came = arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(objects=0), "m", Progress())
    assert came.id[:12] not in pacs("queue", "--data", "data")
    assert came.id[:12] in pacs("queue", "--data", "data", "--all")


def test_the_first_digits_of_an_id_are_enough_to_try_it_again(queue: SeriesQueue) -> None:
    dead = given_up(queue)
    assert f"{dead} is tried again" in pacs("retry", dead[:12], "--data", "data")
    row = queue.find(dead)
    assert row
    assert row.state is State.SEND


def test_what_is_forgotten_leaves_nothing(queue: SeriesQueue) -> None:
    dead = given_up(queue)
    folder = Path("data/series") / dead
    folder.mkdir(parents=True)
    pacs("forget", dead, "--data", "data")
    assert queue.find(dead) is None
    assert not folder.exists()


@pytest.mark.parametrize("command", ["retry", "forget"])
def test_an_id_has_to_be_one_that_was_given_up(queue: SeriesQueue, command: str) -> None:
    given_up(queue, "one")
    given_up(queue, "two")
    waits = arrival()
    queue.add(waits)
    for prefix in (waits.id, "nono%"):
        with pytest.raises(ScanError, match="no series of this id was given up"):
            pacs(command, prefix, "--data", "data")
    for prefix in ("", "%", waits.id[:3]):
        with pytest.raises(ScanError, match="told by its first 4 digits"):
            pacs(command, prefix, "--data", "data")
    assert queue.counts()[State.DEAD] == 2


@pytest.mark.parametrize("command", ["retry", "forget"])
def test_an_id_has_to_be_of_one_series(queue: SeriesQueue, command: str) -> None:
    for end in ("0", "1"):
        came = replace(arrival(f"series-{end}"), id=f"abcd{end}" + "0" * 27)
        queue.add(came)
        queue.take(State.SCORE)
        queue.give_up(came.id, State.SCORE, "no reason")
    with pytest.raises(ScanError, match="several series"):
        pacs(command, "abcd", "--data", "data")
    assert queue.counts()[State.DEAD] == 2


@pytest.mark.parametrize("uid", ["", "DOE^JANE", "1.2.*", "1..2", ".1", "1.", "1" * 65, "1.2/../3", "1,2", "١.٢"])
@pytest.mark.parametrize("option", ["--study", "--series"])
def test_what_is_no_uid_is_told_and_not_repeated(option: str, uid: str) -> None:
    arguments = ["--study", "1.2", option, uid]
    with pytest.raises(ScanError, match="this is no UID") as caught:
        pacs("scan", *arguments)
    assert caught.value.where == option
    assert caught.value.received == f"{len(uid)} characters"


def test_a_uid_is_read_from_standard_input() -> None:
    """Arguments are seen by all users of a machine."""
    with pytest.raises(ConfigError, match="nobody says where verdicts go"):
        pacs("scan", "--study", "-", "--series", "-", said="1.2.3\n1.2.4\n")
    for said in ("", "\xff", "1.2.3\nDOE^JANE\n"):
        with pytest.raises(ScanError, match="this is no UID"):
            pacs("scan", "--study", "-", "--series", "-", said=said)


@pytest.mark.parametrize("command", [["listen", "--caller", "X"], ["watch"], ["scan", "--study", "1.2"]])
def test_a_calibration_that_is_not_there_is_told_before_anything_begins(command: list[str]) -> None:
    Path("pacs.yaml").write_text("routes: [{name: chest, calibration: sight.json}]")
    with pytest.raises(ConfigError, match="a calibration that cannot be used"):
        pacs(*command, "--data", "data")
    assert not Path("data").exists()


@pytest.mark.parametrize("command", [["listen", "--caller", "X", "--port", "0"], ["watch"], ["scan", "--study", "1.2"]])
def test_a_detector_that_is_not_there_ends_it(command: list[str]) -> None:
    Path("pacs.yaml").write_text("model: no-such-model\narchive: {dicomweb: http://127.0.0.1:9/x}")
    with pytest.raises(RegistryError, match="no detector to judge with") as caught:
        pacs(*command, "--data", "data")
    assert "model: no-such-model" in str(caught.value)
    assert "there is no registry here" in str(caught.value)


def test_help_needs_none_of_the_libraries_of_a_pacs() -> None:
    code = (
        "import sys; from medfake.cli.root import cli; cli(['pacs', '--help'], standalone_mode=False); "
        "print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "watch" in done.stdout
    assert not any(f"'{name}'" in done.stdout for name in ("pynetdicom", "highdicom", "dicomweb_client", "sqlalchemy"))


def test_the_next_command_is_given_the_same_queue() -> None:
    assert same_queue(None, None) == ""
    assert same_queue(Path("my data"), None) == " --data 'my data'"
    assert same_queue(None, None, Path("out")) == " --data out/.queue"
    assert same_queue(None, "postgresql://me:secret@host/q") == " --database ..."
