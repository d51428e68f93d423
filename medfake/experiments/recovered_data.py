"""The data set of a run, brought into a copy of the project: from its folder, DVC's cache, a remote, or built anew."""

import configparser
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from medfake.config.yaml_file import read_yaml
from medfake.datasets.manifest import MANIFEST_FILE
from medfake.errors import ReproductionError
from medfake.experiments.dvc_repro import dvc_environment
from medfake.experiments.provenance import locked_outs
from medfake.experiments.scratch import Scratch
from medfake.files import sha256_file, write_atomic
from medfake.project import Project
from medfake.remedies import Stage, make, stage_name

_CACHE: Final = "cache-of-the-project"  # a remote of the copy
_DVC: Final = str(Path(sys.executable).with_name("dvc"))
Outs = Mapping[str, Sequence[Mapping[str, Any]]]  # of stages, as dvc.lock has them


def recover_data(scratch: Scratch, dataset: str, sha256: str, recorded: Outs) -> str:
    """Bring the very data set of a run into the copy.

    Args:
        scratch: Its params are those of the run.
        dataset: A key under `datasets`.
        sha256: Of the manifest.
        recorded: What stages had made when the run began; where it is empty, the dvc.lock of the commit and of today
            are asked.

    Returns:
        Where it came from, for a sentence.

    Raises:
        ReproductionError: It is gone; what was tried is told.
    """
    stage = stage_name(Stage.SLICES, dataset)
    here, there = scratch.project.slices / dataset, scratch.home.slices / dataset
    if _digest(there) == sha256:
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there)
        return "the project's folder"
    keep_own_cache(scratch)
    locks = [recorded, *(locked_outs(one.dvc_lock, [stage]) for one in (scratch.project, scratch.home))]
    for outs in locks:
        source = _pulled(scratch, stage, outs)
        if source and _digest(here) == sha256:
            return source
    scratch.point_home("datasets", dataset)
    if scratch.run(_DVC, "repro", stage) == 0 and _digest(here) == sha256:
        return "its scans, from which it was built again"
    built = _digest(here)
    raise ReproductionError(
        f"the data of this run are gone{': its scans give others now' if built else ''}",
        where=f"data set {dataset}, manifest {sha256[:12]}",
        received=f"not in {there}, DVC's cache or a remote; built again: {built[:12] if built else 'not possible'}",
        remedy=f"dvc pull {stage} where they were made, or train again: {make(Stage.TRAIN)}",
    )


def recover_banks(scratch: Scratch, recorded: Outs) -> None:
    """Bring the banks of a run into the copy, if they are anywhere; few detectors need them, and those say so."""
    _recover(scratch, recorded, stage_name(Stage.BANK), scratch.project.banks, scratch.home.banks)


def recover_scans(scratch: Scratch, dataset: str, recorded: Outs) -> None:
    """Bring the table of the scans of a run into the copy, if it is anywhere, for what looks at slices around others.

    The files of the scans stay where the project has them: nothing else has them.
    """
    here, there = scratch.project.scans / dataset, scratch.home.scans / dataset
    if not here.exists():  # else the data set was built again from it
        _recover(scratch, recorded, stage_name(Stage.SCANS, dataset), here, there)
    scratch.point_home("datasets", dataset)


def _recover(scratch: Scratch, recorded: Outs, stage: str, here: Path, there: Path) -> None:
    """From the folder of the project where that is still what the run had, or from DVC."""
    if stage not in recorded:
        return
    now = locked_outs(scratch.home.dvc_lock, [stage])
    if there.exists() and _digests(recorded, stage) == _digests(now, stage):
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there)
        return
    keep_own_cache(scratch)
    _pulled(scratch, stage, recorded)


def keep_own_cache(scratch: Scratch) -> None:
    """Give the copy a cache of its own, the project's cache as a remote, and the remotes that this machine knows."""
    config = configparser.RawConfigParser(strict=False)
    local = scratch.home.home / ".dvc/config.local"
    config.read(local, encoding="utf-8")
    for name in config.sections():
        url = config[name].get("url")
        if url and "://" not in url and not url.startswith("/"):
            config[name]["url"] = str((local.parent / url).resolve())
    for section, options in {
        "core": {"site_cache_dir": str(scratch.project.root.parent / "dvc-site-cache"), "analytics": "false"},
        "cache": {"dir": str(scratch.project.root.parent / "dvc-cache")},
        f"'remote \"{_CACHE}\"'": {"url": str(_cache_of(scratch.home))},
    }.items():
        if not config.has_section(section):
            config.add_section(section)
        config[section].update(options)
    with write_atomic(scratch.project.root / ".dvc/config.local") as file:
        config.write(file)


def _pulled(scratch: Scratch, stage: str, outs: Outs) -> str | None:
    """Where the outs of a stage were, None for nowhere."""
    if stage not in outs:
        return None
    lock = scratch.project.dvc_lock
    values = read_yaml(lock) if lock.exists() else {}
    values = values if isinstance(values, dict) else {}
    stages = values.setdefault("stages", {})
    stages[stage] = {"cmd": "as recorded", **stages.get(stage, {}), "outs": [dict(one) for one in outs[stage]]}
    values.setdefault("schema", "2.0")
    from ruamel.yaml import YAML

    with write_atomic(lock) as file:
        YAML(typ="safe").dump(values, file)
    for remote, words in ((("-r", _CACHE), "DVC's cache"), ((), "a remote of DVC")):
        if scratch.run(_DVC, "pull", *remote, stage, quiet=True) == 0:  # failing, the next is asked
            return words
    return None


def _cache_of(project: Project) -> Path:
    """Folder of a project's DVC cache."""
    done = subprocess.run(  # noqa: S603  # the dvc beside this interpreter, and no shell
        [_DVC, "cache", "dir"], cwd=project.root, env=dvc_environment(project), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return Path(done.stdout.strip())


def _digests(outs: Outs, stage: str) -> list[object]:
    return [one.get("md5") for one in outs.get(stage, ())]


def _digest(folder: Path) -> str | None:
    """Of a data set's manifest; None where there is none."""
    manifest = folder / MANIFEST_FILE
    return sha256_file(manifest) if manifest.is_file() else None
