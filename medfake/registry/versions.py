"""Registered versions, as they are listed, shown and looked up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from medfake.config import TrackingParams
from medfake.errors import NoChampionError, RegistryError
from medfake.registry.registration import FIGURE, MODEL_NAME
from medfake.tracking.runs import connect
from medfake.tracking.store_errors import store_name, translated

CHAMPION, CHALLENGER = "champion", "challenger"
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Version:
    """One registered detector.

    Attributes:
        aliases: "champion", "challenger" or none.
        metric: Validation figure by which it was nominated; promotion compares this one.
        value: Of that figure; None where undefined.
        figures: All validation figures that are defined.
    """

    number: int
    aliases: tuple[str, ...]
    detector: str
    dataset: str
    dataset_sha256: str
    evidence: str
    package_sha256: str
    metric: str
    value: float | None
    run_id: str | None
    figures: dict[str, float]


def list_versions(tracking: TrackingParams) -> list[Version]:
    """All versions, newest first; empty when nothing was ever registered."""
    if not store_exists(tracking):
        return []
    client = connect(tracking)
    with translated(tracking.uri):
        models = client.search_registered_models(f"name = '{MODEL_NAME}'")
        found = client.search_model_versions(f"name = '{MODEL_NAME}'")
    aliases: dict[int, list[str]] = {}
    for alias, number in models[0].aliases.items() if models else ():
        aliases.setdefault(int(number), []).append(alias)
    return sorted((_version(one, aliases) for one in found), key=lambda one: -one.number)


def find_version(tracking: TrackingParams, wanted: str) -> Version:
    """A version by number or alias.

    Raises:
        NoChampionError: "champion" was asked for and nothing has been promoted.
        RegistryError: There is no such version.
    """
    versions = list_versions(tracking)
    for one in versions:
        if wanted in (str(one.number), *one.aliases):
            return one
    if wanted == CHAMPION:
        nominated = any(CHALLENGER in one.aliases for one in versions)
        raise NoChampionError(
            "no detector has been promoted yet",
            where=f"{MODEL_NAME} in {store_name(tracking.uri)}",
            remedy="medfake promote" if nominated else "dvc repro, then medfake promote",
        )
    remedy = "dvc repro -f nominate" if wanted == CHALLENGER else "medfake registry list"
    raise RegistryError(
        f"there is no {wanted}" if wanted == CHALLENGER else "there is no such version",
        where=f"{MODEL_NAME} in {store_name(tracking.uri)}",
        received=wanted,
        remedy=remedy,
    )


def package_of(tracking: TrackingParams, version: Version) -> Path:
    """Folder with the version's detector.onnx and card.json; fetched when the store is remote.

    Stores keep absolute paths. When nothing is left at such a path, the project was moved, and the files are looked for
    below the folder of artifacts that the study names.

    Raises:
        RegistryError: The files are gone.
    """
    client = connect(tracking)
    import mlflow

    with translated(tracking.uri):
        stored = urlparse(client.get_model_version_download_uri(MODEL_NAME, str(version.number)))
        if stored.scheme not in ("", "file"):
            uri = f"models:/{MODEL_NAME}/{version.number}"
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri)) / "artifacts"
    there = Path(unquote(stored.path))
    for folder in (there, Path(tracking.artifacts).joinpath(*there.parts[-3:])):  # models/<id>/artifacts
        if (folder / "artifacts").is_dir():
            return folder / "artifacts"
    raise RegistryError(
        "the files of this version are gone",
        where=there,
        received=f"{MODEL_NAME} version {version.number}",
        remedy="put the folder back, or `dvc repro -f nominate` to register the best detector anew",
    )


def store_exists(tracking: TrackingParams) -> bool:
    """Whether there is a store to ask; a missing SQLite file is not made just by looking."""
    return not tracking.uri.startswith(_SQLITE) or Path(tracking.uri.removeprefix(_SQLITE)).exists()


def _version(one: Any, aliases: dict[int, list[str]]) -> Version:
    tags = dict(one.tags)
    value = tags.get("value", "None")
    return Version(
        number=int(one.version),
        aliases=tuple(sorted(aliases.get(int(one.version), []))),
        detector=tags.get("detector", "unknown"),
        dataset=tags.get("dataset", "unknown"),
        dataset_sha256=tags.get("dataset_sha256", ""),
        evidence=tags.get("evidence", "unknown"),
        package_sha256=tags.get("package_sha256", ""),
        metric=tags.get("metric", ""),
        value=None if value == "None" else float(value),
        run_id=one.run_id,
        figures={key.removeprefix(FIGURE): float(text) for key, text in tags.items() if key.startswith(FIGURE)},
    )
