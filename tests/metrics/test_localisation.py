import numpy as np
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.localisation import localise

QUICK = Bootstrap(resamples=100)


def sited(predict, **options):
    test = predict(patients=4, **options).query("split == 'test'").copy()
    tampered = test["label"] == 1
    test.loc[tampered, "pred_site_y"] = test.loc[tampered, "site_y"]
    test.loc[tampered, "pred_site_x"] = test.loc[tampered, "site_x"]
    return test.assign(spacing_mm=0.5)


@pytest.mark.parametrize(("off_px", "hit_rate"), [(32.0, 1.0), (32.1, 0.0)])
def test_a_hit_is_within_16_mm(predict, off_px, hit_rate):
    test = sited(predict)
    test["pred_site_x"] += off_px
    assert localise(test, QUICK).hit_rate == hit_rate


def test_a_tampered_slice_without_a_predicted_site_is_a_miss(predict):
    test = sited(predict)
    first = test.index[test["label"] == 1][0]
    test.loc[first, ["pred_site_y", "pred_site_x"]] = np.nan
    found = localise(test, QUICK)
    assert found.hit_rate == pytest.approx(1 - 1 / found.slices)


def test_sites_that_always_lie_at_one_place_are_hit_by_guessing(predict):
    found = localise(sited(predict).assign(site_y=200.0, site_x=200.0), QUICK)
    assert (found.random, found.centre) == (1.0, 1.0)


def test_scattered_sites_are_not_hit_by_guessing(predict):
    test = sited(predict)
    test["site_y"] = test["patient_id"].str[1:].astype(float) * 100
    found = localise(test, QUICK)
    assert found.random == 0.0


def test_one_patient_has_no_other_to_guess_from(predict):
    test = sited(predict)
    found = localise(test[test["patient_id"] == "p04"], QUICK)
    assert (found.random, found.interval) == (None, None)


def test_a_detector_that_names_no_site_has_no_hit_rate(predict):
    assert localise(predict(localises=False), QUICK) is None


def test_real_slices_have_no_hit_rate(predict):
    assert localise(predict().query("label == 0"), QUICK) is None
