"""Separability: scikit-learn and hand-made figures, and what chance gives."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score

from medfake.metrics.separability import Score, Separability, measure_separability

UNDEFINED = Separability(Score(None), Score(None), Score(None))


def rows(labels: list[int], patients: list[str] | None = None) -> pd.DataFrame:
    names = patients or [f"p{number}" for number in range(len(labels))]
    return pd.DataFrame({"label": labels, "scan_id": names, "patient_id": names})


def test_it_is_worked_out_by_hand_on_four_points() -> None:
    points = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])
    found = measure_separability(points, rows([0, 0, 1, 1]), seed=1, permutations=10)
    assert found.fisher_ratio.value == pytest.approx(16 / 4)  # 4 points 2 from the mean; 4 points 1 from theirs
    assert found.silhouette.value == pytest.approx(silhouette_score(points, [0, 0, 1, 1]))
    assert found.purity.value == pytest.approx(1 / 3)  # all three others are neighbours, one of them alike


def test_classes_far_apart_are_beyond_chance_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    labels = [0, 1] * 40
    noise = rng.normal(size=(80, 5))
    apart = measure_separability(noise + 4.0 * np.array(labels)[:, None], rows(labels), seed=1)
    assert apart.silhouette.value == pytest.approx(silhouette_score(noise + 4.0 * np.array(labels)[:, None], labels))
    assert apart.purity.value == 1.0
    assert apart.purity.chance == pytest.approx(0.5, abs=0.05)
    assert apart.silhouette.beyond_chance
    assert apart.fisher_ratio.beyond_chance
    nothing = measure_separability(noise, rows(labels), seed=1)
    assert not nothing.silhouette.beyond_chance
    assert nothing.silhouette.value == pytest.approx(0.0, abs=0.03)


def test_slices_that_lie_together_because_of_their_patient_are_chance() -> None:
    """Four slices a patient at one place each: classes look pure, and swapped labels look as pure."""
    rng = np.random.default_rng(2)
    patients = [f"p{number}" for number in range(12) for _ in range(4)]
    places = np.repeat(rng.normal(size=(12, 3)) * 10, 4, axis=0) + rng.normal(size=(48, 3)) * 0.01
    found = measure_separability(places, rows([number // 4 % 2 for number in range(48)], patients), seed=1)
    assert not found.silhouette.beyond_chance
    assert found.purity.value is not None
    assert found.purity.value < 0.8


@pytest.mark.parametrize("labels", [[1, 1, 1, 1], [0, 0, 0, 0]])
def test_one_class_has_nothing_to_separate(labels: list[int]) -> None:
    assert measure_separability(np.eye(4), rows(labels), seed=1) == UNDEFINED


def test_slices_at_one_place_have_nothing_to_separate() -> None:
    assert measure_separability(np.ones((4, 3)), rows([0, 1, 0, 1]), seed=1) == UNDEFINED


def test_one_patient_has_no_neighbours_among_others() -> None:
    found = measure_separability(np.eye(4), rows([0, 1, 0, 1], ["p"] * 4), seed=1)
    assert found.purity == Score(None)
    assert found.silhouette.value is not None
