import numpy as np
import pytest

from medfake.log_odds import logit, sigmoid


def test_logits_undo_the_sigmoid():
    logits = np.array([-3.0, 0.0, 2.5])
    np.testing.assert_allclose(logit(sigmoid(logits), 1e-6), logits)


@pytest.mark.parametrize("clip", [1e-4, 1e-6])
def test_the_ends_are_as_far_out_as_the_clip_lets_them(clip):
    np.testing.assert_allclose(logit(np.array([0.0, clip, 1.0]), clip), np.log([clip, clip, 1 / clip]), rtol=1e-4)


def test_single_precision_is_not_lost_on_the_way():
    p = np.array([0.1, 0.9999], np.float32)
    np.testing.assert_array_equal(logit(p, 1e-6), logit(p.astype(np.float64), 1e-6))
