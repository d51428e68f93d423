import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import RLELossless

from medfake.datasets.pseudonyms import pseudonym_key
from medfake.logs import register_identifier
from medfake.package.scan_statistics import NUMBERS, WORDS, word
from medfake.phantom import write_patient
from medfake.serving.database import open_database
from medfake.serving.find import find_scans
from medfake.serving.model import open_model
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan, model_digest, served_scan
from medfake.serving.score import score_series
from medfake.serving.verdict import judge
from tests.conftest import MakePackage


def serve(folder: Path, package: Path, now: datetime | None = None) -> ServedScan:
    model = open_model(str(package), None)
    (series,), _ = find_scans([folder], jobs=1)
    scored, _ = score_series(series, model)
    assert scored is not None
    return served_scan(scored, judge(scored, model.card, pseudonym_key("private")), model, now)


def test_a_served_scan_is_told_by_its_pixels_its_header_and_its_scores(
    tmp_path: Path, make_package: MakePackage
) -> None:
    write_patient(tmp_path / "scan", 1, 24, None)
    served = serve(tmp_path / "scan", make_package(), datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    assert served.day == "2026-03-02"
    assert served.words["maker"] == "Phantom B"
    assert served.words["kernel"] == "sharp-60"
    assert served.numbers["thickness_mm"] == pytest.approx(2.0)
    assert served.numbers["noise_hu"] == pytest.approx(15.8, abs=0.5)
    assert served.numbers["n_slices"] == 24
    assert served.words["verdict"] in ("tampered", "not tampered", "uncertain")
    assert set(served.numbers) == set(NUMBERS)
    assert set(served.words) == set(WORDS)
    assert ServedScan.from_json(json.loads(json.dumps(served.as_json()))) == served


def test_the_day_is_that_of_greenwich(
    tmp_path: Path, make_package: MakePackage, write_scan: Callable[..., Path]
) -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-3)))
    assert serve(write_scan(tmp_path / "scan", [-700] * 4), make_package(), late).day == "2026-03-03"


def test_slices_without_a_score_are_counted_by_kind(
    tmp_path: Path, make_package: MakePackage, write_scan: Callable[..., Path]
) -> None:
    folder = write_scan(tmp_path / "scan", [-700] * 6)
    broken = sorted(folder.rglob("*.dcm"))[2]
    dataset = pydicom.dcmread(broken)
    dataset.compress(RLELossless)
    dataset.PixelData = dataset.PixelData[:-200] + b"\xff" * 200
    dataset.save_as(broken)
    served = serve(folder, make_package())
    assert served.skipped == {"unreadable": 1}
    assert served.numbers["n_slices"] == 5


def test_nothing_that_identifies_is_in_the_database(
    tmp_path: Path, make_package: MakePackage, write_scan: Callable[..., Path]
) -> None:
    folder = write_scan(tmp_path / "scan-of-jane", [-700] * 6, patient="DOE^JANE^19700101")
    (series,), _ = find_scans([folder], jobs=1)
    served = serve(folder, make_package())
    recorder = Recorder(open_database(f"sqlite:///{tmp_path}/served.db"))
    assert recorder.record({"job-7/0": served}) == 1
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("served.db*"))
    first = series.headers[0]
    assert served.model_digest.encode() in stored
    secrets = ["DOE", "JANE", "19700101", "scan-of-jane", first.study_uid, first.series_uid, first.sop_uid, "job-7"]
    assert [secret for secret in secrets if secret.encode() in stored] == []


def test_words_of_a_header_are_short_plain_and_without_the_patient() -> None:
    register_identifier("ROE^RICHARD")
    assert word(" B31f ") == "B31f"
    assert word("") == "not said"
    assert word("kernel of ROE^RICHARD") == "kernel of [redacted]"
    assert word("\x1b[31mred\n") == "?[31mred"
    assert len(word("k" * 1000)) == 48


def test_a_detector_is_told_by_its_graph_not_by_its_name(make_package: MakePackage) -> None:
    one, other = make_package("one"), make_package("other")
    before = model_digest(one)
    assert before != model_digest(other)
    (one / "card.json").write_text("a card with other figures")
    assert model_digest(one) == before
    (one / "detector.onnx").write_bytes((other / "detector.onnx").read_bytes())
    assert model_digest(one) == model_digest(other)
