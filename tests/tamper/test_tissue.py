"""Manipulations of MR volumes and X-ray images: in any scale, nothing outside of their shape, where they belong."""

import numpy as np
import pytest
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray

from medfake.errors import ConfigError
from medfake.phantom.chest_radiograph import take_radiograph
from medfake.phantom.head_scan import scan_head
from medfake.phantom.mr_scanners import MR_SCANNERS
from medfake.phantom.patient import Patient
from medfake.phantom.xray_scanners import XRAY_SCANNERS
from medfake.regions import tissue_in_slice
from medfake.tamper.block import box_around
from medfake.tamper.pair import change_of
from medfake.tamper.registry import MANIPULATIONS, PLACES, manipulations_of, require_made_for
from medfake.tamper.site import Site
from medfake.tamper.tissue_places import lung_fields
from medfake.vocabulary import LabelCode, Modality

STACKS = [Modality.MR, Modality.XRAY]
EACH = [(modality, name) for modality in STACKS for name in manipulations_of(modality)]


@pytest.fixture(scope="module")
def patients() -> dict[Modality, Patient]:
    head = scan_head(SeedSequence(3), MR_SCANNERS["Phantom MR A"], 16, 1, 128)
    chest = take_radiograph(SeedSequence(3), XRAY_SCANNERS["Phantom DX A"], 1, 1, 256)
    return {Modality.MR: head, Modality.XRAY: chest}


def tampered(patient: Patient, name: str, scale: float = 1.0, seed: int = 5) -> tuple[NDArray[np.int16], Site]:
    volume = np.rint(patient.volume * scale).astype(np.int16)
    place = patient.nodules[0]
    return MANIPULATIONS[name].apply(volume, patient.spacing_mm, place, default_rng(seed)), place


def test_both_modalities_have_what_the_papers_attack_with() -> None:
    for modality in STACKS:
        made = manipulations_of(modality).values()
        assert {one.family for one in made} == {"synthesis", "paste", "blend"}
        assert {one.code for one in made} == {LabelCode.FM, LabelCode.FB}


@pytest.mark.parametrize(("modality", "name"), EACH)
def test_what_lies_outside_the_shape_is_bit_identical(
    modality: Modality, name: str, patients: dict[Modality, Patient]
) -> None:
    patient = patients[modality]
    before = patient.volume.copy()
    after, place = tampered(patient, name)
    changed = after != patient.volume
    np.testing.assert_array_equal(patient.volume, before)
    assert changed.any()
    box = box_around(changed.shape, patient.spacing_mm, place)
    inside = changed[box].copy()
    changed[box] = False
    assert not changed.any()
    assert inside.mean() < 0.9  # a shape in the block, not the block
    mask = change_of(patient.volume[place.z], after[place.z], patient.spacing_mm, [place])
    assert (mask > 0)[after[place.z] != patient.volume[place.z]].all()


@pytest.mark.parametrize(("modality", "name"), EACH)
def test_values_stay_within_what_the_image_had(
    modality: Modality, name: str, patients: dict[Modality, Patient]
) -> None:
    after, _ = tampered(patients[modality], name)
    assert after.min() >= 0
    assert after.max() <= patients[modality].volume.max()
    assert after.dtype == np.int16


@pytest.mark.parametrize(("modality", "name"), EACH)
def test_the_scale_of_the_values_does_not_matter(
    modality: Modality, name: str, patients: dict[Modality, Patient]
) -> None:
    """Ten times brighter an image is changed ten times as much, at the same voxels or nearly."""
    patient = patients[modality]
    small, _ = tampered(patient, name)
    large, _ = tampered(patient, name, 4.0)
    change = np.abs(small.astype(float) - patient.volume).sum()
    scaled = np.abs(large.astype(float) - np.rint(patient.volume * 4.0)).sum() / 4
    assert scaled == pytest.approx(change, rel=0.2)


@pytest.mark.parametrize(("modality", "name"), EACH)
def test_the_same_chance_makes_the_same_voxels(
    modality: Modality, name: str, patients: dict[Modality, Patient]
) -> None:
    np.testing.assert_array_equal(tampered(patients[modality], name)[0], tampered(patients[modality], name)[0])


@pytest.mark.parametrize(("modality", "name"), EACH)
@pytest.mark.parametrize("corner", [Site(0, 0, 0), Site(-1, -1, -1)])
def test_a_place_at_the_border_is_no_fault(
    modality: Modality, name: str, corner: Site, patients: dict[Modality, Patient]
) -> None:
    volume, spacing = patients[modality].volume, patients[modality].spacing_mm
    place = Site(*(index % length for index, length in zip((corner.z, corner.y, corner.x), volume.shape, strict=True)))
    after = MANIPULATIONS[name].apply(volume, spacing, place, default_rng(1))
    assert after.shape == volume.shape


