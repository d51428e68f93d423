"""One HTML page that holds a whole comparison: no script, no outside request, light and dark, wide and narrow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.files import write_atomic
from medfake.metrics.binary import HEADINGS, METRICS
from medfake.metrics.intervals import MetricsWithIntervals
from medfake.metrics.localisation import HIT_MM
from medfake.package.strongest_run import WINDOW_MM
from medfake.probes.report import ProbeReport, read_probes
from medfake.remedies import Stage, make
from medfake.reports import notes, plots, rows, sentences
from medfake.reports.comparison import Comparison, Result
from medfake.reports.published import LABEL, Published
from medfake.vocabulary import Split

if TYPE_CHECKING:
    from jinja2 import Environment

FURTHER: Final = tuple(name for name in METRICS if name not in rows.SHOWN)
_HIGHEST_FLOOR: Final = 0.4


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A further section of the page, such as a robustness curve or a probe.

    Attributes:
        heading: Of the section.
        text: One paragraph, plain text.
        svg: An `<svg>` element without outside references, as from `plots`; trusted.
        alt: What the drawing shows, in words.
    """

    heading: str
    text: str
    svg: str | None = None
    alt: str = ""


def probe_panel(probes: ProbeReport) -> Panel:
    """What the probes of a data set found, as a section for the report of a comparison."""
    found = [f"{one.name}: AUC {one.score}. {one.sentence}" for one in probes.findings]
    heading = f"Probes of data set {probes.dataset}: what it gives away besides the manipulation"
    return Panel(heading=heading, text=" ".join(found))


def probe_panels(files: Mapping[str, Path]) -> list[Panel]:
    """A section for the probes of each data set; where they have not run, the section says how they are.

    Args:
        files: Data set -> what `ProbeReport.write` wrote.
    """
    return [
        probe_panel(read_probes(path))
        if path.is_file()
        else Panel(heading=f"Probes of data set {name}", text=f"They have not run: {make(Stage.PROBE, name)}")
        for name, path in files.items()
    ]


@dataclass(frozen=True)
class SplitFacts:
    """What a split holds, for the table of facts."""

    name: str
    patients: int
    scans: int
    slices: int
    tampered: int
    manipulations: str


@dataclass(frozen=True)
class Bar:
    """Places of an interval bar, in percent of its width; None where there is nothing to draw."""

    point: float | None
    low: float | None
    high: float | None
    paper: float | None
    chance: float | None


def write_report(
    path: Path,
    comparison: Comparison,
    *,
    study: str = "",
    git_revision: str | None = None,
    panels: Sequence[Panel] = (),
) -> None:
    """Write the page.

    Args:
        path: HTML file, e.g. reports/comparison.html.
        comparison: What to show.
        study: Name of the params.yaml that it came from.
        git_revision: Of the code, for the lines that say how to reproduce; a page with it changes with every commit.
        panels: Further sections, after the data set's own.
    """
    with write_atomic(path) as file:
        file.write(report_html(comparison, study=study, git_revision=git_revision, panels=panels))


def report_html(
    comparison: Comparison, *, study: str = "", git_revision: str | None = None, panels: Sequence[Panel] = ()
) -> str:
    """The page as text; equal comparisons give equal text. Arguments as for `write_report`."""
    template = _environment(comparison).get_template("report.html.j2")
    return template.render(
        comparison=comparison,
        study=study,
        git_revision=git_revision,
        panels=panels,
        research_only=sentences.RESEARCH_ONLY,
        shown=rows.SHOWN,
        scans_shown=rows.SCANS_SHOWN,
        further=FURTHER,
        headings=HEADINGS,
        paper_label=LABEL,
        published_note=sentences.PUBLISHED_NOTE,
        hit_mm=HIT_MM,
        window_mm=WINDOW_MM,
    )


def split_facts(result: Result) -> tuple[SplitFacts, ...]:
    """Count patients, scans and slices of the validation and the test split."""
    facts = []
    for name, word in ((Split.VAL, "validation"), (Split.TEST, "test")):
        rows = result.entry.split(name)
        counts = rows.loc[rows["label"] == 1, "manipulation"].value_counts().sort_index()
        facts.append(
            SplitFacts(
                word,
                rows["patient_id"].nunique(),
                rows["scan_id"].nunique(),
                len(rows),
                int(rows["label"].sum()),
                ", ".join(f"{count} {manipulation}" for manipulation, count in counts.items()) or "none",
            )
        )
    return tuple(facts)


def scale_floor(results: Sequence[Result]) -> float:
    """Left end of a data set's AUC bars: 0.4, or the tenth below the lowest value."""
    lows = [interval.low for r in results if (interval := r.slices.intervals["auc"]) is not None]
    points = [auc for r in results if (auc := r.slices.metrics.auc) is not None]
    return min([_HIGHEST_FLOOR, *(math.floor(value * 10) / 10 for value in (*lows, *points))])


def auc_bar(measured: MetricsWithIntervals, published: Sequence[Published], floor: float) -> Bar:
    """Place a run's AUC, its interval and the paper's AUC on a bar from `floor` to 1."""
    interval = measured.intervals["auc"]
    paper = next((row.metrics["auc"] for row in published if "auc" in row.metrics), None)
    places = [
        None if value is None else round(100 * (value - floor) / (1 - floor), 2)
        for value in (
            measured.metrics.auc,
            interval.low if interval else None,
            interval.high if interval else None,
            paper,
            0.5,
        )
    ]
    return Bar(*places)


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
        "by_detector": rows.by_detector,
        "class_rows": rows.class_rows,
        "classes_head": rows.CLASSES_HEAD,
        "classes_note": rows.CLASSES_NOTE,
        "headline": lambda dataset: sentences.headline(comparison, dataset),
        "evidence": lambda dataset: notes.evidence_text(comparison, dataset),
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
    }
    return environment
