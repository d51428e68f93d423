"""What ended a stage, left for the command that started DVC: DVC itself tells that a stage failed, but not why."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from medfake.errors import MedfakeError

FAILURES_VARIABLE: Final = "MEDFAKE_FAILURES"  # a file; every stage that fails adds a line to it
_STAGE_VARIABLE: Final = "DVC_STAGE"  # DVC sets it for the command of each stage


def record_failure(error: Exception) -> None:
    """Add what ended this process to the file that the environment names; nothing where it names none.

    Args:
        error: An error of medfake is kept in full, of another one its kind alone: its text may name what it read.
    """
    path, stage = os.environ.get(FAILURES_VARIABLE), os.environ.get(_STAGE_VARIABLE)
    if not path or not stage:
        return
    text = str(error) if isinstance(error, MedfakeError) else type(error).__name__
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"stage": stage, "error": text}) + "\n")


def read_failures(path: Path) -> Mapping[str, str]:
    """What stages left in a file: stage -> error, in the order in which they failed."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {entry["stage"]: entry["error"] for entry in map(json.loads, lines)}
