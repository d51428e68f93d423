"""What a scoring process is told of a series, and what it says of it: two JSON files in the series' folder.

A scoring process reads what strangers send: what it leaves behind is read as theirs would be, within bounds.
"""

import os
import stat
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from medfake.errors import StorageError, printable
from medfake.files import json_text, write_atomic
from medfake.metrics.scans import Verdict
from medfake.pacs.settings import Route
from medfake.serving.scoring import job_files

ORDER: Final = "order.json"
JUDGED: Final = "judged.json"
RESULTS: Final = "results"
GRAVITY: Final[tuple[str, ...]] = (Verdict.TAMPERED, Verdict.UNCERTAIN, Verdict.NOT_TAMPERED)
"""Verdicts, the gravest first."""
MOST_BYTES: Final = 32 << 20
"""Of what is said of a series: 1 MiB, and 124 bytes for each of a quarter of a million images."""
MOST_OBJECTS: Final = 10_000
MOST_IMAGES: Final = 250_000
_LONGEST_REASON: Final = 1000
_AGAIN: Final = "send the series again"
Digest = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
"""Of a file, of pixels, or a keyed pseudonym: no blank, at most as long as its column in the queue."""
Word = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(Verdict)})$")]
"""One of `Verdict`."""
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, path: Path) -> None:
        """Write it whole; it is on disk for good when this returns."""
        with write_atomic(path) as file:
            file.write(json_text(self.model_dump(mode="json")))
        job_files.synced_name(path)


Document = TypeVar("Document", bound=_Document)


class Order(_Document):
    """What there is to do.

    Attributes:
        caller: AE title that sent the series; "" where it was fetched.
        routes: Of the settings.
        pixels: Digests of the pixels that its instances had when they last came, by keyed pseudonym.
        judged_keys: What was judged of it before, see `Judged.key`.
        missing: Objects that were told of and have not come.
        files: That the series has here; None where nobody counted them.
    """

    caller: str
    routes: tuple[Route, ...]
    pixels: dict[str, str]
    judged_keys: tuple[str, ...]
    missing: int = 0
    files: int | None = None


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

    key: Digest
    objects: int = Field(default=0, ge=0, le=MOST_OBJECTS)
    results_key: Digest | None = None
    verdict: Word | None = None
    p_tampered: float | None = Field(default=None, ge=0, le=1)
    modality: str = Field(default="", pattern=r"^[ -~]{0,16}$")
    reason: str | None = None
    pixels: dict[Digest, Digest] = {}
    other_pixels: Count = 0

    @field_validator("reason")
    @classmethod
    def _fit_for_a_list(cls, value: str | None) -> str | None:
        """In one line that a terminal can show, and cut where nobody reads on."""
        if value is None:
            return None
        line = printable(" ".join(value[: 2 * _LONGEST_REASON].split()))
        return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."

    def write(self, path: Path) -> None:
        """Likewise.

        Raises:
            StorageError: It would be larger than what is read again.
        """
        if len(self.pixels) > MOST_IMAGES:
            raise StorageError(
                "a series has more images than are remembered", received=f"{len(self.pixels)} images",
                remedy=f"send it in parts of at most {MOST_IMAGES}",
            )  # fmt: skip
        super().write(path)


def read_order(folder: Path) -> Order:
    """What there is to do with a series.

    Raises:
        StorageError: The file is missing or damaged.
    """
    return _read(Order, folder / ORDER, None)


def read_judged(folder: Path) -> Judged | None:
    """What came of a series; None before.

    Raises:
        StorageError: The file is damaged.
    """
    return require_judged(folder) if os.path.lexists(folder / JUDGED) else None


def require_judged(folder: Path) -> Judged:
    """What came of a series.

    Raises:
        StorageError: The file is missing or damaged.
    """
    return _read(Judged, folder / JUDGED, MOST_BYTES)


def result_files(folder: Path) -> list[Path]:
    """Result objects of a series, in the order in which they are sent.

    Raises:
        StorageError: One is no file of its own, as a link that leads elsewhere, or there are more than are made.
    """
    results = folder / RESULTS
    if not os.path.lexists(results):
        return []
    found = sorted(results.glob("*.dcm"))
    odd = [one.name for one in found if not stat.S_ISREG(one.lstat().st_mode)]
    if odd or not stat.S_ISDIR(results.lstat().st_mode) or len(found) > MOST_OBJECTS:
        raise StorageError(
            "the results of a series are not as a scoring process leaves them", where=RESULTS,
            received=f"{len(found)} objects, {len(odd)} of them no files", remedy=_AGAIN,
        )  # fmt: skip
    return found


def _read(kind: type[Document], path: Path, most_bytes: int | None) -> Document:
    try:
        return kind.model_validate_json(_bytes_of(path, most_bytes))
    except (OSError, ValidationError) as error:
        raise StorageError(
            "what is kept of a series is missing or damaged", where=path.name, received=type(error).__name__,
            remedy=_AGAIN,
        ) from None  # fmt: skip


def _bytes_of(path: Path, most: int | None) -> bytes:
    """All of a file that is one by itself.

    Raises:
        OSError: It is a link, a pipe, or larger than it may be.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (most is not None and status.st_size > most):
            raise OSError
        return file.read() if most is None else file.read(most)
