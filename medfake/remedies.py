"""What to type so that DVC makes something anew; every remedy that names a stage is built here.

`dvc repro -f STAGE` would also run all that comes before the stage again, trainings of days included. So a stage is
named whole, and run alone (`-s`).
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Final

DATASET: Final = "{dataset}"  # stands for the name in a remedy that is written before the data set is known


class Stage(StrEnum):
    """Stages of dvc.yaml."""

    PHANTOM = "phantom"
    FORGE = "forge"
    INPAINTERS = "inpainters"
    BANK = "bank"
    GENERATE = "generate"
    SCANS = "scans"
    SLICES = "slices"
    CHECK = "check"
    PROBE = "probe"
    FEATURES = "features"
    TRAIN = "train"
    REPEAT = "repeat"
    STACK = "stack"
    TIMINGS = "timings"
    LATENT = "latent"
    BLANKED = "blanked"
    COMPARE = "compare"
    REPORT = "report"
    NOMINATE = "nominate"
    TRACK = "track"
    FORENSICS = "forensics"
    MEASURED = "measured"
    EXPLAIN = "explain"
    ROBUSTNESS = "robustness"
    DROP = "drop"


def stage_name(stage: Stage, *names: object) -> str:
    """A stage as DVC calls it, e.g. train@chest-RandomForest-1.

    Args:
        stage: Of dvc.yaml.
        names: What it is one of many by, in the order of dvc.yaml: the data set, then detector and seed where it has
            them; nothing for a stage that there is once, or for all of them.
    """
    return f"{stage}@{'-'.join(map(str, names))}" if names else str(stage)


def rerun(stage: Stage, *names: object) -> str:
    """Run one stage again although nothing changed, and nothing that comes before it; names as for `stage_name`."""
    return f"dvc repro -s -f {stage_name(stage, *names)}"


def make(stage: Stage, *names: object) -> str:
    """Run one stage and what it needs, as far as anything changed; names as for `stage_name`."""
    return f"dvc repro {stage_name(stage, *names)}"


def retrain(package: Path) -> str:
    """Train the package in a folder anew.

    Args:
        package: Folder of a package, where trainings put it; anything else is none that can be trained.
    """
    dataset, detector, seed = package.parts[-3:] if len(package.parts) >= 3 else ("", "", "")
    number = re.fullmatch(r"seed-(\d+)", seed)
    if number is None:
        return "dvc repro"
    if package.parts[-4:-3] == ("repeated",):
        return f"rm -r {package}, then {rerun(Stage.REPEAT)}"
    if package.parts[-4:-3] == ("stacked",):
        return rerun(Stage.STACK)
    return rerun(Stage.TRAIN, dataset, detector, number.group(1))
