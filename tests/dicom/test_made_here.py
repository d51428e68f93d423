"""What may be replaced: what medfake made itself, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from medfake.config import PhantomParams
from medfake.dicom.made_here import require_made_here
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import OutputRefusedError
from medfake.phantom import write_phantom
from medfake.vocabulary import Evidence, LabelCode


def scan(folder: Path, mark: Evidence | None) -> None:
    template = SeriesTemplate(
        patient_id="a", manufacturer="m", model="m", kernel="", thickness_mm=1.0, spacing_mm=(0.7, 0.7)
    )
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    write_series(folder, np.zeros((2, 16, 16), np.int16), positions, template, uid_seed=str(folder), synthetic=mark)


@pytest.mark.parametrize("mark", [Evidence.PHANTOM, Evidence.FORGED])
def test_scans_with_the_mark_and_their_tables_are_ours(tmp_path: Path, mark: Evidence) -> None:
    scan(tmp_path / "chest/a", mark)
    (tmp_path / "chest/labels.csv").write_text("uuid\n")
    (tmp_path / "chest/a/outlines.xml").write_text("<a/>")
    require_made_here(tmp_path / "chest", "phantom.chest")


def test_what_is_no_scan_to_detectors_bears_the_mark_as_well(tmp_path: Path) -> None:
    """A phantom has localizers, which are no axial slices."""
    write_phantom(tmp_path / "chest", PhantomParams(seed=1, reals=2, fakes={LabelCode.FM: 1}, slices=16), size=64)
    assert list((tmp_path / "chest").rglob("scout/*.dcm"))
    require_made_here(tmp_path / "chest", "phantom.chest")


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_is_replaced_where_nothing_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    require_made_here(tmp_path / name, "phantom.chest")


def refused(folder: Path) -> OutputRefusedError:
    with pytest.raises(OutputRefusedError, match="did not make") as caught:
        require_made_here(folder, "forged.own")
    return caught.value


def test_one_original_among_scans_that_were_made_is_enough(tmp_path: Path) -> None:
    scan(tmp_path / "made", Evidence.PHANTOM)
    scan(tmp_path / "original", None)
    error = refused(tmp_path)
    assert error.received == "original/0.dcm and 1 more"
    assert error.remedy == "move it away, or give forged.own in params.yaml another name"


@pytest.mark.parametrize("name", ["notes.txt", "scan.zip", "noending"])
def test_a_file_of_another_kind_stays(tmp_path: Path, name: str) -> None:
    scan(tmp_path / "made", Evidence.PHANTOM)
    (tmp_path / name).write_bytes(b"mine")
    assert refused(tmp_path).received == name


def test_tables_without_scans_are_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("uuid\n")
    assert refused(tmp_path).received == "labels.csv"


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_stays_a_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "chest").symlink_to(tmp_path / target)
    assert refused(tmp_path / "chest").received == "a link"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "chest").write_text("")
    assert refused(tmp_path / "chest").received == "a file"
