import subprocess
import sys

import pytest

from medfake.metrics.scans import Verdict, decide


@pytest.mark.parametrize(
    ("p", "verdict"),
    [(0.299, Verdict.NOT_TAMPERED), (0.3, Verdict.UNCERTAIN), (0.699, Verdict.UNCERTAIN), (0.7, Verdict.TAMPERED)],
)
def test_the_band_between_the_thresholds_is_uncertain(p, verdict):
    assert decide(p, 0.3, 0.7) == verdict


def test_verdicts_are_the_words_of_the_report():
    assert [str(verdict) for verdict in Verdict] == ["tampered", "not tampered", "uncertain"]


def test_serving_can_score_scans_without_loading_pandas_or_scikit_learn():
    modules = "medfake.metrics.scans, medfake.package.strongest_run"
    code = f"import sys, {modules}; print(sorted({{'pandas', 'sklearn', 'scipy'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
