import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from medfake.config import PublishedParams
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.interval_bar import auc_bar, scale_floor
from medfake.reports.parts import Cell, Details, Drawing, Picture, Section, Table
from medfake.reports.published import published_for
from medfake.reports.report import About, report_html, write_report
from medfake.reports.split_facts import split_facts
from medfake.vocabulary import Evidence

ABOUT = About(study="quickstart", git_revision="4e6c7d0")
QUICK = Bootstrap(resamples=100)
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements, ids, text, and whether tags are balanced."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def comparison(predict, enter):
    skills = {"ResidualCNN": 3.0, "MobileNetV3Large": 1.2, "RandomForest": 0.1}
    made = [predict(detector=name, skill=skill, localises=skill == 3.0) for name, skill in skills.items()]
    return compare([enter(frame, parameters=30_842) for frame in made], QUICK)


@pytest.fixture(scope="module")
def html(comparison):
    return report_html(comparison, about=ABOUT)


def test_the_page_loads_nothing_from_outside(html):
    assert not re.search(r"https?:", html)
    assert not re.search(r"@import|url\((?!#)", html)
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in {"link", "img", "iframe", "object", "embed"}]
    assert page.all("script") == [{}]
    assert "default-src 'none'" in html
    targets = [a["href"] for a in page.all("a")] + [u["xlink:href"] for u in page.all("use")]
    assert all(target.startswith("#") for target in targets)


def test_tags_are_balanced_ids_unique_and_every_link_has_its_target(html):
    page = Page(html)
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [a["href"][1:] for a in page.all("a")]
    labelled = [attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes]
    assert set(named + labelled) <= set(ids)


def test_every_table_has_a_caption_and_every_drawing_words(html):
    page = Page(html)
    assert len(page.all("table")) == len(page.all("caption")) > 8
    drawings = [a for _, a in page.elements if a.get("role") == "img"]
    assert len(drawings) == 3
    assert all(len(a["aria-label"]) > 40 for a in drawings)


def test_headings_go_down_one_level_at_a_time(html):
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_page_says_what_its_figures_are_worth(html):
    assert "Phantom figures are no clinical evidence" in html
    assert html.count("Research use only, not a diagnostic device.") >= 2


@pytest.mark.parametrize(
    ("evidence", "words"),
    [(Evidence.FORGED, "home-made fakes are no clinical evidence"), (Evidence.CLINICAL, "real scans")],
)
def test_other_evidence_has_other_words(predict, enter, evidence, words):
    html = report_html(compare([enter(predict(), evidence=evidence)], QUICK))
    assert words in html
    assert "Phantom" not in html


def test_the_page_holds_what_was_compared_and_how_to_make_it_anew(html, comparison):
    for text in (
        "ResidualCNN",
        "MobileNetV3Large",
        "RandomForest",
        "30,842 weights",
        "git checkout 4e6c7d0",
        "dvc repro",
    ):
        assert text in html
    for text in ("injected", "removed", "0" * 64, "medfake promote", "Hit rate"):
        assert text in html
    assert f"{comparison.results[0].slices.metrics.auc:.3f}" in html


def test_equal_comparisons_give_equal_pages(comparison, html):
    assert report_html(comparison, about=ABOUT) == html


def test_names_are_escaped(predict, enter):
    html = report_html(compare([enter(predict(detector="<b>&"))], QUICK), about=About(study="<script>"))
    assert "<b>&" not in html
    assert "study <script>" not in html


def test_no_patient_is_named(html):
    assert not re.search(r"\bp\d\d\b", html)


@pytest.fixture(scope="module")
def sections():
    table = Table(
        caption="Drops",
        head=("Detector", "AUC"),
        rows=[["RandomForest", Cell("0.70", 0.7, "[0.6, 0.8]")], ["SVM", "n/a"]],
        best=[0],
    )
    theirs = Table(caption="Printed", head=("Detector", "AUC"), rows=[["SVM", Cell("0.9", 0.9)]], theirs=[0])
    drawing = Drawing(svg="<svg></svg>", alt="a curve that falls", caption="falls")
    picture = Picture(png=b"\x89PNG\r\n\x1a\n", alt="a slice", caption="one slice")
    parts = ["AUC & noise", table, drawing, drawing, picture, Details(summary="More", parts=[theirs, "in <full>"])]
    return {"robustness": Section(heading="Robustness", nav="Noise", parts=parts)}


