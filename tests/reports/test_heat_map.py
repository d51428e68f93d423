import numpy as np
import pytest

from medfake.reports.heat_map import heat_map, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.966, ".97"), (-0.2, "-.20"), (0.996, "1"), (-0.996, "-1"), (0.004, "0"), (-0.004, "0"), (-0.006, "-.01")],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_a_cell_without_a_number_stays_empty():
    svg = heat_map(["A", "B"], np.array([[1.0, np.nan], [np.nan, -0.5]]), "test")
    assert svg.count("-.50<") == 1
    assert svg.count(">1<") == 1
    assert "nan" not in svg
    assert "--series-1" in svg  # one colour for either sign
    assert "--series-2" in svg


def test_equal_matrices_give_equal_text():
    matrix = np.array([[1.0, 0.3], [0.3, 1.0]])
    assert heat_map(["A", "B"], matrix, "test") == heat_map(["A", "B"], matrix.copy(), "test")
