"""What labelling by neighbours calls tampered, to look at (Alsabbagh and Al-Kadi, figure 1)."""

from collections import Counter

from medfake.reports.neighbour_strip import STRIP_PNG, Strip, read_strip
from medfake.reports.parts import Section
from medfake.reports.sections.dataset_pictures import dataset_pictures
from medfake.reports.sections.registry import ReportInput, section

_SAID = (
    "Labelling by neighbours calls every slice tampered that lies close enough to a labelled one, whether or not the "
    "manipulation reaches it: a site may end before the last column, or go on beyond it."
)


@section("neighbours", order=70)
def neighbours(given: ReportInput) -> Section | None:
    """A strip a data set that has one."""
    pictures = dataset_pictures(given, "neighbours", STRIP_PNG, read_strip, _words)
    if not pictures:
        return None
    return Section(heading="Neighbours of labelled slices", nav="Neighbours", parts=[_SAID, *pictures])


def _words(name: str, strip: Strip) -> tuple[str, str]:
    counts = Counter(strip.rows)
    rows = ", then ".join(f"{count} {manipulation}" for manipulation, count in counts.items())
    empty = f" Grey: {strip.missing} slices that the data set does not hold." if strip.missing else ""
    caption = (
        f"{name}: from left to right the slices -{strip.k} to +{strip.k} of a labelled one, which is framed; "
        f"a ring marks the site. From the top {rows}. Lung window.{empty}"
    )
    return (
        f"Labelled slices of data set {name} with {strip.k} neighbours to either side; from the top {rows}.",
        caption,
    )
