import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from medfake.pacs.results import uids
from medfake.pacs.results.build import Judgement, ResultKind, build_results
from medfake.pacs.results.uids import derived_uid, is_uid
from tests.pacs.results.conftest import JudgeFolder, WriteCt, change


def uids_of(judgement: Judgement) -> set[str]:
    return {made.SOPInstanceUID for made in build_results(judgement, list(ResultKind))}


def shift(path: Path) -> None:
    x, y, z = pydicom.dcmread(path).ImagePositionPatient
    change(path, ImagePositionPatient=[x + 5, y, z])


OTHERS: dict[str, Callable[[Path], None]] = {
    "corrected name": lambda path: change(path, PatientName="Corrected^Name"),
    "corrected id": lambda path: change(path, PatientID="NEW-ID"),
    "accession number": lambda path: change(path, AccessionNumber="A9"),
    "position": shift,
    "spacing": lambda path: change(path, PixelSpacing=[0.5, 0.5]),
    "frame of reference": lambda path: change(path, FrameOfReferenceUID="1.2.3.4.5"),
    "lossy": lambda path: change(path, LossyImageCompression="01"),
    "burned in": lambda path: change(path, BurnedInAnnotation="YES"),
    "shutter": lambda path: change(
        path, ShutterShape="CIRCULAR", CenterOfCircularShutter=[40, 40], RadiusOfCircularShutter=30
    ),
}


@pytest.mark.parametrize("other", list(OTHERS))
def test_what_reads_otherwise_has_another_uid(other: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    before = uids_of(judged(folder))
    for path in folder.iterdir():
        OTHERS[other](path)
    assert not before & uids_of(judged(folder))


def test_what_warns_of_more_has_another_uid(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    warned = replace(judgement.verdict, warnings=("5 of its images have not come", *judgement.verdict.warnings))
    assert not uids_of(judgement) & uids_of(replace(judgement, verdict=warned))


def test_another_version_of_medfake_has_other_uids(
    write_ct: WriteCt, judged: JudgeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgement = judged(write_ct())
    before = uids_of(judgement)
    monkeypatch.setattr(uids, "__version__", "9.9.9")
    assert not before & uids_of(judgement)


def test_files_of_other_names_have_the_same_uids(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_ct((0.0, 2.0, 4.0, 6.0, 8.0, 8.0, 10.0, 12.0))
    (tmp_path / "renamed").mkdir()
    for path in folder.iterdir():
        shutil.copy(path, tmp_path / "renamed" / f"{99 - int(path.stem)}.dcm")
    sites = ((2, 40.0, 48.0),)
    assert uids_of(judged(folder, sites)) == uids_of(judged(tmp_path / "renamed", sites))


def test_the_last_digit_of_what_a_detector_says_changes_no_uid(write_ct: WriteCt, judged: JudgeFolder) -> None:
    """Another processor may add up in another order; the results are of the same detector on the same files."""
    judgement = judged(write_ct())
    other = replace(judgement.verdict, p_tampered=judgement.verdict.p_tampered + 1e-9)
    assert uids_of(judgement) == uids_of(replace(judgement, verdict=other))


def test_a_derived_uid_is_a_valid_one_that_depends_on_the_order_of_its_facts() -> None:
    one, other = derived_uid("a", "b"), derived_uid("b", "a")
    assert is_uid(one)
    assert one.startswith("2.25.")
    assert len(one) <= 44
    assert one == derived_uid("a", "b") != other
    assert derived_uid("ab") != derived_uid("a", "b")


def test_what_archives_can_keep_is_a_uid() -> None:
    assert is_uid("1.2.840.10008")
    assert is_uid("1." + "2" * 62)
    assert is_uid("1.02.3")
    for wrong in ("", "1.", ".1", "1..2", "1.2a", "1." + "2" * 63, "1.2\n", "١.٢", "../1"):
        assert not is_uid(wrong)
