"""What is kept of authentic scans on their way to a threshold."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from medfake.errors import ScanError
from medfake.serving.archive import How, scan_archive
from medfake.serving.authentic_scans import MOST_WORDS, AuthenticScans
from medfake.serving.found import Found, ScanFound
from medfake.serving.model import Model, open_model

MakeScans = Callable[[Sequence[float]], list[Found]]


@pytest.fixture
def model(make_package: Callable[..., Path]) -> Model:
    return open_model(str(make_package()), None)


@pytest.fixture
def make_scans(model: Model, write_scan: Callable[..., Path], tmp_path: Path) -> MakeScans:
    """A real scan, with which others of other patients and pixels are made that have other scores."""
    scans = scan_archive([write_scan(tmp_path / "a", [-200] * 3)], How(model, digests_pixels=True))
    (found,) = [one for one in scans if isinstance(one, ScanFound)]

    def make(scores: Sequence[float]) -> list[Found]:
        assert found.scored is not None
        return [
            replace(
                found,
                verdict=replace(found.verdict, patient_id=f"patient-{number}", p_tampered=score),
                scored=replace(found.scored, pixels_sha256=str(number)),
            )
            for number, score in enumerate(scores)
        ]

    return make


def taken(scans: Sequence[Found]) -> AuthenticScans:
    authentic = AuthenticScans()
    assert list(authentic.passing(scans)) == list(scans)
    return authentic


def test_scans_come_with_a_digest_of_their_pixels_where_it_is_asked_for(
    model: Model, write_scan: Callable[..., Path], tmp_path: Path
) -> None:
    for name, values in (("a", [-200] * 3), ("b", [-200] * 3), ("c", [-200, -200, -199])):
        write_scan(tmp_path / "in" / name, values)
    for asked in (True, False):
        found = list(scan_archive([tmp_path / "in"], How(model, digests_pixels=asked)))
        first, same, other = [one.scored.pixels_sha256 for one in found if isinstance(one, ScanFound) and one.scored]
        assert first == same
        assert (len(first), first != other) == ((64, True) if asked else (0, False))


def test_a_detector_that_is_certain_of_untampered_patients_gets_no_threshold(
    model: Model, make_scans: MakeScans
) -> None:
    authentic = taken(make_scans([0.1] * 17 + [1.0, 1.0]))
    with pytest.raises(ScanError, match="certain that untampered patients") as caught:
        authentic.calibration(model, 0.1)
    assert caught.value.received == "2 of 19 patients, at a rate of 10%"
    assert caught.value.remedy == "--rate 0.15, or a detector that knows such scans: --model MODEL"
    assert authentic.calibration(model, 0.15).after.high < 1


def test_a_patient_of_several_names_has_the_strongest_score_of_all(model: Model, make_scans: MakeScans) -> None:
    """The second has the first one's pixels and a strong scan before, the third has pixels of the second."""
    scans = make_scans([0.1, 0.9, 0.2, 0.3])
    first, strong, third, _ = scans
    assert isinstance(first, ScanFound)
    assert isinstance(strong, ScanFound)
    assert isinstance(third, ScanFound)
    copy_of_first = replace(first, verdict=replace(first.verdict, patient_id=strong.verdict.patient_id))
    copy_of_strong = replace(strong, verdict=replace(strong.verdict, patient_id=third.verdict.patient_id))
    authentic = taken([*scans, copy_of_first, copy_of_strong])
    assert (authentic.patients, authentic.scans, authentic.repeated) == (2, 4, 2)
    made = authentic.calibration(model, 0.4)
    assert (made.after.high > 0.9, made.reached) == (True, 0)


def test_headers_of_any_words_fill_no_memory(make_scans: MakeScans, model: Model) -> None:
    scans: list[Found] = []
    for number, found in enumerate(make_scans([0.1] * (MOST_WORDS + 10))):
        assert isinstance(found, ScanFound)
        assert found.scored is not None
        series = found.scored.series
        headers = tuple(replace(header, kernel=f"K\x1b{number}") for header in series.headers)
        scans.append(replace(found, scored=replace(found.scored, series=replace(series, headers=headers))))
    kernels = taken(scans).calibration(model, 0.05).mix.kernels
    assert len(kernels) == MOST_WORDS + 1
    assert kernels["others"] == 10
    assert "K?1" in kernels
