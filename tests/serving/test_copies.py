"""A scan in which lung tissue stands twice is told so, with both places."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.config import TrackingParams
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.package.copied import COPIED_P
from tests.fixtures.chests import draw_chest
from tests.fixtures.places import give_places


@pytest.mark.parametrize("forged", [True, False])
def test_a_copy_is_told_in_a_sentence_and_in_json(
    forged: bool,
    make_package: Callable[..., Path],
    tracking: TrackingParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    volume = np.stack([draw_chest(rng, 384) for _ in range(4)])
    if forged:
        volume[3, 180:212, 255:287] = volume[1, 160:192, 105:137]
    template = SeriesTemplate(
        patient_id="DOE^JANE", manufacturer="T", model="T", kernel="K", thickness_mm=2.5, spacing_mm=(0.7, 0.7)
    )
    positions = np.array([[0.0, 0.0, 2.5 * index] for index in range(4)])
    hu = np.clip(np.rint(volume), -1024, 3071).astype(np.int16)
    write_series(tmp_path / "scan", hu, positions, template, uid_seed="copies", synthetic=None)
    package = give_places(make_package("mapped"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        cli, ["scan", "scan", "--model", str(package), "--json", "out.json"], catch_exceptions=False
    )
    (scan,) = json.loads(Path("out.json").read_text())["scans"]
    said = " ".join(result.output.split())
    assert ("lung tissue stands twice" in said) is forged
    assert bool(scan["copies"]) is forged
    if forged:
        (copy, *_) = scan["copies"]
        assert {Path(copy[one]["slice_file"]).name for one in ("one", "other")} == {"1.dcm", "3.dcm"}
        assert {copy[one]["z_mm"] for one in ("one", "other")} == {2.5, 7.5}
        assert copy["pairs"] >= 3
        assert (scan["verdict"], scan["p_tampered"] >= COPIED_P) == ("tampered", True)
        assert f"({copy['pairs']} spots of noise agree)" in said
