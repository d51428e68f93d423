"""The series of a job's files, each of which is announced before it is opened, should it end the process."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from medfake.dicom.header import SliceHeader, read_headers
from medfake.dicom.series import Series, group_series
from medfake.errors import DicomError
from medfake.files import path_text
from medfake.logs import redact
from medfake.serving.scoring.job_files import Bad, LeftOut, Received, name_told
from medfake.serving.scoring.worker_messages import Start

_NUMBER: Final = re.compile(r"\d{1,18}")


def series_of_job(
    files: Path, received: Sequence[Received], bad: Bad, limits: Start, tell: Callable[..., object]
) -> tuple[list[Series], list[LeftOut]]:
    """All series of a job, and the files that belong to none.

    Args:
        files: Folder below which they lie.
        received: Their places, and the names that their client gave them.
        bad: Those that ended a process are not opened again.
        limits: How much is taken.
        tell: Is told, in the fields of `Told`, which file is read next.
    """
    headers: list[SliceHeader] = []
    left_out: list[LeftOut] = []
    for one in sorted(received, key=lambda one: _natural(one.name)):
        if one.place in bad.files:
            left_out.append(LeftOut(one.name, bad.files[one.place], "process"))
            continue
        tell(file=one.place)
        try:
            found = read_headers(files / one.place)
        except DicomError as error:
            kind = type(error).__name__.removesuffix("Error")
            left_out.append(LeftOut(one.name, redact(error.reason), kind))
            continue
        if found[0].rows * found[0].cols > limits.slice_pixels:
            reason = f"slices of {found[0].rows} x {found[0].cols} pixels are more than the service takes"
            left_out.append(LeftOut(one.name, reason, "too-large"))
            continue
        headers += found
    series, repeated = group_series(headers)
    names = {one.place: one.name for one in received}
    left_out += [LeftOut(name_told(path_text(one.path), files, names), one.reason, "repeated") for one in repeated]
    return series, left_out


def _natural(name: str) -> tuple[str, int, str]:
    """Order of names: by folder, then as people count."""
    folder, _, last = name.rpartition("/")
    digits = _NUMBER.search(last)
    return folder, int(digits[0]) if digits else -1, last
