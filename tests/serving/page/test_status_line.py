"""The line below every page."""

from medfake.package.card import INTENDED_USE
from medfake.serving.page.status_line import status_line
from medfake.serving.service.contract import ModelAnswer, RegistryAnswer


def scans_with(state: str, said: str = "") -> ModelAnswer:
    return ModelAnswer(
        name="medfake-detector version 3 (champion)",
        chosen="it is the champion",
        since="2026-03-01T09:05:00+00:00",
        package_sha256="a" * 64,
        card={},
        registry=RegistryAnswer(state=state, said=said, checked=None),
        intended_use=INTENDED_USE,
    )


def test_it_says_what_scans_and_since_when() -> None:
    line = status_line(scans_with("ok"))
    assert line.says == "Scans with medfake-detector version 3 (champion) since 2026-03-01 09:05 UTC."
    assert not line.worse


def test_a_registry_that_went_away_is_told() -> None:
    line = status_line(scans_with("unreachable", "the registry cannot be asked; version 3 goes on"))
    assert line.says.endswith("UTC. The registry cannot be asked; version 3 goes on.")
    assert line.worse


def test_a_champion_that_was_refused_is_told() -> None:
    assert status_line(scans_with("refused", "version 4 is refused: its graphs are not what was registered")).worse


def test_without_a_detector_uploads_wait() -> None:
    assert status_line(None).says == "No detector is loaded yet: uploads wait."
    assert status_line(None).worse
