"""What is kept of a scan to see drift by: a few numbers and words of its pixels, header and scores; no identifier.

The same names stand in what is recorded of served scans and in a package's reference.json, so that both are comparable.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from medfake.logs import redact

NOT_SAID: Final = "not said"
_LONGEST = 48  # characters of a word from a header


class Of(StrEnum):
    """What a statistic is of."""

    PIXELS = "pixels"
    HEADER = "header"
    SCORES = "scores"


@dataclass(frozen=True)
class Statistic:
    """A number, or a word where `words`, that a scan has.

    Attributes:
        name: Key, in records and in reference.json.
        title: For a reader.
        unit: Behind its numbers; "" without one.
        whole: Whether it differs between a whole scan and the few slices of it that a data set keeps.
        tested: Whether a change of it is drift; other words are counted only.
    """

    name: str
    title: str
    of: Of
    unit: str = ""
    words: bool = False
    whole: bool = False
    tested: bool = True


STATISTICS: Final = {
    one.name: one
    for one in (
        Statistic("lung_hu", "lung density", Of.PIXELS, "HU"),
        Statistic("noise_hu", "noise in the lung", Of.PIXELS, "HU"),
        Statistic("sharpness", "noise sharpness", Of.PIXELS),
        Statistic("air_fraction", "share of air", Of.PIXELS),
        Statistic("thickness_mm", "slice thickness", Of.HEADER, "mm"),
        Statistic("spacing_mm", "pixel spacing", Of.HEADER, "mm"),
        Statistic("n_slices", "slices", Of.HEADER, whole=True),
        Statistic("maker", "maker", Of.HEADER, words=True),
        Statistic("kernel", "kernel", Of.HEADER, words=True),
        Statistic("rows", "rows", Of.HEADER, words=True),
        Statistic("lossy", "compressed with loss", Of.HEADER, words=True),
        Statistic(
            "transfer_syntax", "transfer syntax", Of.HEADER, words=True, tested=False
        ),  # an archive's, no scanner's
        Statistic("p_tampered", "P(tampered) of scans", Of.SCORES, whole=True),
        Statistic("slice_p", "P(tampered) of slices", Of.SCORES, whole=True),
        Statistic("verdict", "verdict", Of.SCORES, words=True, whole=True),
    )
}
"""By name, in the order in which they are shown. `slice_p` is the median of the slices that speak for the scan."""
NUMBERS: Final = tuple(name for name, one in STATISTICS.items() if not one.words)
WORDS: Final = tuple(name for name, one in STATISTICS.items() if one.words)


def word(value: object) -> str:
    """A word of a header as records keep it: one short line, without what identifies the patient of the file."""
    text = "".join(one if one.isprintable() else "?" for one in redact(str(value).strip()))
    return text[:_LONGEST] or NOT_SAID


def yes_no(value: object) -> str:
    """A truth as a word."""
    return "yes" if value else "no"
