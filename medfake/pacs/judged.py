"""What a scoring process is told of a series, and what it says of it: two JSON files in the series' folder."""

from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from medfake.errors import StorageError
from medfake.files import write_json
from medfake.metrics.scans import Verdict
from medfake.pacs.settings import Route

ORDER: Final = "order.json"
JUDGED: Final = "judged.json"
RESULTS: Final = "results"
GRAVITY: Final[tuple[str, ...]] = (Verdict.TAMPERED, Verdict.UNCERTAIN, Verdict.NOT_TAMPERED)
"""Verdicts, the gravest first."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, path: Path) -> None:
        """Write it whole."""
        write_json(path, self.model_dump(mode="json"))


Document = TypeVar("Document", bound=_Document)


class Order(_Document):
    """What there is to do.

    Attributes:
        caller: AE title that sent the series; "" where it was fetched.
        routes: Of the settings.
        pixels: Digests of the pixels that its instances had when they last came, by keyed pseudonym.
        judged_keys: What was judged of it before, see `Judged.key`.
        missing: Objects that were told of and have not come.
    """

    caller: str
    routes: tuple[Route, ...]
    pixels: dict[str, str]
    judged_keys: tuple[str, ...]
    missing: int = 0


class Judged(_Document):
    """What came of a series.

    Attributes:
        key: SHA-256 of its files, of the detector, thresholds and kinds of results: the same key means the same
            results.
        objects: Result objects that there are to be sent.
        results_key: SHA-256 of their UIDs; None where there are none. Files that differ may have the same results, as
            where a series comes by two ways.
        verdict: The gravest of its scans; None where none was judged.
        p_tampered: Of that scan.
        modality: As medfake calls it; "" where no image could be read.
        reason: Why there is no verdict, or what is missing beside it; None where nothing is.
        pixels: Digest of each instance's decoded pixels, by keyed pseudonym.
        other_pixels: Instances that came before with other pixels.
    """

    key: str
    objects: int = 0
    results_key: str | None = None
    verdict: str | None = None
    p_tampered: float | None = None
    modality: str = ""
    reason: str | None = None
    pixels: dict[str, str] = {}
    other_pixels: int = 0


def read_order(folder: Path) -> Order:
    """What there is to do with a series.

    Raises:
        StorageError: The file is missing or damaged.
    """
    return _read(Order, folder / ORDER)


def read_judged(folder: Path) -> Judged | None:
    """What came of a series; None before.

    Raises:
        StorageError: The file is damaged.
    """
    return _read(Judged, folder / JUDGED) if (folder / JUDGED).exists() else None


def require_judged(folder: Path) -> Judged:
    """What came of a series.

    Raises:
        StorageError: The file is missing or damaged.
    """
    return _read(Judged, folder / JUDGED)


def result_files(folder: Path) -> list[Path]:
    """Result objects of a series, in the order in which they are sent."""
    return sorted((folder / RESULTS).glob("*.dcm"))


def _read(kind: type[Document], path: Path) -> Document:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StorageError(
            "what is kept of a series is missing or damaged", where=path.name, received=type(error).__name__,
            remedy="send the series again",
        ) from None  # fmt: skip
