import numpy as np
import pytest

from medfake.errors import ScanError
from medfake.log_odds import logit, sigmoid
from medfake.package.strongest_run import P_MIN, score_scan


def brute_force(p, z, window):
    """Every window, written out."""
    order = np.argsort(z, kind="stable")
    p, z = np.asarray(p, float)[order], np.asarray(z, float)[order]
    runs, start = [], 0
    for i in range(1, len(z) + 1):
        if i == len(z) or z[i] - z[i - 1] > window:
            runs.append((start, i))
            start = i
    means = []
    for first, stop in runs:
        windows = []
        for i in range(first, stop):
            reaching = [j for j in range(i, stop) if z[j] - z[i] >= window - 1e-9]
            if reaching:
                windows.append((i, reaching[0] + 1))
        means += [logit(p[a:b], P_MIN).mean() for a, b in windows or [(first, stop)]]
    return float(sigmoid(max(means)))


@pytest.mark.parametrize("spacing", [0.625, 1.25, 2.5, 5.0, 9.99, 10.0, 10.01])
def test_windows_equal_those_written_out(spacing):
    rng = np.random.default_rng(4)
    z = spacing * np.sort(rng.choice(60, 25, replace=False))
    p = rng.random(25)
    order = rng.permutation(25)
    assert score_scan(p[order], z[order]).p_tampered == pytest.approx(brute_force(p, z, 10.0), abs=1e-12)


def test_one_bright_slice_is_outvoted_by_its_neighbours():
    p = np.full(21, 0.05)
    p[10] = 0.99
    assert score_scan(p, np.arange(21) * 2.5).p_tampered < 0.5


def test_a_window_of_bright_slices_carries_the_scan_and_is_named():
    p = np.full(21, 0.05)
    p[8:13] = 0.9
    score = score_scan(p, np.arange(21) * 2.5)
    assert score.p_tampered == pytest.approx(0.9)
    assert (score.z_from_mm, score.z_to_mm, score.n_slices) == (20.0, 30.0, 5)


@pytest.mark.parametrize(("gap_mm", "slices"), [(10.0, 2), (10.1, 1)])
def test_windows_do_not_reach_over_a_gap(gap_mm, slices):
    assert score_scan(np.array([0.9, 0.9]), np.array([0.0, gap_mm])).n_slices == slices


def test_a_run_shorter_than_a_window_is_one_window():
    score = score_scan(np.array([0.2, 0.8]), np.array([0.0, 2.0]))
    assert score.n_slices == 2
    assert score.p_tampered == pytest.approx(0.5)


def test_one_slice_scores_itself():
    assert score_scan(np.array([0.7]), np.array([3.0])).p_tampered == pytest.approx(0.7)


def test_a_saturated_slice_is_clipped():
    assert score_scan(np.array([1.0]), np.array([0.0])).p_tampered == pytest.approx(1 - P_MIN)
    assert score_scan(np.array([1.0, P_MIN]), np.array([0.0, 1.0])).p_tampered == pytest.approx(0.5)


def test_slices_at_one_position_are_all_counted():
    assert score_scan(np.array([0.5, 0.5, 0.5]), np.zeros(3)).n_slices == 3


def test_no_slices_are_an_error():
    with pytest.raises(ScanError):
        score_scan(np.empty(0), np.empty(0))
