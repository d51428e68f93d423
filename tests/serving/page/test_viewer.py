"""The slice viewer, steered by a real browser over a real service."""

import re

import pytest

from tests.fixtures.browser import Browser
from tests.serving.page.conftest import SLICES, Uploaded

pytestmark = pytest.mark.slow(minutes=2)

MOVES = {"ArrowDown": 13, "ArrowUp": 11, "PageDown": 22, "PageUp": 2, "Home": 0, "End": SLICES - 1}  # from slice 12
HERE, BESIDE = ".pane.here", ".pane.beside"
INK = """((canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let at = 0; at < pixels.length; at += 4) sum += pixels[at] * pixels[at + 3];
  return sum;
})"""


def shown(browser: Browser, pane: str = HERE) -> int:
    return int(browser.evaluate(f"document.querySelector('{pane}').dataset.shown"))


def wait_until_shown(browser: Browser, index: int, pane: str = HERE) -> None:
    browser.wait_for(f"document.querySelector('{pane}').dataset.shown === '{index}'")


def ink(browser: Browser, layer: str, pane: str = HERE) -> int:
    """What is drawn on a layer of a pane, as one number; 0 for nothing."""
    return int(browser.evaluate(f"{INK}(document.querySelector('{pane} canvas.{layer}'))"))


def strongest(uploaded: Uploaded) -> int:
    site = max(uploaded.scan["sites"], key=lambda one: one["p_tampered"])
    return [one["file"] for one in uploaded.scan["slices"]].index(site["slice_file"])


def test_the_strongest_place_is_seen_first(viewer: Browser, uploaded: Uploaded) -> None:
    assert shown(viewer) == strongest(uploaded)
    assert ink(viewer, "picture") > 0


@pytest.mark.parametrize(
    ("key", "to"),
    [("ArrowDown", 13), ("ArrowUp", 11), ("PageDown", 22), ("PageUp", 2), ("Home", 0), ("End", SLICES - 1)],
)
def test_keys_move_through_the_slices(browser: Browser, uploaded: Uploaded, key: str, to: int) -> None:
    browser.open(f"{uploaded.scan_address}?slice=12")
    wait_until_shown(browser, 12)
    before = ink(browser, "picture")
    browser.click(f"{HERE} .stage")
    browser.press(key)
    wait_until_shown(browser, to)
    assert ink(browser, "picture") != before


def test_the_ends_of_a_scan_are_ends(viewer: Browser) -> None:
    viewer.click(f"{HERE} .stage")
    viewer.press("End")
    wait_until_shown(viewer, SLICES - 1)
    viewer.press("PageDown")
    viewer.press("ArrowUp")
    wait_until_shown(viewer, SLICES - 2)


def test_keys_leave_alone_what_is_outside_the_viewer(viewer: Browser) -> None:
    before = shown(viewer)
    viewer.evaluate("document.querySelector('.brand').focus()")
    viewer.press("h")
    viewer.press("ArrowDown")
    assert viewer.evaluate("document.getElementById('heat').checked") is False
    assert shown(viewer) == before


