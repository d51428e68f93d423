"""`medfake data`: what is in a folder, and an example label file that the importer takes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.datasets.sources.labels import read_labels
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import SourceError, StorageError
from tests.fixtures.modalities import write_mr, write_radiographs

SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "ct-sample"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two scans of one's own, one of them labelled."""
    for name, kernel in (("a", "B30"), ("b", "B70")):
        template = SeriesTemplate(
            patient_id=f"DOE^{name}",
            manufacturer="Maker",
            model="M1",
            kernel=kernel,
            thickness_mm=2.0,
            spacing_mm=(0.7, 0.7),
        )
        positions = np.array([(0.0, 0.0, 2.0 * index) for index in range(6)])
        volume = np.random.default_rng(1).integers(-900, 100, (6, 32, 32), np.int16)
        write_series(tmp_path / "scans" / name, volume, positions, template, uid_seed=name, synthetic=None)
    (tmp_path / "scans" / "labels.csv").write_text("scan,type,slice,x,y\na,FM,3,10,11\n")
    return tmp_path / "scans"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["data", *arguments], catch_exceptions=False, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def test_the_example_is_a_label_file(tmp_path: Path) -> None:
    text = run("template", "--out", str(tmp_path / "example.csv"))
    labels = read_labels(tmp_path / "example.csv", "scan")
    assert labels.problems == []
    assert [row.kind for rows in labels.rows.values() for row in rows] == ["FM", "FB", "TM", "TB"]
    assert "next: save it as labels.csv" in text


def test_the_example_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("precious")
    with pytest.raises(StorageError, match="there is a file already"):
        run("template", "--out", str(tmp_path / "labels.csv"))
    assert (tmp_path / "labels.csv").read_text() == "precious"


def test_inspect_says_what_is_there_and_names_no_patient(scans: Path) -> None:
    text = run("inspect", str(scans))
    assert f"{scans}: folder, 2 scans of 2 patients, 12 slices" in text
    assert "1 x injected, 1 x none" in text
    assert "1 x B30, 1 x B70" in text
    assert "2 x Explicit VR Little Endian" in text
    assert "DOE" not in text
    assert text.rstrip().endswith("then dvc repro")


def test_inspect_as_json_has_the_same_facts(scans: Path) -> None:
    facts = json.loads(run("inspect", str(scans), "--json"))
    assert (facts["kind"], facts["slices"], facts["sites"], facts["problems"]) == ("folder", 12, {"FM": 1}, [])


def test_faults_are_told_and_strict_makes_them_an_error(scans: Path) -> None:
    (scans / "b" / "2.dcm").unlink()
    assert "fault            b: slices are missing; the scan is used as it is and flagged" in run("inspect", str(scans))
    with pytest.raises(SourceError, match="1 faults"):
        run("inspect", str(scans), "--strict")


def test_a_second_look_reads_only_what_changed(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from medfake.dicom import series

    read: list[Path] = []
    real = series.read_headers

    def counting(path: Path) -> object:
        read.append(path)
        return real(path)

    monkeypatch.setattr(series, "read_headers", counting)
    first = run("inspect", str(scans), "--jobs", "1")
    assert len(read) == 13
    read.clear()
    assert run("inspect", str(scans), "--jobs", "1") == first
    assert read == []
    shutil.copy(scans / "a" / "0.dcm", scans / "b" / "0.dcm")
    run("inspect", str(scans), "--jobs", "1")
    assert read == [scans / "b" / "0.dcm"]


def test_inspect_writes_nothing_into_a_working_folder_that_is_no_project(scans: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    run("inspect", str(scans))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", *before]


def test_inspect_remembers_headers_in_the_project_that_it_is_started_in(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / ".medfake").mkdir(parents=True, mode=0o700)
    (project / "data").mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (project / name).touch()
    monkeypatch.chdir(project / "data")
    run("inspect", str(scans))
    assert [path.name for path in (project / ".medfake").iterdir()] == ["headers.sqlite"]
    assert not (tmp_path / "cache").exists()


def test_inspect_needs_no_cache(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "2 scans of 2 patients" in run("inspect", str(scans))


@pytest.mark.parametrize(
    ("tree", "kind"),
    [("CT-GAN/labels_exp1.csv", "ct_gan"), ("data/LIDC-IDRI-0001/x", "lidc"), ("ward/scan/1.dcm", "folder")],
)
def test_a_tree_is_recognised_by_looking(tree: str, kind: str, tmp_path: Path) -> None:
    from medfake.datasets.survey import recognise

    (tmp_path / "root" / tree).parent.mkdir(parents=True)
    (tmp_path / "root" / tree).touch()
    assert recognise(tmp_path / "root") == kind


def test_an_unknown_kind_is_told_with_those_that_there_are(scans: Path) -> None:
    with pytest.raises(SourceError) as caught:
        run("inspect", str(scans), "--kind", "pacs")
    assert caught.value.remedy == "choose among ct_gan, folder, generated, lidc"


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample of real slices is not beside the project")
def test_real_scans_are_described() -> None:
    facts = json.loads(run("inspect", str(SAMPLE), "--json"))
    assert (facts["scans"], facts["patients"], facts["slices"]) == (3, 3, 150)
    assert facts["problems"] == []


def test_scans_of_other_modalities_are_counted_and_how_to_ask_for_them_is_told(tmp_path: Path) -> None:
    write_mr(tmp_path / "scans" / "head")
    write_radiographs(tmp_path / "scans" / "chest")
    said = run("inspect", str(tmp_path / "scans"))
    assert "modalities       1 x MR, 1 x X-ray" in said
    assert "with modality: MR or X-ray, then" in said
