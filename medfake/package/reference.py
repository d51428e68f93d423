"""reference.json: how the scans looked that a detector learnt from, so that those it is served can be set against them.

It travels with a package. Values of each statistic stand sorted by themselves, so that nobody can put those of one
scan together; there are no identifiers and no pseudonyms.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from medfake.errors import ManifestError
from medfake.files import write_json
from medfake.package.scan_statistics import NUMBERS, WORDS
from medfake.vocabulary import Evidence

REFERENCE_FILE: Final = "reference.json"
MOST_VALUES: Final = 500
"""Of a number; of more scans as many quantiles stand for them, and count as so many scans."""
_DIGITS = 5  # significant ones: what is beyond them may differ from machine to machine

Values = Mapping[str, float | str | None]
"""Of one scan, by the name of the statistic; what it lacks is None or absent."""


class Reference(BaseModel):
    """The scans that a detector knows.

    Attributes:
        of: Which scans, a clause, e.g. "the train and val scans of data set chest".
        evidence: What figures on them are worth; None where nobody knows.
        scans: How many.
        whole: Whether they were scored whole, as served scans are. Otherwise only some slices of each are known, and
            scores and numbers of slices are not comparable with those of served scans.
        graph_sha256: Of the graph whose scores they are.
        numbers: By statistic: values, ascending, of the scans that have one.
        words: By statistic: word -> scans.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    of: str
    evidence: Evidence | None
    scans: int
    whole: bool
    graph_sha256: str
    numbers: dict[str, tuple[float, ...]]
    words: dict[str, dict[str, int]]


def make_reference(
    inputs: Sequence[Values], scores: Sequence[Values], *, of: str, evidence: Evidence | None, whole: bool, graph: str
) -> Reference:
    """Put scans together.

    Args:
        inputs: Of each scan, statistics of its pixels and header.
        scores: Of each scan whose scores count, statistics of these; untampered ones, which is what a hospital has, of
            patients that the detector has not learnt from.
        of: As of `Reference`.
        evidence: Likewise.
        whole: Likewise.
        graph: SHA-256 of detector.onnx.
    """
    both = [*inputs, *scores]
    return Reference(
        of=of,
        evidence=evidence,
        scans=len(inputs),
        whole=whole,
        graph_sha256=graph,
        numbers={name: few for name in NUMBERS if (few := _values(one.get(name) for one in both))},
        words={name: counts for name in WORDS if (counts := _counts(one.get(name) for one in both))},
    )


def write_reference(path: Path, reference: Reference) -> None:
    """Write it, byte-stable."""
    write_json(path, reference.model_dump(mode="json"))


def read_reference(path: Path) -> Reference | None:
    """Read what `write_reference` wrote; None where there is no such file.

    Raises:
        ManifestError: It is none of ours, or of another version.
    """
    try:
        return Reference.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError) as error:
        faults = f"{error.error_count()} faults" if isinstance(error, ValidationError) else "no UTF-8 text"
        raise ManifestError(
            "this is no reference of scans that medfake can read", where=path, received=faults,
            remedy=f"write it anew: medfake monitor reference FOLDER --out {path}",
        ) from None  # fmt: skip


def _values(values: Iterable[float | str | None]) -> tuple[float, ...]:
    known = np.sort([float(value) for value in values if value is not None])
    known = known[np.isfinite(known)]
    if len(known) > MOST_VALUES:
        known = np.quantile(known, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
    return tuple(float(f"{value:.{_DIGITS}g}") for value in known)


def _counts(words: Iterable[float | str | None]) -> dict[str, int]:
    return dict(sorted(Counter(str(one) for one in words if one is not None).items()))
