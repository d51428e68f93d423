"""A package measured on phantom scans, from files to figures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake.config import MeasureParams
from medfake.errors import DataError, ManifestError
from medfake.files import json_text
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.forensics import Forensics, measure_package, rows_by_kind
from medfake.metrics.judged_slices import judge_slices
from medfake.metrics.labelled_scans import read_labelled
from medfake.package.card import read_card, write_card
from medfake.package.scan_scorer import open_package
from medfake.robustness.registry import PERTURBATIONS
from medfake.vocabulary import Evidence, Manipulation, Task

FEW = Bootstrap(resamples=100)
MakePlaces = Callable[..., Path]
MakeParams = Callable[..., MeasureParams]


@pytest.fixture
def measured(place_package: MakePlaces, measure_params: MakeParams) -> Forensics:
    return measure_package("chest", measure_params(place_package(), perturbations=["noise", "zoom"]), FEW).forensics


def test_brightness_sees_more_of_injections_than_of_removals(measured: Forensics) -> None:
    injected, removed = (measured.row("detector", kind) for kind in ("injected", "removed"))
    assert injected is not None
    assert removed is not None
    assert (injected.slices, removed.slices) == (3, 3)
    assert (injected.window_auc.value or 0) > (removed.window_auc.value or 1) + 0.05


def test_a_detector_that_is_a_control_has_about_the_controls_figures(measured: Forensics) -> None:
    ours, control = (measured.row(judge, "injected") for judge in ("detector", "mean HU of the place"))
    assert ours is not None
    assert control is not None
    assert ours.window_auc.value == pytest.approx(control.window_auc.value, abs=0.15)


def test_rows_are_removals_first_then_injections_then_both_for_every_judge(measured: Forensics) -> None:
    judges = list(dict.fromkeys(row.judge for row in measured.within))
    assert judges == ["detector", "random lung place", "lung centre", "mean HU of the place", "|HU - ring|"]
    assert [row.kind for row in measured.within[:3]] == ["removed", "injected", "all"]
    assert [row.judge for row in measured.perturbed] == ["noise"] * 3 + ["zoom"] * 3


def test_a_package_that_tells_nodules_is_not_measured_on_fakes(
    place_package: MakePlaces, measure_params: MakeParams
) -> None:
    package = place_package()
    write_card(read_card(package).model_copy(update={"task": Task.NODULES}), package)
    with pytest.raises(ManifestError, match="answers another question") as caught:
        measure_package("chest", measure_params(package), FEW)
    assert caught.value.where == "measure.chest.package"


def test_scans_of_both_trees_are_compared_and_phantoms_are_called_so(measured: Forensics) -> None:
    assert measured.evidence is Evidence.PHANTOM
    assert (measured.scans, measured.untouched) == (6, 4)  # TM and TB of the CT-GAN tree are real, too
    assert measured.whole is not None
    assert measured.whole.paired == 0  # the phantom's trees share no patient
    everything = measured.whole.rows[0]
    assert (everything.by, everything.tampered, everything.untouched) == ("all", 6, 4)


def test_the_record_is_json_and_names_nobody(measured: Forensics, phantom_trees: Path) -> None:
    text = json_text(measured.as_json())
    assert json.loads(text)["schema_version"] == 2
    uuids = {path.name for path in (phantom_trees / "CT-GAN").glob("CT_Scans/*/*")}
    assert uuids
    assert not [uuid for uuid in uuids if f'"{uuid}"' in text]
    assert str(phantom_trees) not in text


def test_equal_scans_and_seeds_give_equal_figures(place_package: MakePlaces, measure_params: MakeParams) -> None:
    params = measure_params(place_package(), perturbations=["noise"])
    first, again = (measure_package("chest", params, FEW).forensics for _ in range(2))
    assert (first.within, first.perturbed) == (again.within, again.perturbed)


def test_a_constant_map_gets_one_half(place_package: MakePlaces, measure_params: MakeParams) -> None:
    found = measure_package("chest", measure_params(place_package(per_hu=0.0)), FEW).forensics
    row = found.row("detector", "all")
    assert row is not None
    assert (row.window_auc.value, row.slice_auc.value) == (0.5, 0.5)
    assert found.whole is not None
    assert found.whole.rows[0].scan_auc.value == 0.5


def test_a_package_without_maps_has_its_hits_alone(place_package: MakePlaces, measure_params: MakeParams) -> None:
    found = measure_package("chest", measure_params(place_package(maps=False)), FEW).forensics
    row = found.row("detector", "all")
    assert row is not None
    assert not found.maps
    assert row.window_auc.value is None
    assert row.hit_rate.value is not None


def test_one_source_alone_measures_within_slices_and_takes_its_own_real_scans(
    place_package: MakePlaces, measure_params: MakeParams, phantom_trees: Path
) -> None:
    alone = {"kind": "ct_gan", "path": str(phantom_trees / "CT-GAN")}
    found = measure_package("chest", measure_params(place_package(), reals=alone), FEW).forensics
    assert found.untouched == 2
    assert found.whole is not None


def test_scans_without_a_label_are_no_measurement(
    place_package: MakePlaces, measure_params: MakeParams, phantom_trees: Path
) -> None:
    real = {"kind": "lidc", "path": str(phantom_trees / "LIDC-IDRI")}
    with pytest.raises(DataError, match="no scan has a labelled site"):
        measure_package("chest", measure_params(place_package(), fakes=real, reals=real), FEW)


def test_a_folder_that_is_no_package_is_refused(measure_params: MakeParams, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no model package here"):
        measure_package("chest", measure_params(tmp_path), FEW)


def test_patients_of_both_trees_have_pseudonyms_and_sites_are_of_manipulations(
    place_package: MakePlaces, measure_params: MakeParams
) -> None:
    found = read_labelled(measure_params(place_package()))
    assert all(scan.patient_id.startswith("patient-") for scan in found.scans)
    assert len({scan.scan_id for scan in found.scans}) == len(found.scans) == 10
    assert {scan.manipulation for scan in found.tampered} == {Manipulation.INJECTED, Manipulation.REMOVED}
    assert not any(scan.sites for scan in found.untouched)  # a real nodule is no site
    for scan in found.tampered:
        (one,) = scan.labelled_slices
        assert one.sites.shape == (1, 2)
        assert one.read().shape == (160, 160)


def test_sites_follow_a_perturbation_that_changes_the_matrix(
    place_package: MakePlaces, measure_params: MakeParams
) -> None:
    package = place_package()
    found = read_labelled(measure_params(package))
    labelled = found.tampered[0].labelled_slices
    plain = judge_slices(open_package(package), labelled, 1).slices[0]
    small = judge_slices(open_package(package), labelled, 1, PERTURBATIONS["zoom"]).slices[0]
    ratio = 144 / 160
    np.testing.assert_allclose(small.sites, (plain.sites + 0.5) * ratio - 0.5)
    assert small.spacing_mm == pytest.approx([one / ratio for one in plain.spacing_mm])
    assert small.map is not None
    assert small.map.counts.shape == (18, 18)


def test_a_slice_that_cannot_be_decoded_is_counted_and_stops_nothing(
    place_package: MakePlaces, measure_params: MakeParams, phantom_trees: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(phantom_trees / "CT-GAN", tmp_path / "tree")
    source = {"kind": "ct_gan", "path": str(tmp_path / "tree")}
    package = place_package()
    found = read_labelled(measure_params(package, fakes=source, reals=source))
    labelled = [one for scan in found.tampered for one in scan.labelled_slices]
    file = labelled[0].scan.series.headers[labelled[0].z_index].path
    file.write_bytes(file.read_bytes()[:-5000])
    judged = judge_slices(open_package(package), labelled, 1)
    assert (judged.unread, len(judged.slices), len(judged.labelled)) == (1, 5, 5)


def test_kinds_that_are_not_there_have_no_row() -> None:
    assert [row.kind for row in rows_by_kind("detector", "", [], FEW)] == ["all"]
