"""From what stage `forensics` measured to the card of the package that it measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from medfake.errors import ManifestError
from medfake.files import read_json
from medfake.metrics.forensics import DETECTOR, EVERY, Forensics, WithinRow
from medfake.metrics.place_controls import Control
from medfake.metrics.whole_scans import ScanFigures
from medfake.metrics.within_slice import Figure
from medfake.package.card import ONNX_FILE, Card, graph_digests, read_card
from medfake.package.measured import Elsewhere, Figures
from medfake.remedies import Stage, rerun

CLEAN: Final = "clean"
WITHIN: Final = ("window_auc", "slice_auc", "hit_rate")
WHOLE: Final = ("scan_auc", "slice_auc", "hit_rate", "sensitivity", "specificity")


def read_forensics(path: Path) -> Forensics:
    """Read figures that stage `forensics` wrote.

    Raises:
        ManifestError: They are missing or none of ours.
    """
    build = TypeAdapter(Forensics).validate_python
    return read_json(
        path, build, missing="there is no measurement", damaged="the measurement cannot be read",
        make=rerun(Stage.FORENSICS, path.stem), again=rerun(Stage.FORENSICS, path.stem),
    )  # fmt: skip


def card_with(package: Path, measured: Path) -> Card:
    """The card of a package with what was measured of it, in place of an earlier measurement of that name.

    Args:
        package: Folder.
        measured: reports/forensics/NAME.json.

    Raises:
        ManifestError: The measurement is of another graph than the package has, or one of both cannot be read.
    """
    card, found = read_card(package), read_forensics(measured)
    digests = graph_digests(package)
    if found.graphs != digests:
        raise ManifestError(
            "these figures are of other graphs than this package has", where=measured,
            received=f"{_short(found.graphs)}, not {_short(digests)}",
            remedy=f"measure this package: {rerun(Stage.FORENSICS, found.name)}",
        )  # fmt: skip
    others = [one for one in card.elsewhere if one.name != found.name]
    facts: dict[str, Any] = {"elsewhere": (*others, _elsewhere(found)), "graphs": digests}
    if found.perturbed:
        facts |= {"robustness": _robustness(found), "robustness_on": found.name}
    return Card.model_validate(card.model_copy(update=facts).model_dump())


def _short(digests: Mapping[str, str]) -> str:
    return " ".join(f"{name} {digest[:12]}" for name, digest in sorted(digests.items())) or "no graph"


def _elsewhere(found: Forensics) -> Elsewhere:
    return Elsewhere(
        name=found.name,
        graph_sha256=found.graphs[ONNX_FILE],
        evidence=found.evidence,
        scans=found.scans,
        untouched=found.untouched,
        patients=found.patients,
        paired=found.whole.paired if found.whole else 0,
        within=tuple(_within(row) for row in found.within if row.judge in (DETECTOR, *Control)),
        whole=tuple(_whole(row) for row in (found.whole.rows if found.whole else ()) if row.by in _SHOWN),
    )


_SHOWN: Final = ("all", "manipulation", "generator")  # patients and scanners are told on the page


def _within(row: WithinRow) -> Figures:
    kind = row.kind if row.judge == DETECTOR else f"{row.kind}, {row.judge}"
    return _figures(kind, row.measured.slices, {name: getattr(row.measured, name) for name in WITHIN})


def _whole(row: ScanFigures) -> Figures:
    return _figures(row.name, row.tampered, {name: getattr(row, name) for name in WHOLE})


def _figures(of: str, count: int, figures: dict[str, Figure]) -> Figures:
    edges = {name: one.interval for name, one in figures.items()}
    return Figures(
        of=of, count=count, metrics={name: one.value for name, one in figures.items()},
        intervals={name: (one.low, one.high) if one else None for name, one in edges.items()},
    )  # fmt: skip


def _robustness(found: Forensics) -> dict[str, dict[str, float]]:
    """Of all labelled slices, by what they went through."""
    rows = {CLEAN if row.judge == DETECTOR else row.judge: row for row in (*found.within, *found.perturbed)
            if row.kind == EVERY and (row.judge == DETECTOR or row in found.perturbed)}  # fmt: skip
    return {name: _defined(row) for name, row in rows.items()}


def _defined(row: WithinRow) -> dict[str, float]:
    values = {name: getattr(row.measured, name).value for name in WITHIN}
    return {name: value for name, value in values.items() if value is not None}
