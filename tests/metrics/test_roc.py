import numpy as np

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.roc import roc_band

QUICK = Bootstrap(resamples=200)


def test_the_roc_band_encloses_the_curve(predict):
    band = roc_band(predict(patients=12).query("split == 'test'"), QUICK)
    on_grid = np.interp(band.grid, band.fpr, band.tpr)
    inside = (band.low <= on_grid + 1e-9) & (on_grid <= band.high + 1e-9)
    assert inside[5:].mean() > 0.9


def test_one_class_has_no_roc_curve(predict):
    assert roc_band(predict().query("split == 'test' and label == 0"), QUICK) is None


def test_one_scan_has_a_roc_curve_without_band(predict):
    test = predict(patients=1, scans_per_patient=1).query("split == 'test'").reset_index(drop=True)
    test.loc[:4, ["label", "manipulation"]] = [0, "none"]
    band = roc_band(test, QUICK)
    assert len(band.fpr) > 1
    assert len(band.low) == 0
