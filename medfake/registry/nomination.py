"""Who became challenger and why, as stage `nominate` writes it."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from medfake.errors import ManifestError
from medfake.files import write_json
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
    remedy = rerun(Stage.NOMINATE)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values is None:
            return None
        return Nomination(**{field.name: values[field.name] for field in fields(Nomination)})
    except FileNotFoundError:
        raise ManifestError("nothing was nominated here", where=path, remedy=remedy) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            "the nomination cannot be read", where=path, received=type(error).__name__, remedy=remedy
        ) from None  # fmt: skip
