"""A comparison on a terminal: the answer, a table, what to type next."""

from typing import TYPE_CHECKING, Final

from medfake.reports.sentences import RESEARCH_ONLY
from medfake.serving.monitoring.advice import Finding, advise
from medfake.serving.monitoring.comparison import Comparison, State
from medfake.serving.monitoring.sentences import beside_sentence, p_clause, percent, percent_interval, side_text

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {State.DRIFTED: "red", State.MOVED: "yellow", State.UNKNOWN: "dim", State.AS_BEFORE: ""}
_COLOURS: Final = {
    Finding.RETRAIN: "bold red",
    Finding.LOOK: "bold yellow",
    Finding.MOVED: "yellow",
    Finding.FINE: "bold green",
}


def render(found: Comparison, console: "Console") -> None:
    """Print a comparison; what comes from headers is never taken for markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    advice = advise(found)
    console.print(Text(beside_sentence(found)), soft_wrap=True)
    if found.compared:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in ("statistic", "before", "now", "PSI", "found"):
            table.add_column(heading, justify="right" if heading == "PSI" else "left", overflow="fold")
        for one in found.compared:
            psi, p = ("", "") if one.shift is None else (f"{one.shift.psi:.2f}", f", {p_clause(one.p_adjusted)}")
            cells = (one.statistic.title, side_text(one, one.before), side_text(one, one.now), psi, f"{one.state}{p}")
            table.add_row(*map(Text, cells), style=_STYLES[one.state])
        console.print(table)
    for share in found.shares:
        before = "" if share.before is None else f", before {percent(share.before)}"
        told = f"{share.verdict}: {percent(share.now)} ({percent_interval(share.now_interval)}){before}"
        console.print(Text(told), soft_wrap=True)
    console.print(
        Text(f"{advice.finding}: {advice.sentence}", style=_COLOURS.get(advice.finding, "bold")), soft_wrap=True
    )
    for reason in advice.reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    console.print(Text(RESEARCH_ONLY, style="dim"), soft_wrap=True)


def next_lines(found: Comparison) -> list[str]:
    """What to type next, a line each."""
    first, *others = advise(found).steps
    return [f"next: {first}", *(f"      {step}" for step in others)]
