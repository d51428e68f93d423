import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.checks.guards.registry import all_guards
from medfake.checks.suite import check_dataset
from medfake.config import DatasetParams, load_params
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import SCHEMA
from medfake.errors import CheckFailedError

PROJECT = Path(__file__).resolve().parents[2]
Break = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def params() -> DatasetParams:
    return load_params(PROJECT / "params.yaml").datasets["chest"]


@pytest.fixture
def sound(tmp_path: Path) -> Dataset:
    """Two patients a split, one real and one tampered slice each, and a shard that holds them."""
    pixels = np.random.default_rng(1).integers(-1000, 400, (12, 32, 32)).astype("<i2")
    np.save(tmp_path / "shard-000.npy", pixels)
    rows = [_row(index, one) for index, one in enumerate(pixels)]
    manifest = pd.DataFrame(rows)[SCHEMA.names]
    sites = pd.DataFrame([{"scan_id": f"scan-{number}", "kind": "FM"} for number in range(1, 12, 2)])
    facts = {"seen": {"LIDC-IDRI": {"scans": 6, "slices": 60}}}
    return Dataset(tmp_path, "toy", manifest, sites, "d" * 64, "phantom", "grouped", facts)


def _row(index: int, pixels: np.ndarray) -> dict[str, object]:
    label = index % 2
    return {
        **dict.fromkeys(SCHEMA.names),
        "slice_id": f"scan:{index}",
        "scan_id": f"scan-{index}",
        "source": "LIDC-IDRI",
        "generator": "gan" if label else "",
        "manufacturer": "maker",
        "kernel": "soft",
        "transform": "",
        "patient_id": f"patient-{index // 2}",
        "manipulation": "injected" if label else "none",
        "label": label,
        "site_y": 10.0 if label else np.nan,
        "site_x": 31.0 if label else np.nan,
        "split": ("train", "val", "test")[index // 4],
        "shard": "shard-000.npy",
        "row": index,
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "rows": 32,
        "cols": 32,
        "hu_min": -1000,
        "hu_max": 400,
        "air_fraction": 0.5,
    }


def _set(row: int, column: str, value: object) -> Break:
    def change(manifest: pd.DataFrame) -> pd.DataFrame:
        manifest.loc[row, column] = value
        return manifest

    return change


def _repeat_image(of: int, row: int) -> Break:
    """Give one row the pixels of another."""

    def change(manifest: pd.DataFrame) -> pd.DataFrame:
        manifest.loc[row, ["sha256", "row"]] = manifest.loc[of, ["sha256", "row"]].to_numpy()
        return manifest

    return change


def _near_negative(manifest: pd.DataFrame) -> pd.DataFrame:
    manifest.loc[0, "scan_id"] = "scan-1"
    manifest.loc[0, "distance_mm"] = 24.9
    return manifest


# what is asked of the data beyond params.yaml, for guards that have nothing to say otherwise
ASKED: dict[str, dict[str, object]] = {
    "expected counts": {"expect": {"LIDC-IDRI": {"scans": 7}}},
    "held out": {"split": {"protocol": "leave-generator-out", "held_out": "gan", "val": 0.2, "test": 0.2, "seed": 1}},
}
BROKEN: dict[str, tuple[Break, str]] = {
    "copies alike": (_set(0, "transform", "flip-y"), "no copies asked for; 1 kinds too many or too few"),
    "expected counts": (lambda manifest: manifest, "LIDC-IDRI 6 of 7 scans"),
    "clean negatives": (
        _near_negative,
        "1 real slices of tampered scans, the nearest 24.9 mm away",
    ),
    "held out": (lambda manifest: manifest, "slices of gan: train 2, val 2, test 2; of others in test: 0"),
    "columns": (lambda manifest: manifest[manifest.columns[::-1]], "12 rows"),
    "counts": (lambda manifest: manifest[manifest.split != "val"], "val 0 tampered and 0 real"),
    "balance": (lambda manifest: manifest.drop(index=0), "train tampered 0.667"),
    "patients apart": (_set(0, "patient_id", "patient-5"), "1 of 6 patients"),
    "hashes apart": (_repeat_image(0, 4), "1 of 11 images are in several splits"),
    "one label an image": (_repeat_image(0, 1), "1 of 11 images are in several labels"),
    "values": (_set(0, "air_fraction", 1.0), "air 0.50..1.00"),
    "words": (_set(1, "manipulation", "painted"), "painted"),
    "sites inside": (_set(1, "site_x", 32.0), "6 slices with a site"),
    "shards": (_set(2, "sha256", "0" * 64), "1 of 12 slices differ"),
}


def test_a_sound_data_set_passes_every_guard(sound: Dataset, params: DatasetParams) -> None:
    report = check_dataset(sound, params)
    assert [one.name for one in report.failed] == []
    report.raise_if_failed()


def test_under_the_replica_protocol_a_shared_patient_is_told_as_leaky_and_passes(
    sound: Dataset, params: DatasetParams
) -> None:
    replica = {"protocol": "replica", "val": 0.2, "test": 0.2, "seed": 1}
    change, _ = BROKEN["patients apart"]
    report = check_dataset(
        replace(sound, manifest=change(sound.manifest.copy())),
        DatasetParams.model_validate(params.model_dump() | {"split": replica}),
    )
    (apart,) = [one for one in report.results if one.name == "patients apart"]
    assert apart.passed
    assert apart.figures == "leaky, by the protocol: 1 of 6 patients are in several splits"


def test_what_is_expected_and_there_passes(sound: Dataset, params: DatasetParams) -> None:
    expected = DatasetParams.model_validate(params.model_dump() | {"expect": {"LIDC-IDRI": {"scans": 6, "slices": 60}}})
    assert check_dataset(sound, expected).failed == ()


def test_a_real_slice_outside_the_ignored_band_passes(sound: Dataset, params: DatasetParams) -> None:
    manifest = _near_negative(sound.manifest.copy())
    manifest.loc[0, "distance_mm"] = 25.0
    assert check_dataset(replace(sound, manifest=manifest), params).failed == ()


def test_every_guard_is_broken_on_purpose_below() -> None:
    assert set(BROKEN) == {guard.name for guard in all_guards()}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_guard_tells_rule_figures_and_remedy(name: str, sound: Dataset, params: DatasetParams) -> None:
    change, figures = BROKEN[name]
    params = DatasetParams.model_validate(params.model_dump() | ASKED.get(name, {}))
    report = check_dataset(replace(sound, manifest=change(sound.manifest.copy())), params)
    failed = {one.name: one for one in report.failed}
    assert name in failed
    assert figures in failed[name].figures
    with pytest.raises(CheckFailedError) as caught:
        report.raise_if_failed()
    guard = next(one for one in all_guards() if one.name == name)
    assert guard.rule in caught.value.what
    assert guard.remedy in str(caught.value.remedy)


def test_the_report_is_the_same_bytes_every_time(sound: Dataset, params: DatasetParams, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        check_dataset(sound, params).write(tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "patient-" not in (tmp_path / "a.json").read_text()
