"""One HTML page that holds all that was found: no outside request, light and dark, wide, narrow and on paper."""

import base64
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.files import write_atomic
from medfake.metrics.binary import HEADINGS, METRICS
from medfake.metrics.localisation import HIT_MM
from medfake.package.strongest_run import WINDOW_MM
from medfake.reports import notes, plots, rows, sentences
from medfake.reports.answers import answers, worths
from medfake.reports.comparison import Comparison
from medfake.reports.interval_bar import auc_bar, scale_floor
from medfake.reports.parts import Cell, Details, Drawing, Part, Picture, Section, Table
from medfake.reports.published import LABEL
from medfake.reports.split_facts import split_facts

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST_BYTES: Final = 5_000_000
FURTHER: Final = tuple(name for name in METRICS if name not in rows.SHOWN)
_KINDS: Final[dict[type, str]] = {  # of parts -> what neighbours of that kind are together
    str: "text",
    Table: "table",
    Details: "details",
    Drawing: "drawings",
    Picture: "pictures",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a report says of where it comes from.

    Attributes:
        study: Name of the params.yaml.
        git_revision: Of the code, for the lines that say how to reproduce; a page with it changes with every commit.
        link: Address of the trainings side by side in MLflow's UI, "" for none.
    """

    study: str = ""
    git_revision: str | None = None
    link: str = ""


NOTHING: Final = About()


def write_report(path: Path, comparison: Comparison, sections: Mapping[str, Section], about: About) -> None:
    """Write the page.

    Args:
        path: HTML file, e.g. reports/report.html.
        comparison: What to show.
        sections: From `written_sections`, in their order, by name.
        about: The study.
    """
    page = report_html(comparison, sections, about)
    if len(page.encode()) > LARGEST_BYTES:
        logger.warning("%s has %.1f MB; mail and phones take %.0f", path, len(page) / 1e6, LARGEST_BYTES / 1e6)
    with write_atomic(path) as file:
        file.write(page)


def report_html(comparison: Comparison, sections: Mapping[str, Section] | None = None, about: About = NOTHING) -> str:
    """The page as text; equal comparisons give equal text. Arguments as for `write_report`."""
    script = files("medfake.reports").joinpath("templates", "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment(comparison)
        .get_template("report.html.j2")
        .render(
            comparison=comparison,
            study=about.study,
            git_revision=about.git_revision,
            link=about.link,
            sections=sections or {},
            script=script,
            script_digest=f"sha256-{digest}",
            research_only=sentences.RESEARCH_ONLY,
            shown=rows.SHOWN,
            scans_shown=rows.SCANS_SHOWN,
            further=FURTHER,
            headings=HEADINGS,
            metric=sentences.metric_text(comparison.metric),
            paper_label=LABEL,
            hit_mm=HIT_MM,
            window_mm=WINDOW_MM,
        )
    )


def grouped(parts: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    """Neighbouring parts of one kind: "text", "table", "details", "drawings" or "pictures"."""
    return [(kind, list(group)) for kind, group in groupby(parts, key=lambda part: _KINDS[type(part)])]


def numeric(table: Table, column: int) -> bool:
    """Whether a column holds numbers, which stand at its right end."""
    cells = [row[column] for row in table.rows]
    return any(isinstance(cell, Cell) and cell.value is not None for cell in cells)


def _environment(comparison: Comparison) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("medfake.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": sentences.number_text, "interval": sentences.interval_text, "p": sentences.p_text}
    environment.globals |= {
        "auc_bar": auc_bar,
        "against_rows": rows.against_rows,
        "negative_text": sentences.negative_text,
        "answers": lambda: answers(comparison),
        "class_rows": rows.class_rows,
        "classes_head": rows.CLASSES_HEAD,
        "classes_note": rows.CLASSES_NOTE,
        "headline": lambda dataset: sentences.headline(comparison, dataset),
        "grouped": grouped,
        "numeric": numeric,
        "notes": lambda dataset: notes.notes_text(comparison, dataset),
        "method": lambda dataset: sentences.method_text(comparison, dataset),
        "percent": sentences.percent_text(comparison),
        "place": sentences.place_text,
        "plots": plots,
        "published_of": rows.published_of,
        "run": sentences.run_text,
        "scale_floor": scale_floor,
        "scans_sentence": sentences.scans_sentence,
        "seed_rows": rows.seed_rows,
        "split_facts": split_facts,
        "split_text": sentences.split_text,
        "worths": lambda: worths(comparison),
    }
    return environment
