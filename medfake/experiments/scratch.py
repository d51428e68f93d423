"""A copy of a project as it was at a commit, in a folder of its own: what runs there touches nothing of the project."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medfake.config.yaml_file import read_yaml
from medfake.datasets.pseudonyms import KEY_FILE, KEY_VARIABLE
from medfake.errors import ReproductionError
from medfake.experiments.dvc_repro import SITE_CACHE_VARIABLE
from medfake.experiments.provenance import with_paths
from medfake.files import write_atomic
from medfake.project import Project
from medfake.tracking.revisions import UNKNOWN

_ELSEWHERE: Final = ("DVC_", "MLFLOW_", "GIT_", "MEDFAKE_FAILURES")  # settings of what may have started this process
_OWN_TRACKING: Final = {"uri": "sqlite:///mlflow.db", "artifacts": "mlartifacts", "experiment": "reproduced"}
_HASH: Final = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Scratch:
    """A copy of a project at one of its commits.

    Attributes:
        home: The project that it is a copy of; only read.
        project: The copy, with its own store of runs, DVC cache and params.
    """

    home: Project
    project: Project

    def run(self, *command: str, quiet: bool = False) -> int:
        """Run a command in the copy, with the code of the copy.

        Args:
            command: Program and arguments.
            quiet: Whether what it says is dropped; else it goes to standard error.

        Returns:
            Its exit code.
        """
        said = subprocess.DEVNULL if quiet else sys.stderr.fileno()
        return subprocess.run(  # noqa: S603  # no shell
            command, cwd=self.project.root, env=self._environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            check=False,
        ).returncode  # fmt: skip

    def write_params(self, recorded: Mapping[str, Any]) -> None:
        """Write params.yaml: as at the commit, with the blocks that were recorded, and a store of its own.

        Args:
            recorded: Blocks without paths, which are looked for at the commit, then in the project's params.yaml of
                today.
        """
        at_commit = _mapping(read_yaml(self.project.params_file))
        now = _mapping(read_yaml(self.home.params_file))
        blocks = {key: with_paths(one, [at_commit.get(key), now.get(key)]) for key, one in recorded.items()}
        self._write({**at_commit, **blocks, "tracking": _OWN_TRACKING})

    def point_home(self, block: str, name: str) -> None:
        """Make paths of a block of params.yaml absolute that lead to something in the project and to nothing here."""
        values = _mapping(read_yaml(self.project.params_file))
        values[block][name] = self._pointed_home(values[block][name])
        self._write(values)

    def _pointed_home(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._pointed_home(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._pointed_home(one) for one in value]
        if not isinstance(value, str) or "/" not in value or (self.project.root / value).exists():
            return value
        there = self.home.home / value
        return str(there) if there.exists() else value

    def _write(self, values: Mapping[str, Any]) -> None:
        from ruamel.yaml import YAML

        with write_atomic(self.project.params_file) as file:
            YAML(typ="safe").dump(dict(values), file)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_ELSEWHERE)}
        key = self.home.private / KEY_FILE
        return {
            **kept,
            **({KEY_VARIABLE: str(key)} if key.exists() else {}),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
            "PYTHONPATH": str(self.project.root),  # the code of the copy, not the one that is installed
            SITE_CACHE_VARIABLE: str(self.project.root.parent / "dvc-site-cache"),
        }


def make_scratch(home: Project, commit: str, folder: Path) -> Scratch:
    """Check a commit of a project out into a folder.

    Args:
        home: The project; git's objects are read where they are, and nothing is written there.
        commit: Hash, full or short.
        folder: Empty.

    Raises:
        ReproductionError: Git does not keep the project, or the commit is gone.
    """
    gone = commit != UNKNOWN
    if not _HASH.fullmatch(commit) or _git(home.root, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise ReproductionError(
            "the commit of this run is gone" if gone else "this run names no commit: git did not keep the project",
            where=home.root, received=commit,
            remedy="git fetch --all from where it was pushed to, then the same command again" if gone
            else "git init, git add and git commit the project; then train again",
        )  # fmt: skip
    top = _said(_git(home.root, "rev-parse", "--show-toplevel"))
    below = _said(_git(home.root, "rev-parse", "--show-prefix"))
    copy = folder / "project"
    _said(_git(folder, "clone", "--quiet", "--shared", "--no-checkout", top, str(copy)))
    _said(_git(copy, "checkout", "--quiet", "--detach", commit))
    return Scratch(home, Project((copy / below).resolve()))


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # no shell


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode:
        raise ReproductionError(
            "git cannot copy the project", received=done.stderr.strip().rpartition("\n")[2],
            remedy="git status, then the same command again",
        )  # fmt: skip
    return done.stdout.strip()


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
