"""Whether a detector can say anything of a scan: what made it, and which part of the body it shows."""

import re
from collections.abc import Mapping
from typing import Final

from medfake.dicom.fields import shown
from medfake.dicom.series import Series
from medfake.package.card import Card
from medfake.vocabulary import Modality

_SYNONYMS: Final = {
    "CHEST": ("CHEST", "THORAX", "LUNG", "LUNGS", "THORACIC"),
    "HEAD": ("HEAD", "BRAIN", "SKULL", "CEREBRUM", "CRANIUM"),
    "ABDOMEN": ("ABDOMEN", "ABDOMINAL"),
}
_PART_OF: Final = {word: part for part, words in _SYNONYMS.items() for word in words}
_RUN_TOGETHER: Final = {
    "ABDOMENPELVIS": ("ABDOMEN", "PELVIS"),
    "CHESTABDOMEN": ("CHEST", "ABDOMEN"),
    "CHESTABDPELVIS": ("CHEST", "ABDOMEN", "PELVIS"),
    "HEADNECK": ("HEAD", "NECK"),
    "NECKCHEST": ("NECK", "CHEST"),
    "NECKCHESTABDOMEN": ("NECK", "CHEST", "ABDOMEN"),
    "NECKCHESTABDPELV": ("NECK", "CHEST", "ABDOMEN", "PELVIS"),
}
"""Terms for several parts at once (PS3.16 annex L)."""
_SAYS_NOTHING: Final = {"ENTIREBODY", "WHOLEBODY", "BODY", "UNKNOWN", "OTHER"}
_SIDES: Final = {"LEFT", "RIGHT", "BOTH", "BILATERAL", "ENTIRE"}
_LEARNT_ANYWAY: Final = {Modality.XRAY: ("CHEST",)}
"""What detectors of a modality are taken to have learnt where the headers of their scans did not say."""
_PACKAGE: Final[dict[str, str]] = {Modality.CT: "builtin"}
_ANY_PACKAGE: Final = "models/DATASET/DETECTOR/seed-1"
_BY_ANOTHER: Final = "scan it with a detector of {} (--model)"
_THAT_PART: Final = "that part"


def why_unsuited(series: Series, card: Card) -> str | None:
    """Why a detector cannot judge a scan, and what can; None where it can.

    Another modality has other values. Of radiographs and MR, a scan whose header names a part of the body that the
    detector has not learnt is none of its scans either; of CT, lungs in view decide, whatever the header says.
    """
    if series.modality is not card.modality:
        return (
            f"{series.modality.scan}; the detector {card.detector} learnt from {card.modality}: "
            f"{_BY_ANOTHER.format(series.modality)}"
        )
    known, said = parts_known(card), _said(series)
    if known and said and not any(names_same_part(said, one) for one in known):
        return (
            f"{series.modality.scan} of {shown(said)} (0018,0015); the detector {card.detector} learnt from "
            f"{', '.join(known)}: {_BY_ANOTHER.format(_THAT_PART)}"
        )
    return None


def remedy_of(reasons: Mapping[str, int], modality: Modality) -> str:
    """What to do where nothing could be scored.

    Args:
        reasons: Why files were skipped, counted; `why_unsuited` may be among them.
        modality: Of the detector.

    Returns:
        To take a detector of the modality, or of the part of the body, that most files are of which wait for another
        one; else to give other files.
    """
    words = (*Modality, _THAT_PART)
    wait = {one: sum(n for why, n in reasons.items() if why.endswith(_BY_ANOTHER.format(one))) for one in words}
    other = max(wait, key=wait.__getitem__)
    if not wait[other]:
        return f"give a folder that holds {modality.files} as DICOM files"
    learnt = f"{modality} of {_THAT_PART}" if other == _THAT_PART else other
    return (
        f"scan it with a package that learnt from {learnt}: --model {_PACKAGE.get(other, _ANY_PACKAGE)}; "
        f"or give a folder that holds {modality.files}"
    )


def parts_known(card: Card) -> tuple[str, ...]:
    """Parts of the body that a detector judges; empty where any is taken."""
    return () if card.modality is Modality.CT else card.body_parts or _LEARNT_ANYWAY.get(card.modality, ())


def says_no_part(series: Series, card: Card) -> bool:
    """Whether a scan leaves open if it shows what the detector has learnt."""
    return bool(parts_known(card)) and not _said(series)


def names_same_part(one: str, other: str) -> bool:
    """Whether two terms for a part of the body say the same, or one says no more than the other.

    >>> names_same_part("THORAX", "CHEST"), names_same_part("CHESTABDOMEN", "CHEST"), names_same_part("HEAD", "CHEST")
    (True, True, False)
    """
    return _agree(_parts(one), _parts(other))


def _said(series: Series) -> str:
    """Body Part Examined (0018,0015) or Anatomic Region (0008,2218) of a scan; "" where they say nothing."""
    part = next((header.body_part for header in series.headers if header.body_part), "")
    return "" if "".join(re.findall(r"[A-Z]+", part)) in _SAYS_NOTHING else part


def _agree(one: set[str], other: set[str]) -> bool:
    """Whether one text says no more than the other: "chest" and "chest abdomen" do, upper and lower limbs do not."""
    return bool(one and other) and (one <= other or other <= one)


def _parts(text: str) -> set[str]:
    """Words of a text, each synonym by one name; its side says nothing of the part."""
    words = [part for word in re.findall(r"[A-Z]+", text.upper()) for part in _RUN_TOGETHER.get(word, (word,))]
    return {_PART_OF.get(word, word) for word in words} - _SIDES
