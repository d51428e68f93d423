"""What has to be in order before a station begins."""

from pathlib import Path

import pytest

from medfake.errors import ConfigError
from medfake.pacs.settings import PacsSettings, Route
from medfake.pacs.startup_checks import require_usable
from medfake.serving.calibration import write_calibration
from medfake.serving.model import open_builtin
from tests.serving.test_calibration import calibration_of


def with_calibration(path: Path) -> PacsSettings:
    return PacsSettings(routes=(Route(name="rest"), Route(name="chest", calibration=path)))


def test_a_calibration_that_is_there_can_be_used(tmp_path: Path) -> None:
    write_calibration(calibration_of(open_builtin(""), 0.5), tmp_path / "site.json")
    require_usable(with_calibration(tmp_path / "site.json"))


@pytest.mark.parametrize("content", [None, "{}", "", "\0"])
def test_a_calibration_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "site.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="a calibration that cannot be used") as caught:
        require_usable(with_calibration(path))
    assert "routes, chest, calibration" in str(caught.value)
    assert "medfake calibrate" in str(caught.value.remedy)


def test_a_calibration_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        require_usable(with_calibration(tmp_path))
