"""One scan as a piece of work that another process can do: headers in, numbers out, no identifier of a patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import SliceHeader
from medfake.dicom.series import Series
from medfake.errors import ManifestError
from medfake.files import path_text
from medfake.package.card import graph_digests
from medfake.package.scan_scorer import ScanScorer, open_package
from medfake.package.scan_scores import ScanScores
from medfake.serving.report import SkippedFile
from medfake.serving.score import score_with
from medfake.serving.verdict import Scored, slice_name

if TYPE_CHECKING:  # what draws is loaded where something is drawn
    from medfake.serving.pictures import Pictures


@dataclass(frozen=True)
class PackageOnDisk:
    """A package that another process opens by itself.

    Attributes:
        folder: Of the package; workers of a cluster must see it.
        digests: SHA-256 of its graphs by file name: a worker that sees other ones refuses.
        threads: Of a process that works with it.
    """

    folder: Path
    digests: tuple[tuple[str, str], ...]
    threads: int

    @classmethod
    def of(cls, folder: Path, threads: int) -> "PackageOnDisk":
        """A package as it is now."""
        return cls(folder.resolve(), tuple(sorted(graph_digests(folder).items())), threads)


@dataclass(frozen=True)
class ScanTask:
    """A scan to be scored.

    Attributes:
        series: Without what identifies a patient.
        scan_id: Keyed pseudonym, which pictures are named after.
        package: What scores it.
        pictures: Where pictures go; None where none are wanted.
        digests_pixels: Whether it is wanted to know the same pixels again.
    """

    series: Series
    scan_id: str
    package: PackageOnDisk
    pictures: "Pictures | None" = None
    digests_pixels: bool = False


@dataclass(frozen=True)
class ScanAnswer:
    """What came of a scan.

    Attributes:
        decoded: Index along the series of each slice in `scores`.
        scores: Without the maps of places, which are as large as the scan; None where nothing could be scored.
        broken: Files without a score.
        pixels_sha256: As of `Scored`.
    """

    decoded: tuple[int, ...]
    scores: ScanScores | None
    broken: tuple[SkippedFile, ...]
    pixels_sha256: str = ""

    def scored(self, series: Series) -> Scored | None:
        """The scan with its scores; `series` with all that is known of it."""
        if self.scores is None:
            return None
        headers = tuple(series.headers[index] for index in self.decoded)
        return Scored(series, headers, self.scores, pixels_sha256=self.pixels_sha256)


def anonymous(series: Series) -> Series:
    """A series whose headers name no patient, study, series or image; nothing of that is needed to score it."""
    return replace(series, headers=tuple(map(_anonymous, series.headers)))


def score_task(task: ScanTask) -> ScanAnswer:
    """Score a scan in whichever process this is; the package stays open there.

    Raises:
        ManifestError: The package is not there, or another one than was meant.
        OutputRefusedError: A picture would replace what is none of ours.
    """
    return answer(task, _opened(task.package))


def answer(task: ScanTask, scorer: ScanScorer) -> ScanAnswer:
    """Score a scan with a package that is open."""
    digest = sha256()

    def observe(pixels: NDArray[np.int16]) -> None:
        if task.digests_pixels:
            digest.update(f"{pixels.shape[1:]}".encode() + pixels.astype("<i2").tobytes())

    scored, broken = score_with(task.series, scorer, observe)
    if scored is None:
        return ScanAnswer((), None, tuple(broken))
    if task.pictures is not None:
        from medfake.serving.pictures import draw_strongest

        draw_strongest(scored, task.scan_id, scorer, task.pictures)
    place = {id(header): index for index, header in enumerate(task.series.headers)}
    decoded = tuple(place[id(header)] for header in scored.headers)
    scores = replace(scored.scores, place_p=None, place_step_px=None)
    return ScanAnswer(decoded, scores, tuple(broken), digest.hexdigest() if task.digests_pixels else "")


def gave_up(task: ScanTask, reason: str) -> ScanAnswer:
    """The answer of a scan that cannot be scored at all."""
    names: Sequence[str] = [slice_name(header) for header in task.series.headers]
    return ScanAnswer((), None, tuple(SkippedFile(name, reason) for name in names))


def _anonymous(header: SliceHeader) -> SliceHeader:
    return replace(header, patient_id="", study_uid="", series_uid="", sop_uid="", frame_of_reference_uid="")


@lru_cache(maxsize=1)
def _opened(package: PackageOnDisk) -> ScanScorer:
    if tuple(sorted(graph_digests(package.folder).items())) != package.digests:
        raise ManifestError(
            "this worker does not see the detector that was meant", where=path_text(package.folder),
            remedy="keep the package in a folder that all workers see: medfake scan --model FOLDER",
        )  # fmt: skip
    return open_package(package.folder, package.threads)
