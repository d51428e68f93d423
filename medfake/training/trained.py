"""What a training leaves behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medfake.package.card import Agreement

OnEpoch = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """A trained detector that can be stored.

    Attributes:
        save: Writes detector.onnx, and detector.keras for networks, into a folder; raises ExportMismatchError.
        parameters: Of the whole network; None for classical models.
        calibration: "a" and "b" of Platt's sigmoid, or "temperature"; empty where none was fitted.
        weights: kind and sha256 of the initial weights.
        chosen: Options that a search within the train and val splits found.
        slices: Training slices that it learnt from, where these are fewer than the train split has.
        learning: How it was trained and calibrated where its kind does so in its own way, a clause each for the card.
        tables: What else travels with the package, text by file name, such as the candidates of a search.
    """

    save: Callable[[Path], Agreement]
    parameters: int | None
    calibration: dict[str, float] = field(default_factory=dict)
    weights: dict[str, str | None] = field(default_factory=lambda: {"kind": "none", "sha256": None})
    chosen: dict[str, Any] = field(default_factory=dict)
    slices: int | None = None
    learning: tuple[str, ...] = ()
    tables: dict[str, str] = field(default_factory=dict)
