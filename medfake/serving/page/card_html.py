"""A model card as HTML: it may come from anybody's package, so that no markup of its own survives."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from markdown_it.token import Token


def card_html(markdown: str) -> Markup:
    """Turn Markdown into HTML: paragraphs, lists, tables, code; tags stand as text, links lead nowhere unsafe.

    Args:
        markdown: From `medfake.reports.model_card.card_text`.

    Returns:
        Safe to put into a page below its h1: headings are one level lower, tables scroll sideways on their own.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])
    tokens = parser.parse(markdown)
    _lower_headings(tokens)
    html = parser.renderer.render([*_with_scrolling_tables(tokens)], parser.options, {})
    return Markup(html)  # noqa: S704 - markdown-it escapes all that is not its own


def _lower_headings(tokens: Sequence["Token"]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def _with_scrolling_tables(tokens: Sequence["Token"]) -> Iterator["Token"]:
    """Each table in a region of its own name, which keys can scroll."""
    from markdown_it.token import Token

    heading, number = "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[place + 1].content
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "table_open":
            number += 1
            label = escape(f"Table {number}: {heading}")
            opening = f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">\n'
            yield Token("html_block", "", 0, content=opening)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")
