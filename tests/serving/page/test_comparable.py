"""Which slice stands beside which."""

from collections.abc import Sequence

from medfake.serving.page.comparable import NEARBY_MM, least_suspicious
from medfake.serving.page.scan_view import SliceView


def slices(p: Sequence[float | None], *, apart_mm: float = 5.0, lung: Sequence[bool] | None = None) -> list[SliceView]:
    shows = lung or [True] * len(p)
    return [
        SliceView(index, index + 1, f"{index}.dcm", apart_mm * index, one, shows[index]) for index, one in enumerate(p)
    ]


def test_the_lowest_score_nearby_stands_beside() -> None:
    assert least_suspicious(slices([0.9, 0.9, 0.9, 0.9, 0.3, 0.1, 0.2]), [0.0])[0] == 5


def test_a_slice_without_lung_is_not_compared_with() -> None:
    beside = least_suspicious(slices([0.9, 0.9, 0.9, 0.9, 0.3, 0.1, 0.2], lung=[True] * 5 + [False, True]), [0.0])
    assert beside[0] == 6


def test_slices_near_a_suspicious_place_are_left_out() -> None:
    scan = slices([0.9, 0.5, 0.5, 0.5, 0.4, 0.5, 0.01, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert least_suspicious(scan, [0.0])[0] == 6
    assert least_suspicious(scan, [0.0, 35.0])[0] == 11  # the others are within 16 mm of one of the two


def test_other_anatomy_is_compared_with_only_where_nothing_is_nearer() -> None:
    assert least_suspicious(slices([0.9, 0.4, 0.1], apart_mm=NEARBY_MM - 1), [0.0])[0] == 1
    assert least_suspicious(slices([0.9, None, 0.1], apart_mm=NEARBY_MM - 1), [0.0])[0] == 2
    assert least_suspicious(slices([0.9, 0.4, 0.1], apart_mm=NEARBY_MM + 1), [0.0])[0] == 2


def test_a_short_scan_is_compared_with_what_it_has() -> None:
    assert least_suspicious(slices([0.9, 0.2], apart_mm=2.0), [0.0]) == [1, 0]


def test_a_single_slice_stands_beside_itself() -> None:
    assert least_suspicious(slices([0.9]), [0.0]) == [0]
