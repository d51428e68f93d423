import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset

from medfake.copies.search import Copy, Place
from medfake.metrics.scans import Verdict
from medfake.pacs.results.build import Finding, Judgement, ResultKind, build_results
from medfake.pacs.results.codes import SCHEME, Private
from tests.fixtures.modalities import write_mr, write_radiographs
from tests.pacs.results.conftest import JudgeFolder, WriteCt, as_verdict, by_kind, written


def report_of(judgement: Judgement, *kinds: ResultKind) -> Dataset:
    return by_kind(judgement, (ResultKind.SR, *kinds))[ResultKind.SR][0]


def reread(made: Dataset, folder: Path) -> hd.sr.MeasurementReport:
    content = hd.sr.srread(written(made, folder / "sr.dcm")).content
    assert isinstance(content, hd.sr.MeasurementReport)
    return content


def texts_of(made: Dataset) -> dict[str, str]:
    [container] = [one for one in made.ContentSequence if meaning(one) == "Qualitative Evaluations"]
    return {meaning(one): one.TextValue for one in container.ContentSequence}


def meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


@pytest.mark.skipif(shutil.which("dsr2html") is None, reason="dsr2html of DCMTK is not installed")
def test_dsr2html_shows_probability_verdict_and_intended_use(
    phantom: Judgement, phantom_results: dict[ResultKind, list[Dataset]], tmp_path: Path
) -> None:
    path = written(phantom_results[ResultKind.SR][0], tmp_path / "sr.dcm")
    page = subprocess.run(["dsr2html", path], capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"{phantom.verdict.p_tampered:.6g}" in page
    assert "Signs of tampering" in page
    assert "Not a diagnostic device" in page
    assert "PRELIMINARY" in page
    assert "UNVERIFIED" in page


@pytest.mark.parametrize(("verdict", "term"), [
    (Verdict.TAMPERED, Private.TAMPERED),
    (Verdict.NOT_TAMPERED, Private.NOT_TAMPERED),
    (Verdict.UNCERTAIN, Private.UNCERTAIN),
])  # fmt: skip
def test_the_scan_group_has_p_and_the_verdict_in_codes(
    verdict: Verdict, term: Private, write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct())
    judgement = replace(judgement, verdict=replace(judgement.verdict, verdict=str(verdict), p_tampered=1 / 3))
    [group] = reread(report_of(judgement), tmp_path).get_image_measurement_groups()
    [measured] = group.get_measurements()
    assert (measured.name.meaning, measured.value, measured.unit.value) == ("Probability", 0.333333, "1")
    said = {
        one.name.value: one.value
        for one in group.get_qualitative_evaluations()
        if one.name == Private.AUTHENTICITY.code
    }
    assert said == {"AUTHENTICITY": term.code}
    assert len(group.source_images) == 9


@pytest.mark.parametrize(("verdict", "of_scan", "of_site"), [
    (Verdict.TAMPERED, Private.TAMPERING, Private.REGION),
    (Verdict.NOT_TAMPERED, Private.AUTHENTICITY, None),
    (Verdict.UNCERTAIN, Private.AUTHENTICITY, Private.PLACE),
])  # fmt: skip
def test_only_a_positive_verdict_has_a_positive_finding(
    verdict: Verdict, of_scan: Private, of_site: Private | None, write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = as_verdict(judged(write_ct()), verdict)
    content = reread(by_kind(judgement)[ResultKind.SR][0], tmp_path)
    [scan] = content.get_image_measurement_groups()
    assert scan.finding_type == of_scan.code
    found = [group.finding_type for group in content.get_volumetric_roi_measurement_groups()]
    assert found == ([of_site.code] if of_site else [])


def test_findings_are_coded_beside_the_verdict(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    found = judged(write_ct(), findings=(Finding.SAME_UIDS_OTHER_PIXELS,))
    [group] = reread(report_of(found), tmp_path).get_image_measurement_groups()
    values = [one.value for one in group.get_qualitative_evaluations() if one.name == Private.FINDING.code]
    assert values == [Private.OTHER_PIXELS.code]


def test_the_algorithm_is_told_with_thresholds_digest_and_evidence(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    told = [
        item.TextValue for item in report_of(judgement).ContentSequence[-2].ContentSequence[0].ContentSequence
        if meaning(item) == "Algorithm Parameters"
    ]  # fmt: skip
    assert f"threshold of a slice {judgement.model.card.threshold:.6g}" in told
    assert f"package sha256 {judgement.package_sha256}" in told
    assert any(one.startswith("evidence forged: ") for one in told)


def test_a_site_is_a_segment_where_a_segmentation_is_made(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct(), ((4, 40.0, 48.0), (7, 70.0, 20.0)))
    results = by_kind(judgement)
    groups = reread(results[ResultKind.SR][0], tmp_path).get_volumetric_roi_measurement_groups()
    segments = [group.referenced_segment for group in groups]
    segmentation = results[ResultKind.SEG][0]
    for number, (group, segment) in enumerate(zip(groups, segments, strict=True), start=1):
        [reference] = segment[0].ReferencedSOPSequence
        assert reference.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID
        assert reference.ReferencedSegmentNumber == number
        assert group.tracking_uid == segmentation.SegmentSequence[number - 1].TrackingUID
    assert [group.get_measurements()[0].value for group in groups] == [0.9, 0.89]


def test_a_site_is_a_ball_in_the_patient_where_no_segmentation_is_made(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct())
    [group] = reread(report_of(judgement), tmp_path).get_volumetric_roi_measurement_groups()
    [surface] = group.roi.get_coordinates() if hasattr(group.roi, "get_coordinates") else [group.roi[0].value]
    centre = np.array([-40 + 48 * 0.8, -50 + 40 * 0.8, 8.0])
    assert np.allclose(np.mean(surface, axis=0), centre)
    assert np.allclose(np.linalg.norm(surface - centre, axis=1), 8.0)
    assert group.roi[0].frame_of_reference_uid == judgement.scored.headers[0].frame_of_reference_uid


def test_a_site_without_a_frame_of_reference_is_a_circle_on_its_slice(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct(FrameOfReferenceUID=None))
    [group] = reread(report_of(judgement), tmp_path).get_planar_roi_measurement_groups()
    assert np.allclose(group.roi.value, [[48.5, 40.5], [38.5, 40.5]])


@pytest.mark.parametrize("spacing", [[0.5, 1.0], [1.0, 0.5]])
def test_a_site_on_pixels_that_are_no_squares_is_an_ellipse_with_its_major_axis_first(
    spacing: list[float], write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    results = by_kind(
        judged(write_ct(FrameOfReferenceUID=None, PixelSpacing=spacing)), (ResultKind.SR, ResultKind.GSPS)
    )
    [group] = reread(results[ResultKind.SR][0], tmp_path).get_planar_roi_measurement_groups()
    assert group.roi.graphic_type == hd.sr.GraphicTypeValues.ELLIPSE
    points = np.array(group.roi.value)
    lengths = [np.linalg.norm(points[1] - points[0]), np.linalg.norm(points[3] - points[2])]
    assert np.allclose(lengths, [32, 16])
    assert np.allclose(points.mean(axis=0), [48.5, 40.5])
    drawn = [item.GraphicObjectSequence[0] for item in results[ResultKind.GSPS][0].GraphicAnnotationSequence]
    assert points.ravel().tolist() in [list(one.GraphicData) for one in drawn]


def test_a_site_of_a_radiograph_is_a_circle_in_the_image(judged: JudgeFolder, tmp_path: Path) -> None:
    judgement = judged(write_radiographs(tmp_path / "dx"), ((0, 40.0, 48.0),))
    [group] = reread(report_of(judgement, ResultKind.SEG), tmp_path).get_planar_roi_measurement_groups()
    assert np.allclose(group.roi.value, [[48.5, 40.5], [56.5, 40.5]])


def test_warnings_and_origin_of_thresholds_are_told_in_words(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct(), thresholds_from="on 60 untampered scans of this site")
    judgement = replace(judgement, verdict=replace(judgement.verdict, warnings=("thick slices",)))
    told = texts_of(report_of(judgement))
    assert told["Limitation of the result"] == "thick slices"
    assert told["Origin of the thresholds"] == "on 60 untampered scans of this site"
    assert judgement.model.card.intended_use in told["Intended use"]


def test_tissue_that_stands_twice_is_told_by_slices_and_no_file_name(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    copy = Copy(12, Place(2, 4.0, 10.0, 20.0), Place(6, 12.0, 30.0, 40.0), (2, 6))
    scores = replace(judgement.scored.scores, copies=(copy,))
    told = texts_of(report_of(replace(judgement, scored=replace(judgement.scored, scores=scores))))
    assert told["Tissue that stands twice"] == "slice 3 y 10 x 20 and slice 7 y 30 x 40; 12 spots of noise agree"


def test_all_files_and_the_segmentation_are_evidence(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    results = by_kind(judgement)
    [evidence] = results[ResultKind.SR][0].CurrentRequestedProcedureEvidenceSequence
    scan, segmentation = evidence.ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in scan.ReferencedSOPSequence} == {
        header.sop_uid for header in judgement.scored.headers
    }
    assert segmentation.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == results[ResultKind.SEG][0].SOPInstanceUID


def test_what_was_judged_of_a_series_is_told(judged: JudgeFolder, write_ct: WriteCt, tmp_path: Path) -> None:
    assert texts_of(report_of(judged(write_ct())))["Images that were judged"] == "axial, 9 of 9 images"
    mr = texts_of(report_of(judged(write_mr(tmp_path / "mr"))))["Images that were judged"]
    assert mr.startswith("axial, TE 90 ms")
    assert mr.endswith(", 9 of 9 images")


def test_it_is_complete_preliminary_and_verified_by_nobody(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = report_of(judged(write_ct()))
    assert (made.CompletionFlag, made.PreliminaryFlag, made.VerificationFlag) == (
        "COMPLETE", "PRELIMINARY", "UNVERIFIED",
    )  # fmt: skip
    assert made.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == SCHEME


def test_no_warning_is_raised_by_what_builds_reports(
    write_ct: WriteCt, judged: JudgeFolder, recwarn: pytest.WarningsRecorder
) -> None:
    build_results(judged(write_ct(PatientID="ö" * 70)), list(ResultKind))
    assert not recwarn.list
