"""UIDs of results, made of what was judged and by what: the same judgement gives the same, and is never sent twice.

They are 2.25.<number> of the first 128 bits of a SHA-256 (PS3.5 B.2 allows any number that a UUID could be).
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from medfake import __version__
from medfake.pacs.results.judgement import Judgement
from medfake.pacs.results.kinds import ResultKind

RESULTS_SCHEMA: Final = 2
"""Raised when results of the same judgement come out in another form."""
_BITS_BYTES: Final = 16
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST: Final = 64


def _digest(facts: object) -> str:
    return sha256(json.dumps(facts).encode()).hexdigest()


def derived_uid(*facts: str) -> str:
    """A UID of facts, in their order; at most 44 characters."""
    digest = sha256(json.dumps(facts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:_BITS_BYTES], 'big')}"


def is_uid(text: str) -> bool:
    """Whether archives can keep a UID (PS3.5 9.1); leading zeros, which some makers write, are let be."""
    return len(text) <= _LONGEST and _UID.fullmatch(text) is not None


@dataclass(frozen=True)
class ResultUids:
    """Of the results of one judgement.

    Attributes:
        facts: What they are made of: all that results say but for the time, or what that follows from.
    """

    facts: tuple[str, ...]

    @classmethod
    def of(cls, judgement: Judgement, source_sha256: str, kinds: Collection[ResultKind]) -> "ResultUids":
        """Nothing of them depends on the clock or on a file's name.

        What the detector found is not among them, as it follows from pixels, headers and package: the last digit of a
        probability, which another processor may give, makes no other results.

        Args:
            judgement: Of a scan.
            source_sha256: Of what results take from its files, pixels apart.
            kinds: That are made, as a report says other things where there is a segmentation that it can refer to.
        """
        card, series = judgement.model.card, judgement.scored.series
        thresholds = (card.threshold, card.scan_threshold_low, card.scan_threshold_high)
        return cls((
            "medfake results", str(RESULTS_SCHEMA), __version__, source_sha256, _digest(
                [(one.sop_uid, one.frame) for one in series.headers]  # scored or not: pictures count them
            ),
            judgement.content_sha256, judgement.package_sha256, judgement.model.name,
            *(f"{one:.17g}" for one in thresholds), judgement.thresholds_from, _digest(judgement.verdict.warnings),
            *sorted(judgement.findings), *sorted(kinds),
        ))  # fmt: skip

    def series(self, kind: ResultKind) -> str:
        """Series Instance UID (0020,000E) of a kind of result."""
        return derived_uid(*self.facts, "series", kind)

    def instance(self, kind: ResultKind, number: int) -> str:
        """SOP Instance UID (0008,0018) of the `number`-th object of a kind, from 1."""
        return derived_uid(*self.facts, "instance", kind, str(number))

    def tracking(self, what: str) -> str:
        """Tracking Unique Identifier (0062,0021) of a site or of the scan; the same in report and segmentation."""
        return derived_uid(*self.facts, "tracking", what)

    def dimensions(self) -> str:
        """Dimension Organization UID (0020,9164)."""
        return derived_uid(*self.facts, "dimensions")
