"""A model card as HTML."""

from medfake.package.card import graph_digests, read_card
from medfake.package.shipped import builtin_package
from medfake.reports.model_card import card_text
from medfake.serving.page.card_html import card_html


def test_markup_in_a_card_stands_as_text() -> None:
    html = card_html('# A <script>alert(1)</script>\n\n<img src="x" onerror="alert(2)">\n')
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_link_that_would_run_something_is_none() -> None:
    assert "<a" not in card_html("[press](javascript:alert(1))")


def test_no_picture_is_fetched_for_a_card() -> None:
    assert "<img" not in card_html("![seen](https://elsewhere.example/pixel.png)")


def test_headings_are_one_level_below_the_page_s_own() -> None:
    assert card_html("# one\n\n## two\n") == "<h2>one</h2>\n<h3>two</h3>\n"


def test_each_table_is_a_region_of_its_own_name() -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    html = card_html(f'## Figures "of" x\n\n{table}\n## More\n\n{table}')
    assert 'aria-label="Table 1: Figures &#34;of&#34; x"' in html
    assert 'aria-label="Table 2: More"' in html
    assert html.count('<div class="scroll"') == html.count("</table>\n</div>") == 2
    assert '<th scope="col">a</th>' in html


def test_the_whole_card_of_the_built_in_detector_is_shown() -> None:
    text = card_text(read_card(builtin_package()), graph_digests(builtin_package()))
    html = card_html(text)
    assert html.count("<h3>") == text.count("\n## ")
    assert html.count("<tr>") == sum(line.startswith("|") and "---" not in line for line in text.splitlines())
