"""Manipulations by learned inpainters, whatever these have learnt."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medfake.errors import ConfigError, ManifestError
from medfake.tamper.bank import Bank
from medfake.tamper.block import REACH_MM, box_around
from medfake.tamper.cube import Cube
from medfake.tamper.forge import forge
from medfake.tamper.forged_scans import forged_scans
from medfake.tamper.inpainter import Inpainter
from medfake.tamper.learned import LEARNED, manipulations_with, require_manipulation
from medfake.tamper.make_bank import BankPlan, make_bank
from medfake.tamper.network_cube import EDGE, NetworkCube
from medfake.tamper.registry import MANIPULATIONS
from medfake.tamper.site import Site
from tests.fixtures.inpainters import ToyInpainters
from tests.tamper.conftest import SPACING, WriteReals, make_chest, write_series_of
from tests.tamper.test_forge import labels

NAMES = sorted(LEARNED)
LUNG = Site(12, 124, 184)


def apply(
    name: str, inpainters: ToyInpainters, volume: np.ndarray, place: Site, seed: int = 3, spacing=SPACING
) -> np.ndarray:
    known = manipulations_with([inpainters.gan, inpainters.vae])
    return known[name].apply(volume, spacing, place, np.random.default_rng(seed))


def test_learned_manipulations_carry_kinds_codes_and_families() -> None:
    assert {one.name: (one.kind, one.code, one.family) for one in LEARNED.values()} == {
        "gan-injection": ("gan-3d", "FM", "cube"),
        "gan-removal": ("gan-3d", "FB", "cube"),
        "vae-fill": ("vae-2d", "FB", "synthesis"),
        "vae-nodule": ("vae-2d", "FM", "synthesis"),
    }
    assert not set(LEARNED) & set(MANIPULATIONS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [LUNG, Site(0, 124, 184), Site(23, 100, 60)])
@pytest.mark.parametrize("spacing", [(0.7, 0.45, 0.45), (2.5, 1.4, 1.4), (10.0, 0.8, 0.8)])
def test_something_changes_near_the_place_and_nothing_beyond_16_mm(
    name: str, place: Site, spacing: tuple[float, float, float], chest: np.ndarray, toy_inpainters: ToyInpainters
) -> None:
    before = chest.copy()
    after = apply(name, toy_inpainters, chest, place, spacing=spacing)
    assert (after.shape, after.dtype) == (chest.shape, np.int16)
    changed = after != before
    assert changed[place.z, place.y - 3 : place.y + 4, place.x - 3 : place.x + 4].any()
    changed[box_around(chest.shape, spacing, place, REACH_MM)] = False
    assert not changed.any()
    np.testing.assert_array_equal(chest, before)


@pytest.mark.parametrize("name", NAMES)
def test_chance_is_the_generator_s_alone(name: str, chest: np.ndarray, toy_inpainters: ToyInpainters) -> None:
    first, again, other = (apply(name, toy_inpainters, chest, LUNG, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_single_slice_is_filled_in_plane(name: str, chest: np.ndarray, toy_inpainters: ToyInpainters) -> None:
    alone = chest[12:13]
    after = apply(name, toy_inpainters, alone, replace(LUNG, z=0))
    assert after.shape == alone.shape
    assert (after[0, 120:129, 180:189] != alone[0, 120:129, 180:189]).mean() > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_chest_wall_stays(name: str, toy_inpainters: ToyInpainters) -> None:
    volume = np.full((33, 64, 64), -850, np.int16)
    volume[:, :, :26] = 40
    after = apply(name, toy_inpainters, volume, Site(16, 32, 33), spacing=(1.0, 1.0, 1.0))
    assert after[10:23, 26:39, 23:25].mean() == pytest.approx(40, abs=25)


def test_a_cube_comes_back_from_the_network_as_it_went(chest: np.ndarray) -> None:
    for spacing, place in ((SPACING, LUNG), ((0.7, 0.9, 0.6), Site(2, 100, 60)), ((8.0, 0.7, 0.7), Site(23, 124, 184))):
        cube = Cube.cut(chest, spacing, (place.z, place.y, place.x))
        seen = NetworkCube.of(cube)
        assert seen.hu.shape == seen.hole.shape == (EDGE, EDGE, EDGE)
        back = NetworkCube.back(seen.hu, cube)
        np.testing.assert_array_equal(back[cube.inner > 0], cube.grid[cube.inner > 0])


def test_a_bank_and_its_key_know_the_inpainters(tmp_path: Path, toy_inpainters: ToyInpainters) -> None:
    for number in range(5):
        write_series_of(tmp_path / "reals" / str(number), make_chest(14), patient_id=f"P{number}")
    folders = [Path(shutil.copytree(one, tmp_path / one.name)) for one in (toy_inpainters.gan, toy_inpainters.vae)]
    plan = BankPlan(1, [tmp_path / "reals"], 12, 1, 0.5, dict.fromkeys(NAMES, 1.0), folders)
    make_bank(plan, tmp_path / "bank", str)
    bank = Bank.open(tmp_path / "bank")
    assert set(bank.sites.manipulation) == set(NAMES)
    assert set(bank.sites.family) == {"cube", "synthesis"}
    first = (tmp_path / "bank" / "bank.json").read_bytes()
    make_bank(plan, tmp_path / "bank", str)
    assert (tmp_path / "bank" / "bank.json").read_bytes() == first
    graph = folders[0] / "generator.onnx"
    graph.write_bytes(_other_name(graph))
    make_bank(plan, tmp_path / "bank", str)
    assert (tmp_path / "bank" / "bank.json").read_bytes() != first


def _other_name(graph: Path) -> bytes:
    import onnx

    model = onnx.load(graph)
    model.doc_string = "another"
    return model.SerializeToString()


def test_a_bank_without_the_inpainter_says_what_to_add(tmp_path: Path, toy_inpainters: ToyInpainters) -> None:
    plan = BankPlan(1, [tmp_path], 1, 1, 0.5, {"gan-injection": 1.0}, [toy_inpainters.vae])
    with pytest.raises(
        ConfigError, match=r"learned inpainter of kind gan-3d, and banks.b.inpainters has none"
    ) as caught:
        make_bank(plan, tmp_path / "b", str)
    assert caught.value.received == "inpainters of kinds vae-2d"
    assert "`kind: gan-3d`" in str(caught.value.remedy)


def test_a_word_that_is_no_manipulation_gets_the_one_that_was_meant() -> None:
    require_manipulation("removal", "banks.b.manipulations", [], "banks.b.inpainters")
    require_manipulation("vae-fill", "banks.b.manipulations", ["vae-2d"], "banks.b.inpainters")
    with pytest.raises(ConfigError, match="did you mean 'gan-removal'") as caught:
        require_manipulation("gan-removl", "banks.b.manipulations", [], "banks.b.inpainters")
    assert "vae-fill" in str(caught.value.remedy)


def test_an_inpainter_that_lost_a_file_says_how_to_make_it_anew(tmp_path: Path, toy_inpainters: ToyInpainters) -> None:
    folder = Path(shutil.copytree(toy_inpainters.gan, tmp_path / "gan"))
    (folder / "generator.onnx").unlink()
    with pytest.raises(ManifestError, match="not whole") as caught:
        Inpainter.open(folder)
    assert caught.value.remedy == "dvc repro -s -f inpainters"
    with pytest.raises(ManifestError, match="was not made") as caught:
        Inpainter.open(tmp_path / "none")
    assert caught.value.remedy == "dvc repro inpainters"


def test_scans_are_forged_with_them_when_they_are_given(
    tmp_path: Path, write_reals: WriteReals, toy_inpainters: ToyInpainters
) -> None:
    write_reals(tmp_path / "reals")
    forge(
        tmp_path / "reals",
        tmp_path / "out",
        2,
        ("gan-injection", "vae-fill"),
        1,
        [toy_inpainters.gan, toy_inpainters.vae],
    )
    assert [row["type"] for row in labels(tmp_path / "out")] == ["FM", "FB"]
    known = {name: one for name, one in manipulations_with([toy_inpainters.vae]).items() if name in LEARNED}
    scans = forged_scans(
        [tmp_path / "reals"], str, seed=1, scanners=0, forged_scanners=0, manipulations=known
    )  # fmt: skip
    assert [one.manipulation for one in scans] == ["", "vae-fill", "vae-nodule"]


def test_what_is_asked_for_an_injection_is_more_solid_than_a_filling(
    chest: np.ndarray, toy_inpainters: ToyInpainters
) -> None:
    for injection, filling in (("gan-injection", "gan-removal"), ("vae-nodule", "vae-fill")):
        solid, lung = (
            np.mean([apply(name, toy_inpainters, chest, LUNG, seed)[12, 123:126, 183:186].mean() for seed in range(3)])
            for name in (injection, filling)
        )
        assert solid > lung + 20
