import numpy as np
import pytest

from medfake.tamper.cube import Cube
from medfake.tamper.noise import local_noise


@pytest.mark.parametrize("step_mm", [0.6, 1.25, 2.5, 5.0, 6.0, 8.0, 16.0])
def test_a_cube_never_reaches_further_than_16_mm(step_mm: float) -> None:
    volume = np.zeros((121, 64, 64), np.int16)
    cube = Cube.cut(volume, (step_mm, 0.7, 0.7), (60, 32, 32))
    reach = (cube.box[0].stop - 1 - 60) * step_mm
    assert 16.0 - step_mm < reach <= 16.0
    assert cube.box[0].start == 120 - (cube.box[0].stop - 1)


@pytest.mark.parametrize("step_mm", [0.6, 1.25, 2.5, 6.0, 8.0])
def test_the_grid_has_steps_of_about_1_mm_at_any_slice_distance(step_mm: float) -> None:
    cube = Cube.cut(np.zeros((121, 64, 64), np.int16), (step_mm, 0.7, 0.7), (60, 32, 32))
    extent = (cube.native_shape[0] - 1) * step_mm
    assert extent / (cube.grid.shape[0] - 1) == pytest.approx(1.0, abs=0.04)


def test_slices_further_apart_than_16_mm_leave_a_cube_of_one_slice() -> None:
    cube = Cube.cut(np.zeros((5, 64, 64), np.int16), (16.1, 0.7, 0.7), (2, 32, 32))
    assert cube.box[0] == slice(2, 3)
    assert cube.grid.shape[0] == 1


def test_a_cube_is_clipped_at_the_corner_of_the_volume() -> None:
    cube = Cube.cut(np.zeros((10, 40, 40), np.int16), (2.5, 0.8, 0.8), (0, 0, 39))
    assert cube.box == (slice(0, 7), slice(0, 21), slice(19, 40))
    assert cube.centre_mm[:2] == (0.0, 0.0)


def test_there_and_back_keeps_a_linear_field() -> None:
    z, y, x = np.mgrid[:13, :48, :48]
    volume = (10 * z + 3 * y - 2 * x).astype(np.int16)
    cube = Cube.cut(volume, (2.5, 0.7, 0.7), (6, 24, 24))
    np.testing.assert_allclose(cube.back(cube.grid), volume[cube.box], atol=0.01)


def test_the_inner_part_is_20_mm_wide_and_fades_out() -> None:
    cube = Cube.cut(np.zeros((33, 33, 33), np.int16), (1.0, 1.0, 1.0), (16, 16, 16))
    line = cube.inner[16, 16]
    assert (line[7:26] == 1).all()
    assert line[6] == line[26] == 0.5
    assert (line[:6] == 0).all()
    assert (line[27:] == 0).all()


def test_local_noise_recovers_white_noise_and_ignores_a_slope() -> None:
    ramp = np.linspace(0, 500, 200, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 20, (8, 200, 200)).astype(np.float32)
    assert local_noise(ramp + noise) == pytest.approx(20, rel=0.03)
    assert local_noise(np.broadcast_to(ramp, (2, 2, 200))) == pytest.approx(0, abs=1e-3)


def test_two_columns_have_no_measurable_noise() -> None:
    assert local_noise(np.ones((2, 2, 2), np.float32)) == 0.0
