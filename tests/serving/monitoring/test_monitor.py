"""From DICOM files to the answer: scans of a hospital, really scored, recorded and compared."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from medfake.datasets.pseudonyms import pseudonym_key
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import ManifestError, ScanError
from medfake.package.reference import REFERENCE_FILE, read_reference, write_reference
from medfake.serving.database import open_database
from medfake.serving.find import find_scans
from medfake.serving.model import Model, open_model
from medfake.serving.monitoring.advice import Finding, advise
from medfake.serving.monitoring.comparison import State
from medfake.serving.monitoring.known import reference_of_folder
from medfake.serving.monitoring.monitor import monitor
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import served_scan
from medfake.serving.score import score_series
from medfake.serving.verdict import judge
from tests.conftest import MakePackage
from tests.fixtures.chests import draw_chest

SCANS, SLICES = 24, 4
SPACING_MM = 1.7  # of chests of 192 px
Hospital = Callable[..., Path]


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A folder of small CT scans, some of either kernel, with noise around what a hospital's dose gives."""

    def make(
        seed: int, noise_hu: float = 10.0, kernels: tuple[str, ...] = ("soft", "lung"), scans: int = SCANS
    ) -> Path:
        folder = tmp_path_factory.mktemp("hospital")
        rng = np.random.default_rng(seed)
        for number in range(scans):
            noise = noise_hu * rng.uniform(0.8, 1.2)
            drawn = np.stack([draw_chest(rng) + rng.normal(0, noise, (192, 192)) for _ in range(SLICES)])
            template = SeriesTemplate(
                patient_id=f"DOE^{seed}^{number}", manufacturer="Maker", model="M",
                kernel=kernels[int(rng.integers(len(kernels)))], thickness_mm=2.5, spacing_mm=(SPACING_MM, SPACING_MM),
            )  # fmt: skip
            positions = np.array([[0.0, 0.0, 2.5 * index] for index in range(SLICES)])
            volume = np.clip(np.rint(drawn), -1024, 3071).astype(np.int16)
            write_series(folder / str(number), volume, positions, template, uid_seed=f"{seed}-{number}", synthetic=None)
        return folder

    return make


@pytest.fixture(scope="session")
def before(hospital: Hospital) -> Path:
    return hospital(1)


@pytest.fixture
def model(make_package: MakePackage) -> Model:
    return open_model(str(make_package()), None)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Recorder:
    sqlite = request.param == "sqlite"
    return Recorder(open_database(f"sqlite:///{tmp_path}/s.db" if sqlite else request.getfixturevalue("postgres")))


def serve(folder: Path, model: Model, recorder: Recorder, job: str) -> None:
    """As a service does: each scan is scored, and what is said of it recorded under the job's name."""
    series, _ = find_scans([folder], jobs=1)
    for number, one in enumerate(series):
        scored, _ = score_series(one, model)
        assert scored is not None
        verdict = judge(scored, model.card, pseudonym_key("private"))
        recorder.record({f"{job}/{number}": served_scan(scored, verdict, model)})


def known(before: Path, model: Model) -> None:
    """The package says how these scans look."""
    made, skipped = reference_of_folder([before], model)
    assert skipped == []
    write_reference(model.folder / REFERENCE_FILE, made)


def test_a_hospital_like_before_is_as_before(
    hospital: Hospital, before: Path, model: Model, recorder: Recorder
) -> None:
    known(before, model)
    serve(hospital(2), model, recorder, "job")
    found = monitor(recorder, model)
    assert (found.served, found.known, found.others) == (SCANS, SCANS, 0)
    assert found.days == (str(datetime.now(UTC).date()),) * 2
    assert advise(found).finding is Finding.FINE


@pytest.mark.slow
def test_hospitals_like_before_are_hardly_ever_called_others(hospital: Hospital, model: Model, tmp_path: Path) -> None:
    found = []
    for seed in range(10, 30, 2):
        known(hospital(seed), model)
        recorder = Recorder(open_database(f"sqlite:///{tmp_path}/{seed}.db"))
        serve(hospital(seed + 1), model, recorder, "job")
        found.append(advise(monitor(recorder, model)).finding)
    assert found.count(Finding.FINE) >= 9  # of ten; one is expected in ten such tests


def test_another_kernel_and_more_noise_are_found(
    hospital: Hospital, before: Path, model: Model, recorder: Recorder
) -> None:
    known(before, model)
    serve(hospital(3, noise_hu=60.0, kernels=("Bv44",)), model, recorder, "job")
    found = monitor(recorder, model)
    assert {"noise_hu", "kernel"} <= {one.name for one in found.in_state(State.DRIFTED)}
    said = advise(found)
    assert said.finding is Finding.RETRAIN
    assert any("Bv44" in reason for reason in said.reasons)


def test_the_first_scans_that_were_served_may_be_what_others_are_compared_with(
    hospital: Hospital, before: Path, model: Model, recorder: Recorder
) -> None:
    serve(before, model, recorder, "first")
    assert advise(monitor(recorder, model)).finding is Finding.NOTHING_KNOWN
    serve(hospital(2), model, recorder, "second")
    found = monitor(recorder, model, baseline=SCANS)
    assert (found.known, found.served) == (SCANS, SCANS)
    assert found.of.startswith(f"the first {SCANS} scans")
    assert monitor(recorder, model, baseline=10 * SCANS).served == 0


def test_scans_by_other_detectors_are_told_and_do_not_count(
    before: Path, model: Model, recorder: Recorder, make_package: MakePackage
) -> None:
    known(before, model)
    serve(before, open_model(str(make_package("other")), None), recorder, "job")
    found = monitor(recorder, model)
    assert (found.served, found.others) == (0, SCANS)


def test_days_before_do_not_count(before: Path, model: Model, recorder: Recorder) -> None:
    known(before, model)
    serve(before, model, recorder, "job")
    assert monitor(recorder, model, since=date(2000, 1, 1)).served == SCANS
    assert monitor(recorder, model, since=date(9999, 1, 1)).served == 0


def test_a_reference_of_other_scans_takes_the_place_of_the_packages_own(
    before: Path, model: Model, recorder: Recorder, tmp_path: Path
) -> None:
    made, _ = reference_of_folder([before], model)
    write_reference(tmp_path / "mine.json", made)
    assert monitor(recorder, model, reference=tmp_path / "mine.json").known == SCANS
    with pytest.raises(ManifestError, match="no such reference"):
        monitor(recorder, model, reference=tmp_path / "none.json")


def test_a_reference_holds_no_identifier_and_says_what_was_left_out(before: Path, model: Model, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    made, skipped = reference_of_folder([before, tmp_path / "notes.txt"], model)
    write_reference(tmp_path / "r.json", made)
    text = (tmp_path / "r.json").read_text()
    assert "DOE" not in text
    assert str(before) not in text
    assert [Path(one.path).name for one in skipped] == ["notes.txt"]
    assert read_reference(tmp_path / "r.json") == made
    assert made.whole


def test_a_folder_without_scans_makes_no_reference(model: Model, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    with pytest.raises(ScanError, match="nothing to score"):
        reference_of_folder([tmp_path / "notes.txt"], model)
