"""Where scanning is started from: it leaves nothing there, and it changes no name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.serving.model import open_model
from medfake.serving.scan import scan_paths


def test_scanning_writes_nothing_where_it_is_started_and_names_a_patient_alike_everywhere(
    make_package: Callable[..., Path],
    write_scan: Callable[..., Path],
    tracking: TrackingParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, scan = open_model(str(make_package()), None), write_scan(tmp_path / "scan", [-200] * 10)
    names = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        names += [(one.patient_id, one.scan_id) for one in scan_paths([scan], model).scans]
        assert list((tmp_path / name).iterdir()) == []
    assert names[0] == names[1]
