import json

from medfake.metrics.binary import METRICS
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.metrics_files import HEADLINE, headline_json, to_json

QUICK = Bootstrap(resamples=100)


def test_json_is_flat_byte_stable_and_sorted(exact):
    text = to_json(compare(exact, QUICK))
    assert text == to_json(compare(reversed(exact), QUICK))
    values = json.loads(text)
    assert list(values) == sorted(values)
    assert text.endswith("}\n")
    assert all(value is None or isinstance(value, int | float) for value in values.values())


def test_json_has_every_figure_of_slices_and_scans_and_undefined_ones_as_null(exact):
    values = json.loads(to_json(compare(exact, QUICK)))
    for level in ("slice", "scan"):
        assert {f"chest/VGG19/seed-1/{level}/{figure}" for figure in METRICS} <= set(values)
    assert values["chest/ResidualCNN/seed-1/slice/precision"] is None
    assert values["chest/ResidualCNN/seed-1/slice/precision_low"] is None
    assert values["chest/VGG19/seed-1/val/auc"] == 1.0
    assert values["chest/VGG19/seed-1/rank"] == 1


def test_the_metrics_of_dvc_are_a_handful_of_each_training_and_numbers_alone(exact):
    comparison = compare(exact, QUICK)
    values, everything = (json.loads(text) for text in (headline_json(comparison), to_json(comparison)))
    assert len(values) == len(HEADLINE) * len(comparison.results)
    assert {f"chest/VGG19/seed-1/{key}" for key in HEADLINE} <= set(values)
    assert {key: everything[key] for key in values} == values
    assert all(isinstance(value, int | float) for value in values.values())


def test_an_undefined_metric_is_left_out_of_those_of_dvc(predict, enter):
    comparison = compare([enter(predict().query("split == 'val' or label == 1"))], QUICK)
    assert set(json.loads(headline_json(comparison))) == {
        f"chest/ResidualCNN/seed-1/slice/{name}" for name in ("accuracy", "f1")
    }
