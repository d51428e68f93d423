import io

from rich.console import Console

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.terminal import render

QUICK = Bootstrap(resamples=100)


def printed(comparison, width):
    console = Console(file=io.StringIO(), width=width)
    render(comparison, console)
    return console.file.getvalue()


def test_a_terminal_of_80_columns_shows_every_column(exact):
    text = printed(compare(exact, QUICK), 80)
    table = text.splitlines()[:8]
    assert "#  detector" in table[2]
    assert "AUC" in table[2]
    assert "scan AUC" in table[2]
    assert "VGG19" in table[4]
    assert table[4].rstrip().endswith("best")


def test_the_terminal_shows_the_papers_figures_and_what_ours_are_worth(exact, beside):
    text = printed(compare(exact, QUICK, published=beside), 100)
    assert "paper (leaky replica protocol)" in text
    assert "Phantom figures are no clinical evidence" in text
    assert "Research use only, not a diagnostic device." in text
