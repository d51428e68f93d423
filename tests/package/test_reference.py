from pathlib import Path

import numpy as np
import pytest

from medfake.errors import ManifestError
from medfake.package.reference import (
    MOST_VALUES,
    REFERENCE_FILE,
    Reference,
    Values,
    make_reference,
    read_reference,
    write_reference,
)
from medfake.vocabulary import Evidence


def made(inputs: list[Values], scores: list[Values] | None = None) -> Reference:
    return make_reference(inputs, scores or [], of="some scans", evidence=Evidence.PHANTOM, whole=True, graph="g" * 64)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    reference = made([{"noise_hu": 20.0, "maker": "A"}], [{"p_tampered": 0.2, "verdict": "not tampered"}])
    write_reference(tmp_path / REFERENCE_FILE, reference)
    assert read_reference(tmp_path / REFERENCE_FILE) == reference
    assert reference.scans == 1
    assert reference.numbers == {"noise_hu": (20.0,), "p_tampered": (0.2,)}
    assert reference.words == {"maker": {"A": 1}, "verdict": {"not tampered": 1}}


def test_the_order_of_scans_leaves_no_trace_and_equal_scans_make_equal_bytes(tmp_path: Path) -> None:
    scans: list[Values] = [{"noise_hu": value, "maker": "AB"[int(value) % 2]} for value in (3.0, 1.0, 2.0)]
    for name, given in (("one", scans), ("other", scans[::-1])):
        write_reference(tmp_path / name, made(given))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert made(scans).numbers["noise_hu"] == (1.0, 2.0, 3.0)


def test_scans_that_lack_a_number_are_left_out_of_it() -> None:
    reference = made([{"noise_hu": None}, {"noise_hu": 5.0}, {"noise_hu": float("nan")}, {}])
    assert reference.numbers["noise_hu"] == (5.0,)
    assert reference.scans == 4


def test_quantiles_stand_for_more_scans_than_are_kept() -> None:
    values = np.random.default_rng(1).normal(0, 1, 20 * MOST_VALUES)
    kept = made([{"noise_hu": float(value)} for value in values]).numbers["noise_hu"]
    assert len(kept) == MOST_VALUES
    assert np.median(kept) == pytest.approx(np.median(values), abs=0.01)
    assert np.std(kept) == pytest.approx(np.std(values), rel=0.01)


def test_a_package_without_one_has_none(tmp_path: Path) -> None:
    assert read_reference(tmp_path / REFERENCE_FILE) is None


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe", b'{"schema_version": 2}', b"no JSON"])
def test_what_is_no_reference_is_told_with_what_to_type(tmp_path: Path, content: bytes) -> None:
    (tmp_path / REFERENCE_FILE).write_bytes(content)
    with pytest.raises(ManifestError, match="medfake monitor reference FOLDER"):
        read_reference(tmp_path / REFERENCE_FILE)
