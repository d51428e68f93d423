"""Files as archives really have them, and hostile ones: a result, or an error that says what is wrong."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError, PacsError
from medfake.pacs.results.build import Judgement, ResultKind, build_results
from tests.fixtures.modalities import write_mr, write_radiographs
from tests.pacs.results.conftest import EDGE, JudgeFolder, WriteCt, by_kind, change, errors_of_dciodvfy, written

Z_MM = tuple(2.0 * k for k in range(9))
Write = Callable[[WriteCt, Path], Path]
ODD: dict[str, Write] = {
    "no frame of reference": lambda ct, _: ct(FrameOfReferenceUID=None),
    "a frame of reference that is no UID": lambda ct, _: ct(FrameOfReferenceUID="frame"),
    "no study id, no sex": lambda ct, _: ct(StudyID=None, PatientSex=None),
    "values of no kind": lambda ct, _: ct(PatientBirthDate="unknown", StudyTime="25:00", PatientSex="?", StudyDate="1"),
    "long descriptions": lambda ct, _: ct(StudyDescription="d" * 9000, SeriesDescription="s" * 9000),
    "a gap": lambda ct, _: ct((*Z_MM[:7], 40.0, 42.0)),
    "a place twice": lambda ct, _: ct((0.0, 2.0, 4.0, 6.0, 8.0, 8.0, 10.0, 12.0, 14.0)),
    "a tilted gantry": lambda ct, _: ct(shear=0.3),
    "no slice numbers": lambda ct, _: ct(InstanceNumber=None),
    "mr": lambda _, folder: write_mr(folder / "mr"),
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("odd", list(ODD))
def test_odd_stacks_get_all_kinds_of_valid_results(
    odd: str, mapped: bool, write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    results = by_kind(judged(ODD[odd](write_ct, tmp_path), mapped=mapped))
    for several in results.values():
        assert several
        for made in several:
            assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("odd", ["no frame of reference", "a place twice", "a tilted gantry", "mr"])
def test_highdicom_reads_report_and_segmentation_of_odd_stacks(
    odd: str, write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    results = by_kind(judged(ODD[odd](write_ct, tmp_path)))
    [segmentation], [report] = results[ResultKind.SEG], results[ResultKind.SR]
    assert hd.seg.segread(written(segmentation, tmp_path / "seg")).number_of_segments == 1
    assert hd.sr.srread(written(report, tmp_path / "sr")).content.get_volumetric_roi_measurement_groups()


def test_highdicom_reads_the_segmentation_of_a_radiograph(judged: JudgeFolder, tmp_path: Path) -> None:
    judgement = judged(write_radiographs(tmp_path / "dx"), ((0, 40.0, 48.0),))
    [made] = by_kind(judgement, (ResultKind.SEG,))[ResultKind.SEG]
    read = hd.seg.segread(written(made, tmp_path / "seg"))
    [mask] = read.get_pixels_by_source_instance([judgement.scored.headers[0].sop_uid], combine_segments=True)
    assert mask[40, 48] == 1
    assert mask[40, 57] == 0


def test_one_slice_gets_all_kinds(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    results = by_kind(judged(write_ct((0.0,)), ((0, 40.0, 48.0),)))
    assert [len(several) for several in results.values()] == [1, 1, 1, 1]
    assert results[ResultKind.SEG][0].NumberOfFrames == 1


def test_a_radiograph_gets_all_kinds(judged: JudgeFolder, tmp_path: Path) -> None:
    results = by_kind(judged(write_radiographs(tmp_path / "dx"), ((0, 40.0, 48.0),)))
    assert [len(several) for several in results.values()] == [1, 1, 1, 1]
    for several in results.values():
        assert errors_of_dciodvfy(several[0], tmp_path) == []
    assert "FrameOfReferenceUID" not in results[ResultKind.SEG][0]


def test_radiographs_of_one_series_have_results_of_their_own(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_radiographs(tmp_path / "dx", 2)
    reports = [build_results(judged(path, ((0, 40.0, 48.0),)), [ResultKind.SR])[0] for path in sorted(folder.iterdir())]
    assert len({made.SOPInstanceUID for made in reports}) == len({made.SeriesInstanceUID for made in reports}) == 2


@pytest.fixture
def enhanced(write_ct: WriteCt, tmp_path: Path) -> Path:
    """One enhanced CT file of nine frames."""
    folder = write_ct()
    files = sorted(folder.iterdir(), key=lambda path: int(path.stem))
    dataset, shared, frames = pydicom.dcmread(files[0]), Dataset(), []
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
    for name, keywords in (
        ("PixelMeasuresSequence", ("PixelSpacing", "SliceThickness")),
        ("PlaneOrientationSequence", ("ImageOrientationPatient",)),
        ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept", "RescaleType")),
    ):
        item = Dataset()
        for keyword in keywords:
            setattr(item, keyword, dataset[keyword].value)
            delattr(dataset, keyword)
        setattr(shared, name, DicomSequence([item]))
    for path in files:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = pydicom.dcmread(path).ImagePositionPatient
        frame.PlanePositionSequence = DicomSequence([place])
        frames.append(frame)
    del dataset.ImagePositionPatient
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    dataset.NumberOfFrames = len(files)
    dataset.PixelData = b"".join(pydicom.dcmread(path).PixelData for path in files)
    whole = tmp_path / "enhanced.dcm"
    dataset.save_as(whole)
    return whole


def test_results_of_an_enhanced_file_name_its_frames(enhanced: Path, judged: JudgeFolder, tmp_path: Path) -> None:
    judgement = judged(enhanced)
    results = by_kind(judgement)
    [segmentation] = results[ResultKind.SEG]
    named = [
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for group in segmentation.PerFrameFunctionalGroupsSequence
    ]
    assert named == [2, 3, 4, 5, 6, 7, 8]
    assert results[ResultKind.SC][0].SourceImageSequence[0].ReferencedFrameNumber == 5
    [evidence] = results[ResultKind.SR][0].CurrentRequestedProcedureEvidenceSequence
    assert len(evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence) == 1
    for several in results.values():
        assert errors_of_dciodvfy(several[0], tmp_path) == []


def test_a_report_names_the_frames_where_others_were_not_judged(
    enhanced: Path, judged: JudgeFolder, tmp_path: Path
) -> None:
    whole = judged(enhanced)
    part = replace(whole.scored, headers=whole.scored.headers[2:7], scores=replace(
        whole.scored.scores, slice_p=whole.scored.scores.slice_p[2:7], shows_lung=whole.scored.scores.shows_lung[2:7],
        sites=tuple(replace(site, slice_index=site.slice_index - 2) for site in whole.scored.scores.sites),
    ))  # fmt: skip
    for judgement, frames in ((whole, None), (replace(whole, scored=part), [3, 4, 5, 6, 7])):
        report = by_kind(judgement, (ResultKind.SR,))[ResultKind.SR][0]
        [group] = hd.sr.srread(written(report, tmp_path / "sr")).content.get_image_measurement_groups()
        [image] = group.source_images
        assert image.referenced_frame_numbers == frames


def test_a_presentation_state_names_an_enhanced_file_once(enhanced: Path, judged: JudgeFolder) -> None:
    [made] = by_kind(judged(enhanced), (ResultKind.GSPS,))[ResultKind.GSPS]
    [image] = made.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert list(image.ReferencedFrameNumber) == [2, 3, 4, 5, 6, 7, 8]
    assert [item.ReferencedImageSequence[0].ReferencedFrameNumber for item in made.GraphicAnnotationSequence] == list(
        range(2, 9)
    )


def test_a_tilted_stack_keeps_the_ball_around_the_same_place_of_the_patient(
    write_ct: WriteCt, judged: JudgeFolder
) -> None:
    judgement = judged(write_ct(shear=0.4))
    [made] = by_kind(judgement, (ResultKind.SEG,))[ResultKind.SEG]
    for mask, group in zip(made.pixel_array, made.PerFrameFunctionalGroupsSequence, strict=True):
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        middle = origin[1] + np.nonzero(mask)[0].mean() * 0.8
        assert middle == pytest.approx(-50 + 0.4 * 8 + 40 * 0.8, abs=0.5)


@pytest.mark.parametrize(("charset", "name"), [
    ("ISO_IR 100", "Müller^Jörg"),
    ("ISO_IR 192", "王^小東"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
])  # fmt: skip
def test_names_in_any_script_stay_what_they_are(
    charset: str | list[str], name: str, write_ct: WriteCt, judged: JudgeFolder
) -> None:
    folder = write_ct(SpecificCharacterSet=charset, PatientName=name)
    for several in by_kind(judged(folder)).values():
        for made in several:
            assert made.SpecificCharacterSet == "ISO_IR 192"
            assert made.PatientName == name


@pytest.mark.parametrize("keyword", ["PatientName", "PatientID", "StudyDate", "PatientSex", "StudyDescription"])
def test_bytes_that_are_no_text_do_no_harm(keyword: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct(SpecificCharacterSet="ISO_IR 192", PatientComments="")
    tag = pydicom.tag.Tag(keyword)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        raw = pydicom.dataelem.RawDataElement(tag, None, 6, b"\xff\xfe\x00\\\x1b$", 0, False, True)
        dataset[tag] = raw._replace(VR=pydicom.datadict.dictionary_VR(tag))
        dataset.save_as(path)
    assert by_kind(judged(folder))[ResultKind.SR]


def test_values_that_are_none_of_their_kind_come_out_empty(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = by_kind(judged(ODD["values of no kind"](write_ct, Path())))[ResultKind.SR][0]
    assert (made.PatientBirthDate, made.StudyTime, made.PatientSex, made.StudyDate) == ("", "", "", "")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_uid_that_is_none_is_told_without_its_value(keyword: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct((0.0,), **{keyword: "DOE JANE 1970"})
    judgement = judged(folder, ((0, 40.0, 48.0),))
    assert judgement.verdict.verdict == "tampered"
    with pytest.raises(DicomError) as raised:
        build_results(judgement, list(ResultKind))
    assert keyword in str(raised.value).replace(" ", "")
    assert "DOE" not in str(raised.value)


def test_leading_zeros_of_a_uid_are_let_be(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = by_kind(judged(write_ct(StudyInstanceUID="1.2.3.004.5")))[ResultKind.SR][0]
    with quiet_pydicom():
        assert made.StudyInstanceUID == "1.2.3.004.5"


def test_slices_of_several_studies_get_no_results(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    change(folder / "3.dcm", StudyInstanceUID="1.2.3")
    with pytest.raises(PacsError, match="2 studies"):
        build_results(judged(folder), list(ResultKind))


def test_a_file_that_was_replaced_since_is_told(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    judgement = judged(folder)
    change(folder / "2.dcm", SOPInstanceUID="1.2.3")
    with pytest.raises(DicomError, match="changed"):
        build_results(judgement, list(ResultKind))


def test_a_file_that_is_gone_is_told(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    judgement.scored.headers[0].path.unlink()
    with pytest.raises(DicomError, match="gone"):
        build_results(judgement, list(ResultKind))


def test_slices_each_with_a_frame_of_reference_of_their_own_share_none(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    for path in folder.iterdir():
        change(path, FrameOfReferenceUID=f"1.2.3.{path.stem}")
    [made] = by_kind(judged(folder), (ResultKind.SEG,))[ResultKind.SEG]
    assert "FrameOfReferenceUID" not in made
    assert "PlaneOrientationSequence" not in made.SharedFunctionalGroupsSequence[0]


def test_nothing_of_the_patient_is_logged_or_printed(
    write_ct: WriteCt, judged: JudgeFolder, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    judgement = judged(write_ct(PatientName="Doe^Jane=x" * 9, PatientBirthDate="19700101x", StudyID="S" * 40))
    assert read_slice(judgement.scored.headers[0]).shape == (EDGE, EDGE)
    caplog.clear()
    build_results(judgement, list(ResultKind))
    said = caplog.text + "".join(capfd.readouterr()) + "".join(str(one.message) for one in recwarn.list)
    for secret in ("Doe", "1970", "SSSS", judgement.scored.headers[0].study_uid):
        assert secret not in said


@pytest.mark.parametrize("spacing", ["1e-300", "1e-9", "10"])
def test_absurd_spacing_ends_in_results(spacing: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    results = by_kind(judged(write_ct(shear=0.3, PixelSpacing=[spacing, spacing])))
    assert [len(several) for several in results.values()] == [1, 1, 3, 1]


def test_a_window_that_is_none_leaves_the_other_results(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_mr(tmp_path / "mr")
    for path in folder.iterdir():
        with quiet_pydicom():
            dataset = pydicom.dcmread(path)
            for tag in ("WindowCenter", "WindowWidth"):
                raw = pydicom.dataelem.RawDataElement(pydicom.tag.Tag(tag), "DS", 4, b"\xff\\xx", 0, False, True)
                dataset[tag] = raw
            dataset.save_as(path)
    assert [len(several) for several in by_kind(judged(folder)).values()] == [1, 1, 3, 1]


def test_a_site_at_the_edge_stays_within_the_image(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    judgement: Judgement = judged(write_ct(), ((0, 0.0, 0.0), (8, EDGE - 1.0, EDGE - 1.0)), mapped=True)
    for several in by_kind(judgement).values():
        for made in several:
            assert errors_of_dciodvfy(made, tmp_path) == []
