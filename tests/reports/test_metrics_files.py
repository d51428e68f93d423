import json

from medfake.metrics.binary import METRICS
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.metrics_files import to_json

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
