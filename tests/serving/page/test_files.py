"""What pages are made of."""

import tomllib
from importlib.resources import files
from pathlib import Path

import medfake
from tests.fixtures.services import PROJECT

ROOM = Path(str(files("medfake.serving.page")))


def test_templates_styles_and_scripts_are_installed_with_the_package() -> None:
    package = Path(medfake.__file__).parent
    globs = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["medfake"]
    installed = {path for pattern in globs for path in package.glob(pattern)}
    wanted = {path for path in ROOM.rglob("*") if path.suffix in (".j2", ".css", ".js", ".svg")}
    assert len(wanted) > 20
    assert wanted - installed == set()


def test_scripts_are_small_and_nothing_is_fetched_from_elsewhere() -> None:
    for path in (ROOM / "static").iterdir():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300, path.name
        assert max(map(len, text.splitlines())) < 1000, path.name  # nothing minified
        assert [part for part in text.split() if "://" in part and "http://www.w3.org/2000/svg" not in part] == []
