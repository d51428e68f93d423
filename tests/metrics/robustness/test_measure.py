"""What perturbations take from a detector of brightness is what one works out by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.config import RobustnessParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.neighbours import Neighbourhood
from medfake.errors import ManifestError, SourceError
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.robustness.curves import Curve, Point, RobustnessReport, read_robustness
from medfake.metrics.robustness.measure import measure_robustness
from tests.metrics.robustness.conftest import BRIGHTER_HU, MakeBright, mean_hu, read

NAME = "bright/Bright/seed-1"
BOOTSTRAP = Bootstrap(resamples=100)
BrightPackage = Callable[..., Path]


def nothing_around(rows: pd.DataFrame, reach_mm: float) -> Iterator[Neighbourhood | None]:
    del reach_mm
    return iter([None] * len(rows))


@pytest.fixture(scope="module")
def bright(make_bright: MakeBright) -> Dataset:
    return make_bright()


def middle_p(dataset: Dataset) -> float:
    """Threshold between untampered and tampered slices."""
    return float(1 / (1 + np.exp(-(np.mean(mean_hu(dataset)) + 600) / 10)))


def measured(dataset: Dataset, packages: dict[str, Path], **changes: Any) -> RobustnessReport:
    find = changes.pop("neighbours", nothing_around)
    params = RobustnessParams.model_validate({"slices": 24, **changes})
    return measure_robustness(dataset, packages, changes.get("absent", []), params, BOOTSTRAP, find)


def curve_of(report: RobustnessReport, name: str = NAME) -> Curve:
    (curve,) = report.runs[name].curves
    return curve


def at(curve: Curve, severity: float) -> Point:
    (point,) = [one for one in curve.points if one.severity == severity]
    return point


def test_an_offset_leaves_the_ranking_and_takes_the_threshold(bright: Dataset, bright_package: BrightPackage) -> None:
    report = measured(bright, {NAME: bright_package(middle_p(bright))}, perturbations={"hu-offset": [-1, 1, -40, 40]})
    curve = curve_of(report)
    assert [point.severity for point in curve.points] == [-40, -1, 0, 1, 40]
    assert {point.auc.value for point in curve.points} == {1.0}
    assert [point.balanced_accuracy.value for point in curve.points] == [0.5, 1.0, 1.0, 1.0, 0.5]
    assert curve.auc_drop.value == 0
    assert report.runs[NAME].robustness_drop.value == 0
    assert curve.unit == "HU added everywhere"


def test_severity_0_is_what_the_package_says_of_the_slices(bright: Dataset, bright_package: BrightPackage) -> None:
    curve = curve_of(measured(bright, {NAME: bright_package(0.5)}, perturbations={"noise": [10]}))
    assert curve.clean is not None
    assert (curve.clean.auc.value, curve.clean.unmoved, curve.slices) == (1.0, 24, 24)
    assert curve.clean.hit_rate.value == 0.5
    assert at(curve, 10).unmoved == 0


def test_an_attack_of_two_hu_turns_three_hu_of_difference_round(bright: Dataset, bright_package: BrightPackage) -> None:
    assert np.diff(mean_hu(bright))[0] == BRIGHTER_HU
    report = measured(bright, {NAME: bright_package(0.5)}, perturbations={"fgsm": [1, 2], "pgd": [2]})
    fgsm, pgd = report.runs[NAME].curves
    assert [point.auc.value for point in fgsm.points] == [1.0, 1.0, 0.0]
    assert [point.auc.value for point in pgd.points] == [1.0, 0.0]
    assert fgsm.white_box
    assert pgd.white_box
    assert fgsm.auc_drop.value == 0.5
    assert report.runs[NAME].white_box_drop.value == 0.75
    assert report.runs[NAME].robustness_drop.value is None


def test_a_detector_without_a_network_has_no_gradient(bright: Dataset, bright_package: BrightPackage) -> None:
    report = measured(bright, {NAME: bright_package(0.5, keras=False)}, perturbations={"fgsm": [1], "noise": [1]})
    fgsm, noise = report.runs[NAME].curves
    assert fgsm.reason == "Bright has no gradient: no network of Keras is stored with it"
    assert fgsm.points == ()
    assert report.runs[NAME].white_box_drop.value is None
    assert at(noise, 1).auc.value is not None


def test_a_perturbation_that_leaves_no_lung_is_told_and_measures_nothing(
    bright: Dataset, bright_package: BrightPackage
) -> None:
    curve = curve_of(measured(bright, {NAME: bright_package(0.5)}, perturbations={"hu-offset": [-150, 20]}))
    assert (at(curve, 20).without_lung, at(curve, 20).reason) == (0, "")
    gone = at(curve, -150)  # lung of -850 HU becomes as dark as open air
    assert gone.reason == "no lung is left in 24 of 24 slices that showed some"
    assert (gone.without_lung, gone.auc.value, gone.hit_rate.value) == (24, None, None)
    assert curve.auc_drop.value == 0  # of what could be measured


def test_slices_without_lung_lose_none(make_bright: MakeBright, bright_package: BrightPackage) -> None:
    solid = make_bright(lungs=False)
    point = at(curve_of(measured(solid, {NAME: bright_package(0.5)}, perturbations={"blur": [1]})), 1)
    assert (point.without_lung, point.reason) == (0, "")


def test_what_becomes_too_small_for_detectors_is_told(bright: Dataset, bright_package: BrightPackage) -> None:
    curve = curve_of(measured(bright, {NAME: bright_package(0.5)}, perturbations={"zoom": [40, 60]}))
    assert at(curve, 40).reason == ""
    assert at(curve, 60).reason == "slices of 77 px are smaller than the 96 px of detectors"
    assert at(curve, 60).auc.value is None
    assert curve.auc_drop.value == 0  # of what could be measured


def test_sites_move_with_the_image_and_mm_grow_with_its_pixels(
    make_bright: MakeBright, bright_package: BrightPackage
) -> None:
    dataset, package = make_bright(spacing_mm=0.7), {NAME: bright_package(0.5)}
    dataset.manifest.loc[dataset.manifest.label == 1, ["site_y", "site_x"]] = [62.0, 54.0]
    curve = curve_of(measured(dataset, package, perturbations={"zoom": [40]}))
    assert curve.clean is not None
    assert curve.clean.hit_rate.value == 0.0  # 37 px of 0.7 mm from where the detector points
    assert at(curve, 40).hit_rate.value == 1.0  # now at 36.9 and 32.1 px, of 1.17 mm
    assert curve.hit_rate_drop.value == -1.0
    dataset.manifest.loc[dataset.manifest.label == 1, ["site_y", "site_x"]] = [79.0, 54.0]
    curve = curve_of(measured(dataset, package, perturbations={"zoom": [40]}))
    assert at(curve, 40).hit_rate.value == 0.0  # 15 px are 10.6 mm no more, but 17.6 mm


def test_a_drop_is_paired_and_has_an_interval_over_patients(bright: Dataset, bright_package: BrightPackage) -> None:
    report = measured(bright, {NAME: bright_package(0.5)}, perturbations={"noise": [40]})
    curve = curve_of(report)
    assert curve.clean is not None
    assert curve.clean.auc.value is not None
    auc = at(curve, 40).auc
    assert auc.value is not None
    assert curve.auc_drop.value == pytest.approx(curve.clean.auc.value - auc.value)
    assert auc.interval is not None
    assert auc.interval.low <= auc.value <= auc.interval.high
    assert (report.unit, report.patients) == ("patients", 6)


def test_one_patient_gives_no_interval_over_patients(make_bright: MakeBright, bright_package: BrightPackage) -> None:
    report = measured(make_bright(patients=1), {NAME: bright_package(0.5)}, perturbations={"noise": [1]})
    assert report.unit == "scans"
    assert at(curve_of(report), 1).auc.interval is None


def test_all_trainings_get_the_very_same_noise(bright: Dataset, bright_package: BrightPackage) -> None:
    packages = {NAME: bright_package(0.5), "bright/Bright/seed-2": bright_package(0.5, seed=2)}
    report = measured(bright, packages, perturbations={"noise": [20]})
    one, other = (curve_of(report, name) for name in packages)
    assert one == other
    assert measured(bright, packages, perturbations={"noise": [20]}) == report


def test_thick_slices_are_made_of_neighbours_and_those_without_are_left_out(
    bright: Dataset, bright_package: BrightPackage
) -> None:
    real = bright.slices(bright.manifest.iloc[:1])

    def alike(rows: pd.DataFrame, reach_mm: float) -> Iterator[Neighbourhood | None]:
        """The same chest three times, but around the first slice of each scan, which has none."""
        assert reach_mm == 2.5
        for z_mm, index in zip(rows.z_mm, rows.z_index, strict=True):
            around = Neighbourhood(np.repeat(real, 3, axis=0), z_mm + np.arange(-1, 2) * 2.5)
            yield around if index else None

    grid = {"noise": [1], "thick-slices": [2, 5]}
    report = measured(bright, {NAME: bright_package(0.5)}, perturbations=grid, neighbours=alike)
    noise, curve = report.runs[NAME].curves
    assert (noise.slices, noise.left_out) == (24, 0)
    assert (curve.slices, curve.left_out) == (18, 6)
    assert at(curve, 5).auc.value == 0.5  # all slabs are alike
    assert curve.clean is not None
    assert curve.clean.unmoved == 18  # of those, and not of all


def test_thick_slices_without_neighbours_are_told(
    bright: Dataset, make_bright: MakeBright, bright_package: BrightPackage
) -> None:
    def gone(*_: object) -> Any:
        raise SourceError("none of the files is there")

    package = {NAME: bright_package(0.5)}
    grid = {"thick-slices": [5]}
    cut = make_bright(view="localized")
    said = [
        curve_of(measured(bright, package, perturbations=grid)).reason,
        curve_of(measured(bright, package, perturbations=grid, neighbours=gone)).reason,
        curve_of(measured(cut, package, perturbations=grid)).reason,
    ]
    assert said == [
        "no slice has neighbours as far as the thickest slab reaches",
        "the sources of the data set are not here: there are no neighbours",
        "the data set holds parts of slices (localized): they have no neighbours",
    ]


def test_a_file_comes_back_as_it_was_and_is_byte_stable(
    bright: Dataset, bright_package: BrightPackage, tmp_path: Path
) -> None:
    report = measured(bright, {NAME: bright_package(0.5)}, perturbations={"fgsm": [2], "zoom": [60], "noise": [7]})
    report.write(tmp_path / "bright.json")
    again = read_robustness(tmp_path / "bright.json")
    again.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "bright.json").read_bytes()
    values = read(tmp_path / "bright.json")
    assert values["runs"][NAME]["robustness_drop"].keys() == {"value", "interval"}
    assert values["evidence"] == "phantom"


def test_an_empty_grid_measures_nothing(bright: Dataset, bright_package: BrightPackage) -> None:
    assert measured(bright, {NAME: bright_package(0.5)}).runs == {}


def test_a_missing_or_foreign_file_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        read_robustness(tmp_path / "chest.json")
    assert caught.value.remedy == "dvc repro robustness@chest"
    (tmp_path / "chest.json").write_text("{}")
    with pytest.raises(ManifestError) as caught:
        read_robustness(tmp_path / "chest.json")
    assert caught.value.remedy == "dvc repro -s -f robustness@chest"
