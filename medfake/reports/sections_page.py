"""Sections as one HTML page of their own, or as a piece of another; no outside request."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from medfake.reports.parts import Section
from medfake.reports.report import grouped, numeric
from medfake.reports.sentences import RESEARCH_ONLY

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a page says first.

    Attributes:
        eyebrow: Above the title, what the page is of.
        title: A question.
        lead: What is looked at.
        word: The answer in a word or two.
        sentence: The answer.
        reasons: A sentence each.
        steps: What to type or do next; what is typed stands between backquotes.
    """

    eyebrow: str
    title: str
    lead: str
    word: str
    sentence: str
    reasons: Sequence[str]
    steps: Sequence[str]


def answer_page(answer: Answer, sections: Mapping[str, Section]) -> str:
    """A whole page; equal arguments give equal text.

    Args:
        answer: What it says first.
        sections: By a short name that is unique on the page.
    """
    script = files("medfake.reports").joinpath("templates", "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _environment().get_template("answer_page.html.j2").render(
        answer=answer, sections=sections, script=script, script_digest=f"sha256-{digest}", research_only=RESEARCH_ONLY
    )  # fmt: skip


def answer_fragment(answer: Answer, sections: Mapping[str, Section]) -> str:
    """The same without head, header and foot, to stand in another page that has the report's style sheet."""
    return _environment().get_template("answer.html.j2").render(
        answer=answer, sections=sections, research_only=RESEARCH_ONLY
    )  # fmt: skip


def _typed(step: str) -> str:
    """What stands between backquotes as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(step))))  # noqa: S704  # it was escaped


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("medfake.reports", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["typed"] = _typed
    environment.globals |= {"grouped": grouped, "numeric": numeric}
    return environment