def test_the_wheel_moves_a_slice_a_notch(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(f"{uploaded.scan_address}?slice=12")
    wait_until_shown(browser, 12)
    browser.turn_wheel(f"{HERE} .stage", 120)
    wait_until_shown(browser, 13)
    browser.turn_wheel(f"{BESIDE} .stage", -120)
    wait_until_shown(browser, 12)


def test_a_finger_moves_through_the_slices(browser: Browser, uploaded: Uploaded) -> None:
    browser.resize(390, 844)
    browser.open(f"{uploaded.scan_address}?slice=12")
    wait_until_shown(browser, 12)
    browser.swipe(f"{HERE} .stage", -60)
    browser.wait_for("Number(document.querySelector('.pane.here').dataset.shown) > 12")


def test_the_curve_leads_to_its_slices(viewer: Browser) -> None:
    viewer.click(".chart")
    wait_until_shown(viewer, SLICES // 2)


def test_the_slider_says_where_one_is(viewer: Browser) -> None:
    viewer.evaluate("document.getElementById('slider').focus()")
    viewer.press("Home")
    wait_until_shown(viewer, 0)
    said = viewer.evaluate("document.getElementById('slider').getAttribute('aria-valuetext')")
    assert re.fullmatch(rf"Slice 1 of {SLICES}, z -?[\d.]+ mm(, no lung)?, P\(tampered\) 0\.\d{{3}}", said)


def test_windows_show_the_same_slice_otherwise(viewer: Browser) -> None:
    before, seen = shown(viewer), [ink(viewer, "picture")]
    viewer.click(f"{HERE} .stage")
    for number, name in (("2", "soft-tissue"), ("3", "bone")):
        viewer.press(number)
        viewer.wait_for(f"{INK}(document.querySelector('{HERE} canvas.picture')) !== {seen[-1]}")
        seen.append(ink(viewer, "picture"))
        viewer.wait_for(f"location.search.includes('window={name}')")
    assert len(set(seen)) == 3
    assert shown(viewer) == before


def test_both_panes_have_the_same_window(viewer: Browser) -> None:
    before = ink(viewer, "picture", BESIDE)
    viewer.click("input[value=bone]")
    viewer.wait_for(f"{INK}(document.querySelector('{BESIDE} canvas.picture')) !== {before}")


def test_the_heat_map_is_laid_over_and_taken_off(viewer: Browser) -> None:
    assert ink(viewer, "heat-map") == 0
    viewer.click("#heat")
    viewer.wait_for(f"{INK}(document.querySelector('{HERE} canvas.heat-map')) > 0")
    viewer.click("#heat")
    viewer.wait_for(f"{INK}(document.querySelector('{HERE} canvas.heat-map')) === 0")


def test_the_heat_map_is_as_opaque_as_its_reader_wants(viewer: Browser) -> None:
    viewer.click("#heat")
    viewer.evaluate("document.getElementById('opacity').focus()")
    viewer.press("Home")
    viewer.wait_for(f"document.querySelector('{HERE} canvas.heat-map').style.opacity === '0.1'")


def test_every_site_is_listed_and_leads_to_its_slice(viewer: Browser, uploaded: Uploaded) -> None:
    files = [one["file"] for one in uploaded.scan["slices"]]
    sites = sorted(uploaded.scan["sites"], key=lambda site: -site["p_tampered"])
    assert sites
    listed = viewer.evaluate("[...document.querySelectorAll('.places a')].map((one) => Number(one.dataset.slice))")
    assert listed == [files.index(site["slice_file"]) for site in sites]
    viewer.click(".places li:last-child a")
    wait_until_shown(viewer, listed[-1])
    assert viewer.evaluate("document.querySelector('.places a[aria-current]').dataset.tag") == str(len(sites))


def test_a_site_is_marked_where_it_was_found(viewer: Browser, uploaded: Uploaded) -> None:
    site = max(uploaded.scan["sites"], key=lambda one: one["p_tampered"])
    drawn = viewer.evaluate(
        f"[...document.querySelectorAll('{HERE} .marks .site:not(.faint) ellipse')]"
        ".map((one) => [Number(one.getAttribute('cx')), Number(one.getAttribute('cy'))])"
    )
    assert [site["x"] + 0.5, site["y"] + 0.5] in drawn
    viewer.click("#marked")
    viewer.wait_for("document.querySelectorAll('.marks > *').length === 0")


def test_places_are_gone_through_by_key(viewer: Browser, uploaded: Uploaded) -> None:
    last = len(uploaded.scan["sites"])
    viewer.click(f"{HERE} .stage")
    for key, tag in (*(("n", tag) for tag in range(2, last + 1)), ("n", 1), ("p", last)):
        viewer.press(key)
        viewer.wait_for(f"document.querySelector('.places a[aria-current]')?.dataset.tag === '{tag}'")


def test_a_less_suspicious_slice_stands_beside(viewer: Browser, uploaded: Uploaded) -> None:
    p = [one["p_tampered"] for one in uploaded.scan["slices"]]
    assert p[shown(viewer, BESIDE)] < p[shown(viewer)]
    viewer.click("#beside")
    viewer.wait_for(f"getComputedStyle(document.querySelector('{BESIDE}')).display === 'none'")


def test_enlarging_keeps_the_place_in_view(viewer: Browser) -> None:
    place = "(() => {const box = document.querySelector('.pane.here .marks .site ellipse').getBoundingClientRect();"
    middle = place + "return [box.x + box.width / 2, box.y + box.height / 2, box.width]})()"
    before = viewer.evaluate(middle)
    viewer.evaluate("document.querySelector('.layers').style.transition = 'none'")
    viewer.click("#enlarged")
    after = viewer.wait_for(f"(([x, y, width]) => width > 2 * {before[2]} ? [x, y] : null)({middle})")
    assert after == pytest.approx(before[:2], abs=3)


def test_the_address_leads_back_to_what_was_seen(viewer: Browser) -> None:
    viewer.click(f"{HERE} .stage")
    viewer.press("Home")
    viewer.press("3")
    viewer.wait_for("location.search === '?slice=0&window=bone'")
    viewer.open(viewer.evaluate("location.href"))
    wait_until_shown(viewer, 0)
    assert viewer.evaluate("document.querySelector('input[name=window]:checked').value") == "bone"


def test_neighbours_are_there_before_they_are_asked_for(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(f"{uploaded.scan_address}?slice=12")
    wait_until_shown(browser, 12)
    for index in (*range(7, 12), *range(13, 18)):
        browser.wait_for(f"performance.getEntriesByType('resource').some((one) => one.name.includes('/{index}.png'))")


def test_fast_scrolling_ends_at_the_slice_that_was_wanted(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(f"{uploaded.scan_address}?slice=0")
    wait_until_shown(browser, 0)
    browser.click(f"{HERE} .stage")
    for _ in range(SLICES - 3):
        browser.press("ArrowDown")
    wait_until_shown(browser, SLICES - 3)
    assert browser.complaints == []


def test_without_scripts_the_slice_is_a_picture_with_links_to_others(browser: Browser, uploaded: Uploaded) -> None:
    browser.switch_scripts(on=False)
    browser.open(f"{uploaded.scan_address}?slice=3&window=bone")
    browser.switch_scripts(on=True)
    assert browser.evaluate("document.querySelector('.here img.plain').getAttribute('src')").endswith(
        "/3.png?window=bone"
    )
    assert browser.wait_for("document.querySelector('.here img.plain').naturalWidth") > 0
    links = browser.evaluate("[...document.querySelectorAll('noscript a')].map((one) => one.getAttribute('href'))")
    assert {"?slice=2&window=bone", "?slice=4&window=bone", "?slice=3&window=lung"} <= set(links)
