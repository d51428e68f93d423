"""What a training was made from: code, params and data, kept in its package so that it can be done again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from medfake.config.yaml_file import read_yaml
from medfake.files import read_json, write_json
from medfake.package.card import PROVENANCE_FILE
from medfake.project import Project
from medfake.remedies import Stage, retrain, stage_name
from medfake.tracking.revisions import changed_files, commit

BLOCKS: Final = (
    "study", "phantom", "forged", "inpainters", "banks", "generators", "datasets", "detectors", "train", "evaluation",
)  # fmt: skip
"""Blocks of params.yaml that a training and its data follow from; others hold addresses, or come after it."""

_CODE: Final = ("medfake", "pipelines")  # folders that a training runs
_PERSONAL = "/"


class Provenance(BaseModel):
    """What a training was made from.

    Attributes:
        commit: Of git, all digits; "unknown" where git does not keep the project.
        changed: Files that differed from that commit, and files with code that were not in it, sorted.
        params: `BLOCKS` of params.yaml as they were; of a path only the last part is kept.
        outs: What dvc.lock said that stages had made which a training reads, by stage: path, digest, size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    commit: str
    changed: tuple[str, ...]
    params: dict[str, Any]
    outs: dict[str, list[dict[str, Any]]]

    @property
    def changed_code(self) -> tuple[str, ...]:
        """Files of `changed` that a training may run: with them it cannot be done again."""
        return tuple(one for one in self.changed if Path(one).parts[0] in _CODE)


def provenance_of(project: Project, dataset: str) -> Provenance:
    """What a training on a data set would be made from now."""
    values = read_yaml(project.params_file)
    params = values if isinstance(values, Mapping) else {}
    return Provenance(
        commit=commit(project.root),
        changed=changed_files(project.root, _CODE),
        params=without_paths({key: params[key] for key in BLOCKS if key in params}),
        outs=locked_outs(project.dvc_lock, stages_read(dataset)),
    )


def stages_read(dataset: str) -> list[str]:
    """Stages whose outs a training on a data set reads, features apart: it computes those where they are missing."""
    return [stage_name(Stage.SCANS, dataset), stage_name(Stage.SLICES, dataset), stage_name(Stage.BANK)]


def write_provenance(provenance: Provenance, package: Path) -> None:
    """Write provenance.json into a package, byte-stable."""
    write_json(package / PROVENANCE_FILE, provenance.model_dump(mode="json"))


def read_provenance(package: Path) -> Provenance | None:
    """What a package was made from; None of packages that are older than this file.

    Raises:
        ManifestError: The file cannot be read.
    """
    if not (package / PROVENANCE_FILE).exists():
        return None
    return read_json(
        package / PROVENANCE_FILE, Provenance.model_validate, missing="",
        damaged="what this package was made from cannot be read", make="", again=retrain(package),
    )  # fmt: skip


def locked_outs(lock: Path, stages: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What a dvc.lock says that some stages made; stages that it does not know are left out.

    Raises:
        ConfigError: The file is no YAML.
    """
    values = read_yaml(lock) if lock.exists() else None
    known = values.get("stages", {}) if isinstance(values, Mapping) else {}
    return {name: known[name]["outs"] for name in stages if known.get(name, {}).get("outs")}


def without_paths(value: Any) -> Any:
    """Values as they may leave this machine: of a path only its last part."""
    if isinstance(value, Mapping):
        return {key: without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    return Path(value).name if isinstance(value, str) and _PERSONAL in value else value


def with_paths(value: Any, known: Sequence[Any]) -> Any:
    """Undo `without_paths` where one of some known values has a path at the same place that ends alike.

    Args:
        value: As `without_paths` gave it.
        known: Like values with paths; the first that fits is taken.
    """
    if isinstance(value, Mapping):
        inner = [one for one in known if isinstance(one, Mapping)]
        return {key: with_paths(own, [one[key] for one in inner if key in one]) for key, own in value.items()}
    if isinstance(value, list):
        alike = [one for one in known if isinstance(one, list) and len(one) == len(value)]
        return [with_paths(own, [one[at] for one in alike]) for at, own in enumerate(value)]
    paths = (one for one in known if isinstance(one, str) and _PERSONAL in one and Path(one).name == value)
    return next(paths, value)
