from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.errors import PacsError
from medfake.pacs.results.build import ResultKind, build_results
from medfake.pacs.results.patient_study import patient_and_study
from tests.pacs.results.conftest import JudgeFolder, WriteCt, by_kind, change, errors_of_dciodvfy


def source(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize("name", [
    "Yamada^Tarou=\u5c71\u7530\u3000\u592a\u90ce",  # a wide blank between the names
    "M\u00fcller\u00a0X^J\u00f6rg",
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627^\u0627\u062d\u0645\u062f\u06cc",  # a joiner within the name
])  # fmt: skip
def test_blanks_and_joiners_of_a_name_stay(name: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct(SpecificCharacterSet="ISO_IR 192", PatientName=name, PatientID=name[:9])
    made = by_kind(judged(folder))[ResultKind.SR][0]
    assert (str(made.PatientName), made.PatientID) == (name, name[:9])


def test_controls_in_a_name_are_dropped() -> None:
    assert patient_and_study(source(PatientName="Doe\x1b^Ja\x85ne")).PatientName == "Doe^Jane"


def test_of_several_values_the_first_counts(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    folder = write_ct(PatientName="A\\B", PatientID="1\\2", AccessionNumber="C\\D")
    for several in by_kind(judged(folder)).values():
        for made in several:
            assert (made.PatientName, made.PatientID, made.AccessionNumber) == ("A", "1", "C")
            assert errors_of_dciodvfy(made, tmp_path) == []


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName", "AccessionNumber", "StudyID", "IssuerOfPatientID"])
def test_a_value_longer_than_any_element_is_cut(keyword: str, write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct(SpecificCharacterSet="ISO_IR 192")
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        setattr(dataset, keyword, "\u00e9" * 70_000)
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        dataset.save_as(path, implicit_vr=True, little_endian=True)
    made = by_kind(judged(folder))[ResultKind.SR][0]
    assert pydicom.datadict.dictionary_VR(keyword) == made[keyword].VR
    assert len(str(made[keyword].value)) == 65_534 // 2


@pytest.mark.parametrize(("zone", "kept"), [
    ("-1200", True), ("-1201", False), ("+1400", True), ("+1401", False), ("-0000", False), ("+0000", True),
    ("-0330", True), ("+0560", False), ("+1345", True), ("-1159", True),
])  # fmt: skip
def test_only_time_zones_that_there_are_get_copied(zone: str, kept: bool) -> None:
    assert patient_and_study(source(TimezoneOffsetFromUTC=zone)).get("TimezoneOffsetFromUTC") == (
        zone if kept else None
    )


def test_a_scan_without_identity_gets_results_that_say_so(write_ct: WriteCt, judged: JudgeFolder) -> None:
    code = source(
        CodeValue="113100", CodingSchemeDesignator="DCM", CodeMeaning="Basic Application Confidentiality Profile"
    )
    folder = write_ct(
        PatientIdentityRemoved="YES", DeidentificationMethod=["by hand", "by rule"],
        DeidentificationMethodCodeSequence=DicomSequence([code, source(CodeValue="1")]),
    )  # fmt: skip
    for several in by_kind(judged(folder)).values():
        for made in several:
            assert (made.PatientIdentityRemoved, list(made.DeidentificationMethod)) == ("YES", ["by hand", "by rule"])
            assert [one.CodeValue for one in made.DeidentificationMethodCodeSequence] == ["113100"]


def test_slices_of_several_patients_get_no_results(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct()
    change(folder / "3.dcm", PatientID="SOMEBODY-ELSE")
    with pytest.raises(PacsError, match="2 patients") as raised:
        build_results(judged(folder), list(ResultKind))
    assert "SOMEBODY" not in str(raised.value)


def test_the_position_reference_comes_with_its_frame(write_ct: WriteCt, judged: JudgeFolder) -> None:
    [made] = by_kind(judged(write_ct(PositionReferenceIndicator="SN")))[ResultKind.SEG]
    assert made.PositionReferenceIndicator == "SN"
