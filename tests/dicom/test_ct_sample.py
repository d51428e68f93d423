from pathlib import Path

import numpy as np
import pytest

from medfake.dicom.reader import read_slice
from medfake.dicom.series import find_series

SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "ct-sample"
pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the real CT sample is not beside the project")


def test_the_three_scans_are_found_and_only_the_readme_is_skipped() -> None:
    series, skipped = find_series(SAMPLE)
    assert sorted(len(one.headers) for one in series) == [30, 50, 70]
    assert [one.path.name for one in skipped] == ["README.md"]
    assert all(one.quality_flags == () for one in series)


def test_hounsfield_units_of_three_makers_are_right() -> None:
    for series in find_series(SAMPLE)[0]:
        hu = read_slice(series.headers[len(series.headers) // 2])
        assert abs(float(np.median(hu[hu < -900])) + 1000) < 40, "air"
        assert 0 <= float(np.median(hu[(hu > -50) & (hu < 150)])) <= 60, "soft tissue"
