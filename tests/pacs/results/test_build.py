import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from medfake import __version__
from medfake.dicom.series import series_of
from medfake.errors import PacsError
from medfake.metrics.scans import Verdict
from medfake.pacs.results.build import Finding, Judgement, ResultKind, build_results, file_bytes
from medfake.pacs.results.objects import SERIES, series_description
from tests.pacs.results.conftest import JudgeFolder, WriteCt, as_verdict, by_kind, errors_of_dciodvfy, written


def every_result(results: dict[ResultKind, list[Dataset]]) -> list[Dataset]:
    return [made for several in results.values() for made in several]


def files_of(judgement: Judgement) -> list[bytes]:
    return [file_bytes(made) for made in build_results(judgement, list(ResultKind))]


def uids_of(judgement: Judgement) -> set[str]:
    return {made.SOPInstanceUID for made in build_results(judgement, [ResultKind.SR, ResultKind.SEG])}


@pytest.mark.parametrize("kind", list(ResultKind))
def test_each_kind_is_valid_by_dciodvfy(
    kind: ResultKind, phantom_results: dict[ResultKind, list[Dataset]], tmp_path: Path
) -> None:
    assert phantom_results[kind]
    for made in phantom_results[kind]:
        assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmdump of DCMTK is not installed")
def test_dcmtk_reads_each_object(phantom_results: dict[ResultKind, list[Dataset]], tmp_path: Path) -> None:
    for made in every_result(phantom_results):
        ended = subprocess.run(["dcmdump", "-q", written(made, tmp_path / "a.dcm")], capture_output=True, timeout=60)
        assert (ended.returncode, ended.stderr) == (0, b"")


def test_each_kind_goes_into_a_series_of_its_own_of_the_same_study(
    phantom: Judgement, phantom_results: dict[ResultKind, list[Dataset]]
) -> None:
    header = phantom.scored.headers[0]
    series = {made.SeriesInstanceUID for made in every_result(phantom_results)}
    assert len(series) == len(ResultKind)
    assert header.series_uid not in series
    for kind, several in phantom_results.items():
        for made in several:
            assert (made.StudyInstanceUID, made.PatientID) == (header.study_uid, header.patient_id)
            assert (made.SOPClassUID, made.SeriesNumber) == (SERIES[kind].sop_class, SERIES[kind].number)


def test_each_says_which_software_made_it_for_research(phantom_results: dict[ResultKind, list[Dataset]]) -> None:
    for made in every_result(phantom_results):
        assert made.SeriesDescription == "medfake: tampered, P 0.985 - research use only"
        assert made.SoftwareVersions == __version__
        assert "Research use only" in made.ContributingEquipmentSequence[0].ContributionDescription
        assert not made.get("ContentCreatorName")


def test_no_result_is_taken_for_a_scan_that_medfake_made_up(
    phantom_results: dict[ResultKind, list[Dataset]],
) -> None:
    from medfake.dicom.header import synthetic_mark

    assert [synthetic_mark(made) for made in every_result(phantom_results)] == [None] * 6


def test_no_result_is_read_as_a_scan(phantom_results: dict[ResultKind, list[Dataset]], tmp_path: Path) -> None:
    made = every_result(phantom_results)
    paths = [written(one, tmp_path / f"{number}.dcm") for number, one in enumerate(made)]
    series, skipped = series_of(paths, tell=False)
    assert series == []
    assert len(skipped) == len(made)


def test_the_same_judgement_gives_the_same_bytes(phantom: Judgement) -> None:
    assert files_of(phantom) == files_of(phantom)


def test_the_same_judgement_gives_the_same_bytes_in_another_process(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct(), mapped=True)
    import pickle

    model, bare = judgement.model, tmp_path / "judgement"
    bare.write_bytes(pickle.dumps((judgement.scored, judgement.verdict, judgement.made)))
    code = (
        "import pickle, sys, hashlib\n"
        "from medfake.pacs.results.build import *\n"
        "from medfake.serving.model import open_builtin\n"
        "scored, verdict, made = pickle.load(open(sys.argv[1], 'rb'))\n"
        "one = Judgement(scored, verdict, open_builtin(''), sys.argv[2], sys.argv[3], made)\n"
        "print(hashlib.sha256(b''.join(map(file_bytes, build_results(one, list(ResultKind))))).hexdigest())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, bare, judgement.package_sha256, judgement.content_sha256],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert model.name == "the built-in detector"
    assert ended.stdout.strip() == sha256(b"".join(files_of(judgement))).hexdigest()


def test_another_time_changes_dates_and_no_uid(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    later = replace(judgement, made=datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))))
    assert uids_of(judgement) == uids_of(later)
    report = build_results(later, [ResultKind.SR])[0]
    assert (report.ContentDate, report.ContentTime) == ("20270102", "030405.000000")
    assert report.InstanceCreationDate == report.SeriesDate == "20270102"


