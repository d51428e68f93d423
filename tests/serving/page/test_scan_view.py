"""A scan of a report, put onto its slices."""

from typing import Any

from medfake.serving.page.scan_view import RADIUS_MM, ScanView, SliceView, scan_view

P = (0.1, 0.8, 0.95, 0.2)


def view(sites: list[dict[str, Any]], copies: list[dict[str, Any]] | None = None, **facts: Any) -> ScanView:
    slices = [SliceView(index, index + 1, f"a/{index}.dcm", 2.0 * index, p, lung=True) for index, p in enumerate(P)]
    scan = {"sites": sites, "copies": copies or []}
    return scan_view(scan, slices, (100, 200), facts.get("spacing_mm", (0.5, 0.5)))


def site(index: int, p: float) -> dict[str, Any]:
    return {"slice_file": f"a/{index}.dcm", "z_mm": 2.0 * index, "y": 40.0, "x": 60.0, "p_tampered": p}


def test_sites_are_numbered_from_the_strongest() -> None:
    assert [(mark.tag, mark.slice, mark.p) for mark in view([site(1, 0.7), site(2, 0.9)]).sites] == [
        ("1", 2, 0.9),
        ("2", 1, 0.7),
    ]


def test_the_strongest_site_is_looked_at_first() -> None:
    assert view([site(1, 0.97)]).start == 1


def test_without_a_site_the_strongest_slice_is_looked_at_first() -> None:
    assert view([]).start == 2


def test_an_outline_is_as_wide_as_high_on_the_body_where_pixels_are_not_square() -> None:
    (mark,) = view([site(1, 0.7)], spacing_mm=(1.0, 0.5)).sites
    assert (mark.ry * 1.0, mark.rx * 0.5) == (RADIUS_MM, RADIUS_MM)


def test_a_slice_is_shown_in_the_proportions_of_the_body() -> None:
    assert view([], spacing_mm=(1.0, 0.5)).shown_size == (200, 200)
    assert view([]).shown_size == (200, 100)


def test_both_places_of_a_copy_are_marked() -> None:
    copy = {"one": site(0, 0.0), "other": site(3, 0.0), "pairs": 12}
    (found,) = view([], [copy]).copies
    assert [(mark.kind, mark.tag, mark.slice) for mark in found.marks] == [("copy", "A1", 0), ("copy", "A2", 3)]


def test_a_site_on_a_slice_that_cannot_be_shown_is_left_out() -> None:
    assert view([site(9, 0.9)]).sites == ()
