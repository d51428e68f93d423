"""Which detector scans, since when, and whether the registry that it comes from answers: one line below every page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from medfake.serving.service.contract import ModelAnswer

_WELL: Final = ("ok", "none", "loading")


@dataclass(frozen=True)
class StatusLine:
    """A sentence or two; `worse` where somebody should look after it."""

    says: str
    worse: bool


def status_line(detector: ModelAnswer | None) -> StatusLine:
    """Say how the service stands.

    Args:
        detector: What scans; None until one is loaded.
    """
    if detector is None:
        return StatusLine("No detector is loaded yet: uploads wait.", worse=True)
    since = datetime.fromisoformat(detector.since).strftime("%Y-%m-%d %H:%M UTC")
    registry = detector.registry
    said = f" {registry.said[0].upper()}{registry.said[1:].removesuffix('.')}." if registry.said else ""
    return StatusLine(f"Scans with {detector.name} since {since}.{said}", worse=registry.state not in _WELL)
