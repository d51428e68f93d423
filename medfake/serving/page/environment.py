"""Where the templates of pages come from, and what all of them may use."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from medfake.reports.sentences import RESEARCH_ONLY, number_text

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> "Environment":
    """Templates that escape all that they are given; a name that is missing is an error, not an empty place."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("medfake.serving.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number_text
    made.globals["research_only"] = RESEARCH_ONLY
    return made


def report_css() -> str:
    """Colours, type and tables of every page that medfake writes."""
    return files("medfake.reports").joinpath("templates", "report.css").read_text(encoding="utf-8")


def static_text(name: str) -> str:
    """A file of this room's `static` folder."""
    return files("medfake.serving.page").joinpath("static", name).read_text(encoding="utf-8")
