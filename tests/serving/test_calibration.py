"""The file of a site's thresholds, and what it does to a detector."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medfake.config import TrackingParams
from medfake.errors import ManifestError, ScanError
from medfake.package.card import graph_digests
from medfake.package.measured import FalseAlarms
from medfake.serving.calibration import SiteCalibration, calibrated, percent, read_calibration, write_calibration
from medfake.serving.model import Model, describe, open_model
from medfake.vocabulary import Evidence

ALARMS = FalseAlarms(scans=50, rate=0.04, low=0.01, high=0.14)


@pytest.fixture
def model(make_package: Callable[..., Path], tracking: TrackingParams) -> Model:
    """Uncertain from 0.4 on, tampered from 0.6 on."""
    return open_model(str(make_package(false_alarms=ALARMS)), None)


def calibration_of(model: Model, high: float = 0.8, **facts: Any) -> SiteCalibration:
    values: dict[str, Any] = {
        "medfake_version": "0", "model": model.name, "detector": model.card.detector,
        "package": graph_digests(model.folder), "modality": "CT", "patients": 28, "scans": 31, "unnamed_scans": 0,
        "reached": 0,
        "rate": {"wanted": 0.05, "expected": 1 / 29, "low": 0.000904, "high": 0.1234, "confidence": 0.95},
        "before": {"low": 0.4, "high": 0.6}, "after": {"low": min(0.4, high), "high": high},
        "left_out": {"without_verdict": 0, "marked": 0, "repeated": 0, "files": 0},
        "mix": {"manufacturers": {"T": 31}, "kernels": {"K": 31}, "thickness_mm": {"5": 31}, "slices": {}},
    }  # fmt: skip
    return SiteCalibration.model_validate(values | facts)


def test_what_was_written_is_read(model: Model, tmp_path: Path) -> None:
    calibration = calibration_of(model, 0.1 + 0.2)
    write_calibration(calibration, tmp_path / "a.json")
    assert read_calibration(tmp_path / "a.json") == calibration


def test_it_says_how_many_patients_and_which_rate_with_its_interval(model: Model) -> None:
    assert calibration_of(model).sentence == (
        "calibrated on 28 untampered patients of this site (31 scans): of such patients 3.45% are expected to be "
        "called tampered, 95% interval [0.0904%, 12.3%]; at most 5% was asked for"
    )
    assert percent(0.5) == "50%"


@pytest.mark.parametrize(("high", "low"), [(0.8, 0.4), (0.4, 0.4), (0.3, 0.3)])
def test_the_lower_threshold_never_rises_and_never_lies_above_the_upper_one(
    model: Model, high: float, low: float
) -> None:
    card = calibrated(model, calibration_of(model, high)).card
    assert (card.scan_threshold_low, card.scan_threshold_high) == (low, high)
    assert card.threshold == model.card.threshold


def test_a_file_in_which_somebody_raised_the_lower_threshold_makes_nothing_more_trusted(model: Model) -> None:
    edited = calibration_of(model, after={"low": 0.79, "high": 0.8})
    assert calibrated(model, edited).card.scan_threshold_low == 0.4


def test_false_alarms_at_other_thresholds_are_no_longer_told(model: Model) -> None:
    told = describe(calibrated(model, calibration_of(model)))
    assert describe(model)["false_alarms"] == ALARMS.model_dump()
    assert told["false_alarms"] is None
    assert isinstance(told["calibration"], dict)
    assert told["calibration"]["patients"] == 28


def test_a_calibrated_detector_stays_where_another_would_take_its_place(model: Model) -> None:
    assert model.card.evidence is Evidence.PHANTOM
    by_default = replace(model, by_default=True)
    assert by_default.suited_to_whatever_comes().folder != model.folder
    kept = calibrated(by_default, calibration_of(model)).suited_to_whatever_comes()
    assert (kept.folder, kept.card.scan_threshold_high) == (model.folder, 0.8)


def test_another_package_is_refused(model: Model, make_package: Callable[..., Path]) -> None:
    other = open_model(str(make_package("other")), None)
    with pytest.raises(ScanError, match="of another detector") as caught:
        calibrated(other, calibration_of(model))
    assert "medfake calibrate FOLDER" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("after", "high"), 1.1), (("after", "high"), "x"), (("after", "low"), 0.9), (("rate", "wanted"), 0),
        (("patients",), 0), (("schema_version",), 2), (("more",), 1), (("modality",), "PET"),
        (("mix", "kernels"), [1]), (("package",), None),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_with_their_place(
    model: Model, tmp_path: Path, place: tuple[str, ...], value: object
) -> None:
    values = calibration_of(model).model_dump(mode="json")
    inner = values
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    (tmp_path / "a.json").write_text(json.dumps(values))
    with pytest.raises(ManifestError, match="cannot be read") as caught:
        read_calibration(tmp_path / "a.json")
    assert place[0] in str(caught.value.where)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"after": {"high": NaN}}', b'{"model": {}}']
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_calibration(tmp_path / "a.json")


def test_a_missing_file_is_told_with_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such calibration") as caught:
        read_calibration(tmp_path / "a.json")
    assert caught.value.remedy == "medfake calibrate FOLDER writes one"