def test_times_are_in_the_zone_that_the_scan_names(write_ct: WriteCt, judged: JudgeFolder) -> None:
    report = build_results(judged(write_ct(TimezoneOffsetFromUTC="-0330")), [ResultKind.SR])[0]
    assert (report.TimezoneOffsetFromUTC, report.ContentDate, report.ContentTime) == (
        "-0330", "20260304", "013607.000890",
    )  # fmt: skip


def test_another_package_other_pixels_or_thresholds_give_other_uids(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    card = judgement.model.card.model_copy(update={"threshold": 0.6})
    scorer = replace(judgement.model.scorer, card=card)
    others = [
        replace(judgement, package_sha256=sha256(b"another").hexdigest()),
        replace(judgement, content_sha256=sha256(b"another").hexdigest()),
        replace(judgement, model=replace(judgement.model, scorer=scorer)),
    ]
    for other in others:
        assert not uids_of(judgement) & uids_of(other)


def test_a_scan_without_sites_gets_a_report_and_pictures(write_ct: WriteCt, judged: JudgeFolder) -> None:
    results = by_kind(judged(write_ct(), ()))
    assert {kind: len(several) for kind, several in results.items()} == {
        ResultKind.SR: 1, ResultKind.SC: 3, ResultKind.SEG: 0, ResultKind.GSPS: 0,
    }  # fmt: skip


def test_no_place_is_pointed_at_in_a_scan_that_is_not_tampered(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = as_verdict(judged(write_ct(), mapped=True), Verdict.NOT_TAMPERED)
    assert judgement.verdict.sites
    results = by_kind(judgement)
    assert (results[ResultKind.SEG], results[ResultKind.GSPS]) == ([], [])
    for made in every_result(results):
        assert b"suspected" not in file_bytes(made)


def test_sites_of_an_uncertain_scan_are_not_called_suspected(write_ct: WriteCt, judged: JudgeFolder) -> None:
    results = by_kind(as_verdict(judged(write_ct()), Verdict.UNCERTAIN))
    assert results[ResultKind.SEG][0].SegmentSequence[0].SegmentDescription.startswith("place looked at")
    assert results[ResultKind.GSPS][0].ContentDescription.startswith("place looked at")
    for made in every_result(results):
        assert b"suspected" not in file_bytes(made)


def test_only_what_is_asked_for_is_made(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = build_results(judged(write_ct()), {ResultKind.GSPS})
    assert [one.Modality for one in made] == ["PR"]


def test_a_time_without_its_zone_is_refused(write_ct: WriteCt, judged: JudgeFolder) -> None:
    naive = judged(write_ct(), made=datetime(2026, 1, 1))  # noqa: DTZ001 - this is what is refused
    with pytest.raises(PacsError, match="time zone"):
        build_results(naive, list(ResultKind))


def test_a_digest_that_is_none_is_refused(write_ct: WriteCt, judged: JudgeFolder) -> None:
    with pytest.raises(PacsError, match="package_sha256"):
        build_results(judged(write_ct(), package_sha256="abc"), list(ResultKind))


def test_the_scan_is_left_as_it_was(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    build_results(judged(folder), list(ResultKind))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_files_are_explicit_little_endian_of_our_implementation(phantom: Judgement, tmp_path: Path) -> None:
    made = build_results(phantom, [ResultKind.SR])[0]
    meta = pydicom.dcmread(written(made, tmp_path / "a.dcm")).file_meta
    assert meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert meta.ImplementationVersionName == f"MEDFAKE_{__version__}"
    assert meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID


def test_a_finding_beside_the_detectors_makes_other_results(phantom: Judgement) -> None:
    """Pixels that came, changed, and came again as they were: the third report says more than the first."""
    plain = build_results(phantom, [ResultKind.SR])[0]
    found = build_results(replace(phantom, findings=(Finding.SAME_UIDS_OTHER_PIXELS,)), [ResultKind.SR])[0]
    assert plain.SOPInstanceUID != found.SOPInstanceUID


def test_a_report_beside_a_segmentation_is_another_one(phantom: Judgement) -> None:
    alone = build_results(phantom, [ResultKind.SR])[0]
    beside = build_results(phantom, [ResultKind.SEG, ResultKind.SR])[-1]
    assert alone.SOPInstanceUID != beside.SOPInstanceUID


@pytest.mark.parametrize("verdict", ["tampered", "not tampered", "uncertain"])
def test_a_list_of_series_shows_the_verdict(phantom: Judgement, verdict: str) -> None:
    told = series_description(replace(phantom.verdict, verdict=verdict, p_tampered=0.12345))
    assert told == f"medfake: {verdict}, P 0.123 - research use only"
    assert len(told) <= 64  # LO
