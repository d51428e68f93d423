"""Named studies: files of studies/, each a whole params.yaml."""

import difflib
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from medfake.by_name import did_you_mean
from medfake.config.reading import PARAMS_FILE, load_params
from medfake.config.study import Params
from medfake.config.yaml_file import read_text
from medfake.errors import ConfigError

STUDIES = Path("studies")


@dataclass(frozen=True)
class Study:
    """A file of studies/.

    Attributes:
        name: Of the file, without ending.
        text: As it stands there.
        params: Validated.
    """

    name: str
    text: str
    params: Params

    @property
    def about(self) -> str:
        """First sentence of its first comment."""
        comment = takewhile(lambda line: line.startswith("#"), self.text.splitlines())
        return " ".join(line.removeprefix("#").strip() for line in comment).split(". ")[0].rstrip(".")

    @property
    def trainings(self) -> int:
        """How many networks and models it trains."""
        train = self.params.train
        repeated = train.repeat.best * len(train.repeat.seeds) if train.repeat else 0
        return len(train.datasets) * (len(train.detectors) * len(train.seeds) + repeated)


def all_studies(folder: Path = STUDIES) -> list[Study]:
    """Every study, by name.

    Raises:
        ConfigError: There is no such folder, or one of its files is no study.
    """
    if not folder.is_dir():
        raise ConfigError("there are no studies here", where=folder.absolute(), remedy="cd into a medfake project")
    return [_read(path) for path in sorted(folder.glob("*.yaml"))]


def read_study_named(name: str, folder: Path = STUDIES) -> Study:
    """One study.

    Raises:
        ConfigError: There is none of this name; a near match is told.
    """
    known = [path.stem for path in sorted(folder.glob("*.yaml"))]
    if name not in known:
        raise ConfigError(
            "there is no such study", where=folder.absolute(), received=name,
            remedy=f"choose one{did_you_mean(name, known)}; known: {', '.join(known) or 'none'}",
        )  # fmt: skip
    return _read(folder / f"{name}.yaml")


def diff_to(study: Study, params: Path = PARAMS_FILE) -> str:
    """What would change in params.yaml, as a unified diff; "" for nothing."""
    before = read_text(params) if params.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), study.text.splitlines(keepends=True), str(params), f"{study.name}.yaml"
    )
    return "".join(lines)


def _read(path: Path) -> Study:
    return Study(path.stem, read_text(path), load_params(path))