def test_sections_stand_on_the_page_with_their_parts(comparison, sections):
    html = report_html(comparison, sections)
    page = Page(html)
    assert page.open == []
    assert '<a href="#section-robustness">Noise</a>' in html
    assert '<h2 id="section-robustness">Robustness</h2>' in html
    assert "AUC &amp; noise" in html
    assert '<span class="value">0.70</span><span class="interval">[0.6, 0.8]</span>' in html
    assert html.count('<div role="img" aria-label="a curve that falls"><svg></svg></div>') == 2
    assert page.all("img") == [{"src": "data:image/png;base64,iVBORw0KGgo=", "alt": "a slice", "loading": "lazy"}]
    assert "in &lt;full&gt;" in html


def test_neighbouring_drawings_stand_side_by_side(comparison, sections):
    html = report_html(comparison, sections)
    robustness = html[html.index('id="section-robustness"') :]
    assert robustness.count('<div class="drawings">') == 1
    assert robustness.count('<div class="pictures">') == 1


def test_tables_can_be_sorted_but_those_with_rows_of_a_paper(comparison, sections):
    html = report_html(comparison, sections)
    robustness = html[html.index('id="section-robustness"') :]
    assert robustness.count('<table class="sortable">') == 1
    assert '<td class="num" data-value="0.7">' in robustness


def test_only_the_script_of_the_page_may_run(html):
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_a_page_that_is_too_large_is_told(tmp_path, comparison, caplog):
    picture = Picture(png=b"\x89PNG\r\n\x1a\n" + bytes(4_000_000), alt="a slice", caption="one slice")
    sections = {"large": Section(heading="Large", nav="Large", parts=[picture])}
    write_report(tmp_path / "report.html", comparison, sections, About())
    assert "mail and phones take 5" in caplog.text


def test_one_class_one_patient_and_no_sites_still_make_a_page(predict, enter):
    made = predict(patients=1, localises=False).query("split == 'val' or label == 0")
    html = report_html(compare([enter(made)], QUICK))
    assert Page(html).open == []
    assert "n/a" in html
    assert "nan" not in " ".join(Page(html).text).lower().split()


def test_two_data_sets_stand_on_one_page(predict, enter):
    html = report_html(compare([enter(predict(dataset=name)) for name in ("chest", "forged")], QUICK))
    ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"chest", "forged"} <= set(ids)


def test_the_page_is_written_whole(tmp_path, comparison):
    path = tmp_path / "reports" / "report.html"
    write_report(path, comparison, {}, About())
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>\n<html lang")


def test_bars_run_from_the_floor_to_one(comparison):
    result = comparison.results[0]
    bar = auc_bar(result.slices, published_for("MobileNetV3Large", PublishedParams(paper="alsabbagh")), 0.5)
    auc = result.slices.metrics.auc
    assert bar.point == pytest.approx(200 * (auc - 0.5), abs=0.01)
    assert bar.low <= bar.point <= bar.high <= 100
    assert (bar.chance, bar.paper) == (0, pytest.approx(99.5))


def test_the_floor_of_bars_is_below_every_value(comparison, predict, enter):
    assert scale_floor(comparison.of("chest")) <= 0.4
    inverse = compare([enter(predict(skill=-4.0))], QUICK).of("chest")
    assert scale_floor(inverse) == 0.0


def test_facts_count_patients_scans_and_slices(comparison):
    val, test = split_facts(comparison.results[0])
    assert (val.name, val.patients, val.scans, val.slices, val.tampered) == ("validation", 4, 8, 96, 48)
    assert (test.name, test.patients, test.manipulations) == ("test", 8, "48 injected, 48 removed")


def test_a_set_whose_sources_have_one_class_each_is_called_so_before_any_figure(predict, enter):
    html = report_html(compare([enter(predict(), sources_apart=True)], QUICK))
    assert html.index("No source has slices of both classes") < html.index('class="glance"')
