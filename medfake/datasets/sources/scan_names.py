"""What a label row calls a scan, and the scan that it means: found without guessing, or told with near matches."""

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from medfake.datasets.sources.labels import LabelRow, Labels

_SIMILAR = 0.6  # share of equal letters from which two names may be one
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Match:
    """What a name means.

    Attributes:
        scan: The one scan that it names; None when there is none or there are several.
        near: Scans that it names but for case, zeros in front of numbers, blanks and dashes, or folders above; the
            several ones, where there are several.
        similar: Scans of a similar name, the nearest first; those in `near` are not among them.
    """

    scan: str | None
    near: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """A clause for the end of a message, "" when nothing is near."""
        meant = (self.near or self.similar)[:3]
        return f", did you mean {' or '.join(map(repr, meant))}?" if meant else ""


class ScanNames:
    """Names of the scans of a tree, to look a label row's name up in."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(known)
        self._exact = set(self._known)
        self._plain: dict[str, list[str]] = defaultdict(list)
        self._loose: dict[str, list[str]] = defaultdict(list)
        self._last: dict[str, list[str]] = defaultdict(list)
        for name in self._known:
            self._plain[plain(name)].append(name)
            self._loose[_loose(name)].append(name)
            self._last[_last(name)].append(name)

    def match(self, name: str) -> Match:
        """Look a name up.

        The name itself counts first. Else it is the one scan of the same name when the form of accents (NFC, NFD), the
        kind of slashes, "./", a last slash and blanks at the ends are left out of account: these say nothing. Whatever
        else differs (case, a lost zero, a folder more) is near and no match.
        """
        if name in self._exact:
            return Match(name)
        if not name:
            return Match(None)
        same = self._plain[plain(name)]
        if len(same) == 1:
            return Match(same[0])
        near = same or self._loose[_loose(name)] or self._last[_last(name)]
        keys = [_key(one) for one in self._known]
        close = difflib.get_close_matches(_key(name), keys, max(1, len(keys)), _SIMILAR)
        similar = [one for text in dict.fromkeys(close) for one in self._known if _key(one) == text]
        return Match(None, tuple(near), tuple(one for one in similar if one not in near))


@dataclass(frozen=True)
class Resolved:
    """Label rows by the scans that they mean.

    Attributes:
        rows: Of each scan.
        spoilt: Scans with a row that cannot be read.
        counts: How many rows mean each scan, those that cannot be read included.
        unknown: Names that no scan has.
    """

    rows: dict[str, list[LabelRow]]
    spoilt: frozenset[str]
    counts: dict[str, int]
    unknown: dict[str, Match]

    def doubtful(self, name: str, known: Iterable[str]) -> set[str]:
        """Scans that an unknown name may mean.

        These are the near ones; of the similar ones those that no other row means, since what has rows of its own is
        seldom meant twice; and all of the latter when the name is empty.
        """
        match = self.unknown[name]
        return {*match.near, *((set(match.similar) if name else set(known)) - set(self.counts))}


def resolve(labels: Labels, known: Iterable[str]) -> Resolved:
    """Look every name of a label file up; two spellings of one scan's name come together."""
    names = ScanNames(known)
    rows: dict[str, list[LabelRow]] = defaultdict(list)
    spoilt: set[str] = set()
    counts: Counter[str] = Counter()
    unknown: dict[str, Match] = {}
    for name in labels.lines:
        match = names.match(name)
        if match.scan is None:
            unknown[name] = match
            continue
        counts[match.scan] += len(labels.lines[name])
        rows[match.scan] += labels.rows.get(name, [])
        if name in labels.spoilt:
            spoilt.add(match.scan)
    return Resolved(dict(rows), frozenset(spoilt), dict(counts), unknown)


def plain(name: str) -> str:
    """A scan's name in one form of accents and slashes."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").strip().split("/")
    return "/".join(part for part in parts if part not in ("", ".")) or "."


def _key(name: str) -> str:
    return plain(name).casefold()


def _loose(name: str) -> str:
    """Without what spreadsheets change: case, zeros in front of numbers, ".0" behind them, blanks, dashes."""
    text = unicodedata.normalize("NFKC", plain(name)).casefold().removesuffix(".0")
    text = _DIGITS.sub(lambda found: found[0].lstrip("0") or "0", text)
    return "".join(letter for letter in text if letter.isalnum() or letter in "/.")


def _last(name: str) -> str:
    return _loose(name).rpartition("/")[2]
