"""What was found about one trained detector, as a file: the whole of reports/explain/<data set>/<detector>/seed-<n>."""

from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from medfake.explain.curves import CurveFigures
from medfake.explain.pointing import Pointing
from medfake.files import read_json, write_json
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence, Manipulation

FILE: Final = "explain.json"
SCHEMA_VERSION: Final = 1
_DIGITS: Final = 6


class Shown(BaseModel):
    """A picture of the gallery.

    Attributes:
        file: Beside the record; a PNG.
        why: "best", "worst" or "most uncertain".
        p_tampered: Of the slice, as the detector predicted it.
        hit: Whether the peak of the map lies at the site.
        peak: Whether the map has one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    why: str
    manipulation: Manipulation
    patient_id: str
    p_tampered: float
    hit: bool
    peak: bool


class Explained(BaseModel):
    """What a trained detector looks at, measured on test slices.

    Attributes:
        method: Name of the explanation.
        says: What its maps show, a clause.
        evidence: What figures on the data set are worth.
        hit_mm: Largest distance of a hit, in the slice's plane.
        pointing: None where no manipulated test slice has a known site.
        shares: Of pixels, at which curves have their points.
        curves: None as `pointing`, or where the study does without.
        pictures: The gallery; `no_pictures` says why there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    dataset: str
    dataset_sha256: str
    detector: str
    seed: int
    evidence: Evidence
    method: str
    says: str
    hit_mm: float
    pointing: Pointing | None
    shares: tuple[float, ...]
    curves: CurveFigures | None
    pictures: tuple[Shown, ...] = ()
    no_pictures: str = ""


def write_record(folder: Path, found: Explained | None) -> None:
    """Write a record, byte-stable; None says that the study leaves explanations out."""
    write_json(folder / FILE, None if found is None else _rounded(found.model_dump(mode="json")))


def read_record(folder: Path) -> Explained | None:
    """Read a record; None where the study left explanations out.

    Raises:
        ManifestError: It is missing, or none of ours.
    """
    return read_json(
        folder / FILE,
        lambda values: None if values is None else Explained.model_validate_json(_text(values)),
        missing="this detector was not explained",
        damaged="this record of an explanation cannot be read",
        make=make(Stage.EXPLAIN, *_names(folder)),
        again=rerun(Stage.EXPLAIN, *_names(folder)),
    )


def _names(folder: Path) -> tuple[str, str, str]:
    """Data set, detector and seed, as the folder has them."""
    *_, dataset, detector, seed = folder.parts
    return dataset, detector, seed.removeprefix("seed-")


def _text(values: Any) -> str:
    import json

    return json.dumps(values)


def _rounded(values: Any) -> Any:
    """Digits that no machine agrees on are left out."""
    if isinstance(values, dict):
        return {name: _rounded(one) for name, one in values.items()}
    if isinstance(values, list):
        return [_rounded(one) for one in values]
    return round(values, _DIGITS) if isinstance(values, float) else values
