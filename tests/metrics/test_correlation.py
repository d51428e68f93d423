import numpy as np
import pytest

from medfake.metrics.correlation import VECTOR, metric_vector, pearson_matrix
from medfake.reports.papers import read_table


def table_1():
    rows = read_table("alsabbagh_table1")
    return [row["model"] for row in rows], [[float(row[name]) for name in VECTOR] for row in rows]


def test_it_is_pearsons_correlation():
    _, vectors = table_1()
    assert pearson_matrix(vectors) == pytest.approx(np.corrcoef(vectors), abs=1e-12)


def test_resnet50v2_is_the_one_that_stands_apart_in_table_1():
    """Alsabbagh and Al-Kadi, section 5, say so of figures 5 and 6."""
    names, vectors = table_1()
    means = np.mean(pearson_matrix(vectors), axis=1)
    assert names[int(np.argmin(means))] == "ResNet50V2"


def test_a_vector_that_does_not_vary_has_no_correlation():
    matrix = pearson_matrix([[0.1, 0.1, 0.1], [0.1, 0.2, 0.3]])
    assert np.isnan(matrix[0]).all()
    assert matrix[1, 1] == pytest.approx(1.0)


def test_opposite_vectors_are_at_minus_one():
    assert pearson_matrix([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])[0, 1] == pytest.approx(-1.0)


def test_a_vector_is_complete_or_none():
    whole = dict.fromkeys(VECTOR, 0.5)
    assert metric_vector(whole) == (0.5,) * 6
    assert metric_vector(whole | {"precision": None}) is None
