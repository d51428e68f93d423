"""Drawings of monitoring under the policy of the service."""

import re

import pytest

from medfake.reports.drawing import SERIES, draw
from medfake.serving.page.monitoring import as_attributes
from tests.fixtures.browser import Browser
from tests.serving.page.conftest import Uploaded


def drawing() -> str:
    return draw(lambda axes: axes.plot([0, 1], [0, 1], color=SERIES[0], linewidth=2), (3, 2), "a test")


def test_no_style_is_left_and_none_is_lost() -> None:
    svg = drawing()
    html = as_attributes(svg)
    assert "style=" in svg
    assert "style=" not in html
    for declaration in re.findall(r'style="([^"]*)"', svg)[0].split("; "):
        name, value = declaration.split(": ")
        assert f'{name}="{value}"' in html


@pytest.mark.slow
def test_a_drawing_has_the_colours_of_the_page_that_lets_no_style_in(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(f"{uploaded.service.address}/detector")
    browser.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', {as_attributes(drawing())!r})")
    drawn = browser.evaluate(
        "[...document.querySelectorAll('main svg path')].map((one) => getComputedStyle(one).stroke)"
        ".filter((stroke) => stroke !== 'none')"
    )
    line = browser.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--series-1')")
    assert line
    assert "rgb(0, 114, 178)" in drawn  # series 1 on a light page
    assert browser.complaints == []
