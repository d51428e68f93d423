"""What one image of an MR series shows of its contrast, by which images of several contrasts are told apart.

Echo Number and Echo Time (PS3.3 C.8.3.1, C.8.13.5.4), diffusion b-value (C.8.13.5.9), Complex Image Component
(C.8.13.3.1.4) and Image Type; temporal position (C.8.3.1, C.7.6.16.2.2) apart from them, because some scanners count
images by it.
"""

from dataclasses import dataclass
from typing import Any

from pydicom.multival import MultiValue

from medfake.dicom import fields
from medfake.dicom.fields import FunctionalGroups

_WORDS = (("echo", "EchoNumbers"), ("b", "DiffusionBValue"), ("TI", "InversionTime"))
_TIMES = ("TemporalPositionIdentifier", "TemporalPositionIndex")
_ECHO_TIMES = ("EchoTime", "EffectiveEchoTime")


@dataclass(frozen=True)
class Contrast:
    """Of one image.

    Attributes:
        words: What else differs between contrasts of a series, e.g. "echo 2", "b 1000", and Image Type.
        echo_ms: Echo Time (0018,0081), or Effective Echo Time (0018,9082); None where neither says.
        time: Temporal Position Identifier (0020,0100), or Index (0020,9128); None where neither says.
    """

    words: tuple[str, ...] = ()
    echo_ms: float | None = None
    time: int | None = None

    @property
    def said(self) -> str:
        """In words, e.g. "TE 90, b 1000"; "" where the header says nothing."""
        echo = [] if self.echo_ms is None else [f"TE {self.echo_ms:g} ms"]
        time = [] if self.time is None else [f"time {self.time}"]
        return ", ".join([*echo, *self.words, *time])


NO_CONTRAST = Contrast()


def contrast_of(groups: FunctionalGroups) -> Contrast:
    """What a header says; values that are no numbers count as not said."""
    numbers = [(word, fields.number(_first(groups.find_of_frame(keyword)))) for word, keyword in _WORDS]
    words = [f"{word} {number:.4g}" for word, number in numbers if number is not None]
    component = str(groups.find_of_frame("ComplexImageComponent") or "").strip().upper()
    kind = _joined(groups.find_of_frame("FrameType") or groups.find_of_frame("ImageType") or ())
    times = [fields.whole(groups.find_of_frame(keyword)) for keyword in _TIMES]
    echoes = [fields.number(groups.find_of_frame(keyword)) for keyword in _ECHO_TIMES]
    return Contrast(
        words=(*words, *(word for word in (component, kind) if word)),
        echo_ms=next((echo for echo in echoes if echo is not None), None),
        time=next((time for time in times if time is not None), None),
    )


def _first(value: Any) -> Any:
    """Echo Numbers (0018,0086) may hold several."""
    return value[0] if _is_several(value) and value else value


def _joined(image_type: Any) -> str:
    parts = image_type if _is_several(image_type) else [image_type]
    return "\\".join(str(part).strip().upper() for part in parts)


def _is_several(value: Any) -> bool:
    return isinstance(value, (MultiValue, list, tuple))
