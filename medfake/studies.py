"""Named studies: files of studies/, each a whole params.yaml."""

import difflib
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from medfake.by_name import did_you_mean
from medfake.config import Params
from medfake.config.yaml_file import read_text
from medfake.errors import ConfigError
from medfake.project import Project


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


def all_studies(project: Project) -> list[Study]:
    """Every study, by name.

    Raises:
        ConfigError: One of the files is no study.
        UnknownDetectorError: One of them names a detector that there is not.
    """
    return [_read(path, project) for path in sorted(project.studies.glob("*.yaml"))]


def read_study_named(name: str, project: Project) -> Study:
    """One study.

    Raises:
        ConfigError: There is none of this name; a near match is told.
    """
    known = [path.stem for path in sorted(project.studies.glob("*.yaml"))]
    if name not in known:
        raise ConfigError(
            "there is no such study", where=project.studies, received=name,
            remedy=f"choose one{did_you_mean(name, known)}; known: {', '.join(known) or 'none'}",
        )  # fmt: skip
    return _read(project.studies / f"{name}.yaml", project)


def diff_to(study: Study, params: Path) -> str:
    """What would change in params.yaml, as a unified diff; "" for nothing."""
    before = read_text(params) if params.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), study.text.splitlines(keepends=True), params.name, f"{study.name}.yaml"
    )
    return "".join(lines)


def _read(path: Path, project: Project) -> Study:
    return Study(path.stem, read_text(path), project.read_params(path))
