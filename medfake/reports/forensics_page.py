"""One HTML page of what a package found on scans that it had not learnt from; no script, no outside request."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.files import write_atomic
from medfake.metrics.forensics import DETECTOR, EVERY, Forensics, Measured, WithinRow
from medfake.metrics.localisation import HIT_MM as HIT_3D_MM
from medfake.metrics.whole_scans import SITE_SLICES_MM
from medfake.metrics.within_slice import Figure, WithinSlice
from medfake.remedies import Stage, rerun
from medfake.reports.sentences import RESEARCH_ONLY, interval_text, number_text
from medfake.reports.site_pictures import site_pictures
from medfake.vocabulary import Evidence, Manipulation

WITHIN_NOTE: Final = (
    "Sites are compared with lung of the same slice. A comparison with untouched slices of other sources would measure "
    "scanners and exports as well."
)
BRIGHTNESS_NOTE: Final = (
    "Injected nodules are brighter than lung: brightness alone finds most of them, and few of the removed ones. The "
    "detector is judged by removals, and beside its controls."
)
KIND_TEXTS: Final = {
    str(Manipulation.REMOVED): "removed (FB)",
    str(Manipulation.INJECTED): "injected (FM)",
    str(Manipulation.GENERATED): "generated",
    EVERY: "together",
}
GROUP_TEXTS: Final = {
    "all": "All scans",
    "manipulation": "By manipulation",
    "generator": "By generator",
    "family": "By family of manipulations",
    "scanner": "By scanner",
    "patient": "By patient",
}


@dataclass(frozen=True)
class KindRows:
    """The detector and its controls on one kind of site."""

    name: str
    slices: int
    patients: int
    rows: tuple[WithinRow, ...]


def write_forensics_page(path: Path, measured: Measured, *, pictured: bool) -> None:
    """Write the page.

    Args:
        path: HTML file, e.g. reports/forensics/genuine.html.
        measured: Figures and slices.
        pictured: Whether slices are shown; those of one's own patients stay out of reports.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("medfake.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number_text, "interval": interval_text}
    found = measured.forensics
    with write_atomic(path) as file:
        file.write(
            environment.get_template("forensics.html.j2").render(
                found=found,
                headline=headline(found),
                evidence=found.evidence.sentence,
                learnt_from_phantom=_learnt_from_phantom(found),
                stats=stats(found),
                kinds=by_kind(found),
                perturbed=perturbed_rows(found),
                kind_texts=KIND_TEXTS,
                group_texts=GROUP_TEXTS,
                within_note=WITHIN_NOTE,
                brightness_note=BRIGHTNESS_NOTE,
                hit_3d_mm=HIT_3D_MM,
                site_slices_mm=SITE_SLICES_MM,
                pictures=site_pictures(measured.judged) if pictured else [],
                anew=rerun(Stage.FORENSICS, found.name),
                research_only=RESEARCH_ONLY,
            )
        )


def headline(found: Forensics) -> str:
    """Say in plain words how often the strongest place is right, on removals where there are any."""
    kind = next(row.kind for row in found.within if row.judge == DETECTOR)
    measured = found.row(DETECTOR, kind)
    if measured is None:
        return "Nothing was measured."
    chance = found.row("random lung place", kind)
    beside = f"; a random place of lung is right in {_percent(chance.hit_rate)}" if chance and found.maps else ""
    sites = "" if kind == EVERY else f"{KIND_TEXTS[kind]} "
    text = f"The strongest place is right in {_percent(measured.hit_rate)} of {measured.slices} {sites}slices{beside}."
    if found.whole:
        scans = found.whole.rows[0]
        text += f" Whole scans: AUC {_figure(scans.scan_auc)}."
    return text


def stats(found: Forensics) -> list[tuple[str, Figure | None, str]]:
    """(heading, figure, what it is of) of the three figures at the top, on removals where there are any."""
    kind = next(row.kind for row in found.within if row.judge == DETECTOR)
    measured = found.row(DETECTOR, kind)
    of = KIND_TEXTS[kind]
    named = [("Hit rate", "hit_rate"), ("Slice AUC", "slice_auc"), ("Window AUC", "window_auc")]
    return [(heading, getattr(measured, name) if measured else None, of) for heading, name in named]


def by_kind(found: Forensics) -> list[KindRows]:
    """The detector and its controls, a block for each kind of site."""
    kinds = list(dict.fromkeys(row.kind for row in found.within))
    return [_kind_rows(found, kind) for kind in kinds]


def perturbed_rows(found: Forensics) -> list[tuple[str, str, dict[str, WithinSlice]]]:
    """(name, what is done, figures by kind) of the untouched slices and of each perturbation."""
    rows: dict[str, tuple[str, str, dict[str, WithinSlice]]] = {}
    detector = [row for row in found.within if row.judge == DETECTOR]
    for row in (*detector, *found.perturbed):
        name = "as published" if row.judge == DETECTOR else row.judge
        says = "" if row.judge == DETECTOR else row.says
        rows.setdefault(name, (name, says, {}))[2][row.kind] = row.measured
    return list(rows.values())


def _kind_rows(found: Forensics, kind: str) -> KindRows:
    rows: Sequence[WithinRow] = [row for row in found.within if row.kind == kind]
    shown = rows if found.maps else rows[:1]  # controls judge the places of a map
    return KindRows(KIND_TEXTS[kind], rows[0].measured.slices, rows[0].measured.patients, tuple(shown))


def _learnt_from_phantom(found: Forensics) -> bool:
    return found.learnt_evidence is Evidence.PHANTOM


def _percent(figure: Figure) -> str:
    return "n/a" if figure.value is None else f"{100 * figure.value:.0f} %"


def _figure(figure: Figure) -> str:
    return f"{number_text(figure.value)} {interval_text(figure.interval)}".strip()
