"""The few figures of a training that DVC compares."""

import json

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.headline import HEADLINE, headline, headline_of
from medfake.metrics.predictions import write_predictions
from medfake.reports.compare import compare
from medfake.reports.metrics_files import to_json


def test_the_headline_of_a_training_is_what_the_comparison_says_of_it(predict, enter):
    entry = enter(predict(detector="VGG19"))
    figures = headline(entry.predictions, entry.threshold, entry.scan_high)
    everything = json.loads(to_json(compare([entry], Bootstrap(resamples=20))))
    places = {"scan_auc": "scan/auc", "val_auc": "val/auc"}
    assert tuple(figures) == HEADLINE
    assert figures == {name: everything[f"chest/VGG19/seed-1/{places.get(name, f'slice/{name}')}"] for name in HEADLINE}


def test_an_undefined_figure_is_left_out(predict):
    figures = headline(predict().query("split == 'val' or label == 1"), 0.5, 0.5)
    assert set(figures) == {"accuracy", "f1", "val_auc"}


def test_a_package_is_measured_at_the_thresholds_of_its_card(make_package, predict):
    package, predictions = make_package(threshold=0.9, scan_threshold_high=0.8), predict()
    write_predictions(package / "predictions.parquet", predictions)
    assert headline_of(package) == headline(predictions, 0.9, 0.8)
    assert headline_of(package) != headline(predictions, 0.5, 0.8)
