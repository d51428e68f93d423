"""The report to keep and to print."""

import base64
import hashlib
import io
import re
from typing import Any

import numpy as np
from PIL import Image

from medfake.serving.page.printed import MOST_PICTURED, MOST_SCANS, printed_report
from medfake.serving.page.scan_view import SliceView, scan_view

ROWS, COLS, SPACING = 160, 200, (0.5, 0.5)
P = (0.2, 0.9, 0.8, 0.7, 0.95, 0.1)
CORNER = {"y": 2.0, "x": 197.0}
MODEL = {
    "name": "the built-in detector",
    "detector": "ResidualStatistics",
    "chosen": "",
    "evidence": "forged",
    "threshold": 0.5,
    "scan_threshold_low": 0.4,
    "scan_threshold_high": 0.6,
    "measured_on": ["4 scans"],
    "blind_to": ["other organs"],
    "false_alarms": None,
    "false_alarms_of_few": None,
    "intended_use": "Research.",
}


def scan(number: int = 0, sites: int = 1) -> dict[str, Any]:
    file = [f"chest-{number}/{index}.dcm" for index in range(len(P))]
    return {
        "scan_id": f"scan-{number}",
        "patient_id": "patient-1",
        "p_tampered": 0.9 - number / 1000,
        "verdict": "tampered",
        "n_slices": len(P),
        "sites": [
            {"slice_file": file[index], "z_mm": 10.0 * index, "p_tampered": P[index], **CORNER}
            for index in range(1, sites + 1)
        ],
        "slices": [{"file": one, "p_tampered": p} for one, p in zip(file, P, strict=True)],
        "warnings": [],
        "copies": [],
    }


def printed(*scans: dict[str, Any]) -> Any:
    def view_of(of: Any) -> Any:
        slices = [
            SliceView(index, index + 1, one["file"], 10.0 * index, one["p_tampered"], lung=True)
            for index, one in enumerate(of["slices"])
        ]
        grey = np.arange(ROWS * COLS, dtype=np.uint32).reshape(ROWS, COLS) % 251
        return scan_view(of, slices, (ROWS, COLS), SPACING), lambda index: (grey + index).astype(np.uint8)

    return printed_report({"model": MODEL, "scans": scans, "skipped": []}, "2026-03-01 09:05 UTC", view_of)


def pictures(html: str) -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(base64.b64decode(one)))
        for one in re.findall(r'href="data:image/jpeg;base64,([^"]+)"', html)
    ]


def test_its_policy_lets_in_its_own_style_and_nothing_else() -> None:
    made = printed(scan())
    (style,) = re.findall(r"<style>(.*?)</style>", made.html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert made.policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    assert "<script" not in made.html


def test_a_place_is_shown_whole_enlarged_and_beside_what_is_least_suspicious() -> None:
    made = printed(scan())
    assert [image.size for image in pictures(made.html)] == [(360, 288), (300, 300), (300, 300)]
    assert "Slice 2, place 1 enlarged" in made.html
    assert "Slice 4, the least suspicious nearby, same place" in made.html


def test_a_place_in_a_corner_is_outlined_where_it_is() -> None:
    (_, enlarged) = re.findall(r'<ellipse class="site" cx="([\d.]+)" cy="([\d.]+)"', printed(scan()).html)
    edge = 160  # px of the slice that are shown: 40 mm to either side, moved inward
    assert [float(one) for one in enlarged] == [
        round(300 * (CORNER["x"] + 0.5 - (COLS - edge)) / edge, 1),
        round(300 * (CORNER["y"] + 0.5) / edge, 1),
    ]


def test_the_strongest_places_alone_are_pictured_and_all_are_listed() -> None:
    html = printed(scan(sites=MOST_PICTURED + 1)).html
    assert html.count("enlarged</figcaption>") == MOST_PICTURED
    assert html.count("<td>") >= MOST_PICTURED + 1
    assert "1.dcm" in html


def test_the_likeliest_fakes_alone_are_pictured_and_all_are_told() -> None:
    html = printed(*(scan(number) for number in range(MOST_SCANS + 2))).html
    assert html.count("enlarged</figcaption>") == MOST_SCANS
    assert html.count('<section class="scan"') == MOST_SCANS + 2
    assert f"Pictures are of the first {MOST_SCANS}." in html


def test_equal_reports_make_equal_files() -> None:
    assert printed(scan()) == printed(scan())
