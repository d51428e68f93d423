"""`dvc repro` as a child of this process, with a cache of its own, and what ended each stage that failed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from medfake.failures import FAILURES_VARIABLE, read_failures
from medfake.project import Project

SITE_CACHE_VARIABLE: Final = "DVC_SITE_CACHE_DIR"


def repro(project: Project, targets: Sequence[str] = ()) -> tuple[int, Mapping[str, str]]:
    """Run the stages of a project; what fails does not stop the rest. What DVC says goes where this process says it.

    Args:
        project: Its params are read first, so that a fault in them is told before DVC begins.
        targets: Stages; all of them when left out.

    Returns:
        DVC's exit code, and by the name of every stage that failed the error that ended it.

    Raises:
        ConfigError: params.yaml has a wrong key, type or value.
    """
    _ = project.params
    with tempfile.TemporaryDirectory(prefix="medfake-") as folder:
        failures = Path(folder) / "failures.jsonl"
        code = subprocess.run(  # noqa: S603  # the dvc beside this interpreter, and no shell
            [str(Path(sys.executable).with_name("dvc")), "repro", "--keep-going", *targets],
            cwd=project.root, env={**dvc_environment(project), FAILURES_VARIABLE: str(failures)}, check=False,
        ).returncode  # fmt: skip
        return code, read_failures(failures)


def dvc_environment(project: Project) -> dict[str, str]:
    """Environment in which DVC keeps its cache of pickles where only this user can write.

    DVC unpickles what lies in its site cache (CVE-2025-69872), and without a word on where that is it shares a folder
    with everybody on the machine. `make setup` says so in .dvc/config.local; this is for projects without it.
    """
    folder = project.private / "dvc-site-cache"
    project.private.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return {SITE_CACHE_VARIABLE: str(folder), **os.environ}