def test_an_image_hardly_larger_than_a_block_is_filled_from_its_surroundings() -> None:
    rng = default_rng(1)
    image = rng.normal(500, 20, size=(1, 40, 40)).astype(np.int16)
    after = MANIPULATIONS["tissue-copy"].apply(image, (1.0, 1.0, 1.0), Site(0, 20, 20), default_rng(1))
    assert (after != image).any()


def test_a_shadow_makes_its_place_denser_and_leaves_the_structure(patients: dict[Modality, Patient]) -> None:
    patient = patients[Modality.XRAY]
    after, place = tampered(patient, "shadow")
    box = np.s_[place.z, place.y - 2 : place.y + 3, place.x - 2 : place.x + 3]
    assert after[box].mean() > patient.volume[box].mean() + 50


def test_places_in_a_head_lie_in_the_brain_and_away_from_the_ends(patients: dict[Modality, Patient]) -> None:
    head = patients[Modality.MR]
    for code, find in PLACES[Modality.MR].items():
        places = find(head.volume, head.spacing_mm, default_rng(2), 4)
        assert places, code
        for place in places:
            assert 4 <= place.z < 12
            assert head.volume[place.z, place.y, place.x] > 0.1 * head.volume.max()


@pytest.mark.parametrize("fluid", [100.0, 1600.0], ids=["dark as in T1", "bright as in T2"])
def test_nothing_is_put_into_a_ventricle(fluid: float) -> None:
    down, across = np.mgrid[:200, :200] - 100.0
    head = np.where(np.hypot(down, across) < 85, 700.0, 5.0)
    head[np.hypot(down, across - 20) < 12] = fluid
    volume = np.rint(np.stack([head] * 12) + default_rng(0).normal(0, 25, (12, 200, 200))).clip(0).astype(np.int16)
    places = [PLACES[Modality.MR][LabelCode.FM](volume, (4.0, 1.0, 1.0), default_rng(seed), 4) for seed in range(12)]
    found = np.array([(place.y, place.x) for some in places for place in some])
    assert len(found) >= 24
    assert np.hypot(*(found - (100, 120)).T).min() >= 12 + 5  # of 6 mm, less half of what is smoothed


def test_places_in_a_chest_lie_in_the_lungs_shadows(patients: dict[Modality, Patient]) -> None:
    chest = patients[Modality.XRAY]
    fields = lung_fields(chest.volume[0], chest.spacing_mm)
    left, right = fields[:, :128].mean(), fields[:, 128:].mean()
    assert 0.1 < left < 0.4
    assert 0.1 < right < 0.4
    for find in PLACES[Modality.XRAY].values():
        places = find(chest.volume, chest.spacing_mm, default_rng(2), 4)
        assert len(places) >= 2
        assert all(fields[place.y, place.x] for place in places)
    turned_round = lung_fields((4095 - chest.volume[0]).astype(np.int16), chest.spacing_mm)
    assert (turned_round & fields).mean() < 0.05  # dense must be bright


def test_an_image_without_dark_pieces_has_no_lungs() -> None:
    ramp = np.add.outer(np.arange(128), np.zeros(128)).astype(np.int16)
    assert not lung_fields(ramp, (1.0, 1.0, 1.0)).any()


def test_tissue_is_the_head_with_all_that_it_encloses(patients: dict[Modality, Patient]) -> None:
    from pathlib import Path

    from medfake.dicom.normalised import normalise

    middle = patients[Modality.MR].volume[6]
    tissue = tissue_in_slice(normalise(middle, None, Path()), 1.9)
    assert tissue[64, 64]
    assert not tissue[2:6, 2:6].any()
    assert 0.25 < tissue.mean() < 0.6


def test_a_manipulation_of_another_modality_is_refused() -> None:
    with pytest.raises(ConfigError, match="'lesion' is no manipulation of CT") as caught:
        require_made_for(Modality.CT, "lesion", "forged.own.manipulations.0")
    assert caught.value.received == "MR"
    assert "injection" in str(caught.value.remedy)
    with pytest.raises(ConfigError, match="'injection' is no manipulation of X-ray"):
        require_made_for(Modality.XRAY, "injection")
    assert require_made_for(Modality.MR, "tissue-fill").name == "tissue-fill"
