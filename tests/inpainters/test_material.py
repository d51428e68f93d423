from dataclasses import replace

import numpy as np
import pytest

from medfake.inpainters.material import Material, held_apart, middle, solid_share


@pytest.fixture
def material() -> Material:
    """Twelve places of four patients, the last of each bright."""
    hu = np.full((12, 8, 8), -850, np.int16)
    hu[:, :, :2] = 40
    hu[2::3, 3:5, 3:5] = 0
    hole = np.zeros(hu.shape, bool)
    hole[:, 2:6, 2:6] = True
    wanted = np.tile([0.0, 0.0, 1.0], 4).astype(np.float32)
    return Material(hu, hole, wanted, np.repeat(["a", "b", "c", "d"], 3))


def test_the_trivial_fill_is_the_mean_of_the_lung_around(material: Material) -> None:
    lung, bright = 12 * 16 - 4 * 4, 4 * 4
    assert material.trivial_hu() == pytest.approx(bright * 850 / (lung + bright))
    assert replace(material, hu=np.full_like(material.hu, -700)).trivial_hu() == 0


def test_a_difference_is_of_the_holes_alone(material: Material) -> None:
    content = material.hu.astype(np.float32)
    content[:, :2] += 500
    assert material.difference_hu(content) == 0
    content[:, 2:6, 2:6] -= 10
    assert material.difference_hu(content) == pytest.approx(10)


def test_patients_are_held_out_and_a_single_one_loses_places(material: Material) -> None:
    learned, held_out, apart = held_apart(material, 1)
    assert apart
    assert not set(learned.patients) & set(held_out.patients)
    assert len(learned) + len(held_out) == 12
    learned, held_out, apart = held_apart(material.where(material.patients == "a"), 1)
    assert not apart
    alone = Material.of([material.where(material.patients == "a")] * 5)
    learned, held_out, apart = held_apart(alone, 1)
    assert (len(learned), len(held_out), apart) == (12, 3, False)


def test_a_batch_has_bright_places_and_plain_ones_of_all_patients(material: Material) -> None:
    batch = material.draw(np.random.default_rng(1), 64)
    assert (batch.wanted == 1).sum() == 32
    assert set(batch.patients) == {"a", "b", "c", "d"}
    assert (batch.hu[:, :, :2] == 40).all(axis=(1, 2)).any()  # some are turned over, some are not
    assert (batch.hu[:, :, -2:] == 40).all(axis=(1, 2)).any()
    np.testing.assert_array_equal(batch.hole, material.hole[:1].repeat(64, 0))
    plain = material.where(material.wanted == 0)
    assert (plain.draw(np.random.default_rng(1), 4).wanted == 0).all()


def test_the_middle_is_solid_from_lung_to_soft_tissue() -> None:
    distance = np.abs(np.arange(-4.0, 5.0))
    for hu, share in ((-850.0, 0), (-400.0, 0.5), (0.0, 1), (300.0, 1)):
        assert solid_share(np.where(distance <= 3, hu, 1000.0), distance) == pytest.approx(share)


@pytest.mark.parametrize(("edge", "axes"), [(64, 2), (32, 3)])
def test_what_is_wanted_belongs_into_the_middle(edge: int, axes: int) -> None:
    near = middle(edge, axes)
    assert near.shape == (1, *(edge,) * axes)
    assert near[(0, *(edge // 2,) * axes)] == near.max() == 1
    assert near[(0, edge // 2 + 7, *(edge // 2,) * (axes - 1))] == pytest.approx(0.1, abs=0.01)
