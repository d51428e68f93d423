import json

import pytest
from sklearn.metrics import auc

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.roc_points import all_roc_points, roc_points

QUICK = Bootstrap(resamples=100)


def test_roc_points_span_the_curve_and_its_area(predict, enter):
    results = compare([enter(predict())], QUICK).results
    points = roc_points(results[0])
    assert (points[0]["fpr"], points[0]["tpr"]) == (0.0, 0.0)
    assert (points[-1]["fpr"], points[-1]["tpr"]) == (1.0, 1.0)
    area = auc([p["fpr"] for p in points], [p["tpr"] for p in points])
    assert area == pytest.approx(results[0].slices.metrics.auc, abs=1e-5)
    json.dumps(points, allow_nan=False)


def test_one_class_has_no_roc_points(predict, enter):
    made = predict().query("split == 'val' or label == 0")
    assert all_roc_points(compare([enter(made)], QUICK)) == []
