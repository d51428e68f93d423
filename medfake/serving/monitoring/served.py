"""What is recorded of a scan that was served: a few numbers and words; no pixel, no identifier, no pseudonym.

A day is what is kept of the time. Drift takes days to show, while a second would tell whoever has a scanner's worklist
whose scan it was. Drift is of scans, so that nothing has to say which of them are of one patient.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from medfake.files import sha256_file
from medfake.package.card import AGGREGATION_FILE, ONNX_FILE
from medfake.package.scan_scores import counted_slices
from medfake.package.scan_statistics import word, yes_no
from medfake.serving.model import Model
from medfake.serving.report import ScanVerdict
from medfake.serving.verdict import Scored

SCHEMA_VERSION: Final = 1
UNREADABLE: Final = "unreadable"
WITHOUT_NUMBER: Final = "without a number"


@dataclass(frozen=True)
class ServedScan:
    """One scan that was served.

    Attributes:
        day: UTC, ISO 8601.
        model: Name of the detector.
        model_digest: Of its graphs, see `model_digest`.
        numbers: By the name of a statistic; None where the scan has none.
        words: Likewise.
        skipped: Slices without a score, by kind of reason.
    """

    day: str
    model: str
    model_digest: str
    numbers: dict[str, float | None]
    words: dict[str, str]
    skipped: dict[str, int]
    schema_version: int = SCHEMA_VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ServedScan":
        """The scan that `as_json` told.

        Raises:
            TypeError: The values are none of ours.
        """
        return cls(**values)


def served_scan(scored: Scored, verdict: ScanVerdict, model: Model, now: datetime | None = None) -> ServedScan:
    """Tell what is recorded of a scan.

    Args:
        scored: By `score_series`.
        verdict: By `judge`.
        model: That scored it.
        now: When that was; None for now.
    """
    first, scores = scored.series.headers[0], scored.scores
    known = np.isfinite(scores.slice_p)
    speaks = counted_slices(known, scores.shows_lung)
    lost = {UNREADABLE: len(scored.series.headers) - len(scored.headers), WITHOUT_NUMBER: int((~known).sum())}
    return ServedScan(
        day=(now or datetime.now(UTC)).astimezone(UTC).date().isoformat(),
        model=word(model.name),
        model_digest=model_digest(model.folder),
        numbers={
            **asdict(scored.pixels),
            "thickness_mm": first.thickness_mm,
            "spacing_mm": float(np.sqrt(first.spacing_mm[0] * first.spacing_mm[1])),
            "n_slices": float(verdict.n_slices),
            "p_tampered": verdict.p_tampered,
            "slice_p": float(np.median(scores.slice_p[speaks])) if speaks.any() else None,
        },
        words={
            "maker": word(first.manufacturer),
            "kernel": word(first.kernel),
            "rows": str(first.rows),
            "lossy": yes_no(any(header.lossy for header in scored.series.headers)),
            "transfer_syntax": word(first.transfer_syntax),
            "verdict": verdict.verdict,
        },
        skipped={kind: count for kind, count in lost.items() if count},
    )


def model_digest(package: Path) -> str:
    """What tells detectors apart whatever they are called: SHA-256 of the graphs of a package, shortened.

    Args:
        package: Its folder; read once for as long as its graphs are not written anew.
    """
    graphs = [path for name in (ONNX_FILE, AGGREGATION_FILE) if (path := package / name).is_file()]
    return _digest(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in graphs))


@lru_cache(maxsize=64)
def _digest(graphs: tuple[tuple[Path, int, int], ...]) -> str:
    return "-".join(sha256_file(path)[:16] for path, _, _ in graphs)
