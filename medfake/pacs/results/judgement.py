"""What is said of a scan, and of which results a PACS is to get."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from medfake.errors import PacsError
from medfake.metrics.scans import Verdict
from medfake.package.scan_scores import Site
from medfake.serving.model import Model
from medfake.serving.report import ScanVerdict
from medfake.serving.verdict import Scored

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Finding(StrEnum):
    """What is found beside the detector's verdict; `codes` says it in coded terms."""

    SAME_UIDS_OTHER_PIXELS = "same_uids_other_pixels"


@dataclass(frozen=True)
class Judgement:
    """A scored scan with all that is said of it.

    Attributes:
        scored: The scan and what its detector says of the slices.
        verdict: On the scan.
        model: That scored; its card has the thresholds that were used.
        package_sha256: Of the package that scored, 64 hexadecimal digits.
        content_sha256: Of the pixels that were judged, likewise: other pixels under the same UIDs give other results.
        made: When, with a time zone; every date and time of the results comes from here.
        thresholds_from: A clause where a site's own calibration chose the thresholds; "" for the card's own.
        findings: Beside the detector's.
    """

    scored: Scored
    verdict: ScanVerdict
    model: Model
    package_sha256: str
    content_sha256: str
    made: datetime
    thresholds_from: str = ""
    findings: tuple[Finding, ...] = ()

    def require_whole(self) -> None:
        """See to it that results can be told apart and dated.

        Raises:
            PacsError: A digest is none, or `made` has no time zone.
        """
        for name, digest in (("package_sha256", self.package_sha256), ("content_sha256", self.content_sha256)):
            if not _DIGEST.fullmatch(digest):
                raise PacsError(
                    "UIDs of results are made of digests", where=name, received=f"{len(digest)} characters",
                    remedy="give SHA-256 as 64 lower-case hexadecimal digits",
                )  # fmt: skip
        if self.made.utcoffset() is None:
            raise PacsError("a result needs a time with its time zone", where="made", remedy="use datetime.now(UTC)")

    @property
    def sites(self) -> tuple[Site, ...]:
        """Those of the verdict, with the index of their slice, strongest first; none where it is "not tampered".

        The threshold of a slice may lie below that of the scan, as where a site chose the latter on scans of its own.
        """
        if self.verdict.verdict == Verdict.NOT_TAMPERED:
            return ()
        if not self.verdict.sites:  # scans that show no lung have none, whatever the detector says
            return ()
        threshold = self.model.card.threshold
        return tuple(site for site in self.scored.scores.sites if site.p >= threshold)

    @property
    def suspects(self) -> bool:
        """Whether the verdict is "tampered"; sites of other scans are places to look at, and no more."""
        return self.verdict.verdict == Verdict.TAMPERED

    @property
    def site_words(self) -> str:
        """What sites are called."""
        return "suspected of tampering" if self.suspects else "place looked at, uncertain whether tampered"

    @property
    def synthetic(self) -> str:
        """What medfake itself made of the scan, an `Evidence`; "" of others."""
        return next((header.synthetic for header in self.scored.headers if header.synthetic), "")

    def thresholds(self) -> Iterator[str]:
        """Those in use, a clause each."""
        card = self.model.card
        yield f"threshold of a slice {card.threshold:.6g}"
        yield f"scan not tampered below {card.scan_threshold_low:.6g}"
        yield f"scan tampered from {card.scan_threshold_high:.6g}"
