"""What the viewer's script knows of a scan: numbers alone, no name of a file or of anybody."""

from dataclasses import asdict
from typing import Any

from medfake.serving.page.scan_view import ScanView


def viewer_data(view: ScanView, beside: list[int], start: int, base: str) -> dict[str, Any]:
    """Values for the page's script, as JSON can hold them.

    Args:
        view: The scan.
        beside: Index of the slice that stands beside each, see `comparable`.
        start: Index of the slice that is shown first.
        base: Address below which the pictures of its slices are.
    """
    width, height = view.shown_size
    return {
        "base": base,
        "start": start,
        "rows": view.rows,
        "cols": view.cols,
        "aspect": f"{width} / {height}",
        "slices": [
            {"number": one.number, "z": round(one.z_mm, 2), "p": one.p, "lung": one.lung, "beside": beside[one.index]}
            for one in view.slices
        ],
        "marks": [asdict(mark) for mark in view.marks],
    }
