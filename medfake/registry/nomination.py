"""Who became challenger and why, as stage `nominate` writes it."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from medfake.files import read_json, write_json
from medfake.remedies import Stage, rerun

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Nomination:
    """Who became challenger and why.

    Attributes:
        protocol: Of the data set: by which rule patients were dealt to splits.
        validation_patients: On whose slices `value` rests; None where the card does not know.
        table: Validation figure of every candidate of the data set, best first.
        missing: Trainings of the study that have no package.
        notes: What a reader should know of how it was chosen, sentences.
    """

    version: int
    package_sha256: str
    detector: str
    dataset: str
    protocol: str
    validation_patients: int | None
    seed: int
    metric: str
    value: float
    table: tuple[tuple[str, float | None], ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def write_nomination(path: Path, nomination: Nomination | None) -> None:
    """Write JSON, byte-stable; null when nobody was nominated."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(nomination)} if nomination else None)


def read_nomination(path: Path) -> Nomination | None:
    """Read what `write_nomination` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    again = rerun(Stage.NOMINATE)
    return read_json(
        path, _nomination_of, missing="nothing was nominated here", damaged="the nomination cannot be read",
        make=again, again=again,
    )  # fmt: skip


def _nomination_of(values: Any) -> Nomination | None:
    return None if values is None else Nomination(**{one.name: values[one.name] for one in fields(Nomination)})
