"""What a header says of an MR contrast, odd values included."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.dicom.contrasts import NO_CONTRAST, Contrast
from medfake.dicom.header import read_headers
from medfake.vocabulary import Modality
from tests.dicom.conftest import changes

Edited = Callable[..., Path]
PLAIN = "ORIGINAL\\PRIMARY\\OTHER"


@pytest.mark.parametrize(
    ("values", "contrast", "said"),
    [
        ({"EchoTime": "90"}, Contrast((PLAIN,), 90.0), f"TE 90 ms, {PLAIN}"),
        ({"EchoNumbers": ["2", "3"]}, Contrast(("echo 2", PLAIN)), f"echo 2, {PLAIN}"),
        ({"DiffusionBValue": 1000.0}, Contrast(("b 1000", PLAIN)), f"b 1000, {PLAIN}"),
        ({"DiffusionBValue": float("inf")}, Contrast((PLAIN,)), PLAIN),
        ({"DiffusionBValue": float("nan")}, Contrast((PLAIN,)), PLAIN),
        ({"EchoTime": ["20", "90"]}, Contrast((PLAIN,)), PLAIN),
        ({"TemporalPositionIdentifier": "3"}, Contrast((PLAIN,), None, 3), f"{PLAIN}, time 3"),
        ({"TemporalPositionIndex": 2}, Contrast((PLAIN,), None, 2), f"{PLAIN}, time 2"),
        ({"ComplexImageComponent": "PHASE"}, Contrast(("PHASE", PLAIN)), f"PHASE, {PLAIN}"),
        ({"ImageType": "DERIVED"}, Contrast(("DERIVED",)), "DERIVED"),
        ({"ImageType": None}, NO_CONTRAST, ""),
    ],
)
def test_a_contrast_is_what_the_header_says_and_no_number_counts_as_not_said(
    edited: Edited, values: dict[str, object], contrast: Contrast, said: str
) -> None:
    (header,) = read_headers(edited(changes(**values), modality=Modality.MR))
    assert header.contrast == contrast
    assert header.contrast.said == said


@pytest.mark.parametrize("modality", [Modality.CT, Modality.XRAY])
def test_what_is_no_mr_says_nothing_of_contrast(edited: Edited, modality: Modality) -> None:
    (header,) = read_headers(edited(changes(EchoTime="90"), modality=modality))
    assert header.contrast == NO_CONTRAST
