"""The listener against real callers: what is kept as it was sent, and what is refused."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import config
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from medfake.pacs.listener import CANNOT_UNDERSTAND, MISMATCH, SUCCESS, series_key
from tests.fixtures import dcmtk
from tests.fixtures.listening import (
    AT_ONCE,
    CALLER,
    CT,
    ENHANCED_CT,
    KEY,
    MR,
    PDF,
    SERIES,
    SR,
    STUDY,
    SYNTAXES,
    Listening,
    call,
    ct_object,
    listening,
    sent,
    wait_until,
    write_object,
    write_series_of,
)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "data") as here:
        yield here


def test_blanks_around_titles_are_nothing(one: Listening) -> None:
    association = call(one, f" {CALLER}  ", f"  {one.aet}")
    assert association.is_established
    association.release()


def test_a_series_arrives(one: Listening, tmp_path: Path) -> None:
    done = one.store(write_series_of(tmp_path / "scan", 3))
    assert done.returncode == 0, done.stderr
    assert len(one.arrived()) == one.counts.objects == 3
    (about, files, _) = one.arrivals.under_way()[0]
    assert (about.caller, about.modality, files) == (CALLER, "CT", 3)
    assert about.series_key == series_key(STUDY, SERIES, KEY)
    assert not one.incoming()


def test_what_arrives_is_what_was_sent(one: Listening, tmp_path: Path) -> None:
    path = write_object(tmp_path / "scan" / "1.dcm", ct_object())
    one.store(path, options=("-xe",))
    (arrived,) = one.arrived()
    assert pydicom.dcmread(arrived) == pydicom.dcmread(path)


def test_no_name_of_a_file_holds_an_identifier(one: Listening, tmp_path: Path) -> None:
    one.store(write_series_of(tmp_path / "scan", 2))
    names = "\n".join(str(path) for path in one.folder.rglob("*")).replace(str(one.folder), "")
    assert not any(part in names for part in ("SECRET", STUDY, SERIES, "1.2.3"))
    about = next(one.folder.glob("arriving/*/about.json")).read_text()
    assert not any(part in about for part in ("SECRET", STUDY, SERIES))


def test_what_is_sent_twice_counts_once(one: Listening, tmp_path: Path) -> None:
    scan = write_series_of(tmp_path / "scan", 2)
    assert one.store(scan).returncode == one.store(scan).returncode == 0
    assert len(one.arrived()) == 2
    assert not one.incoming()


def test_other_pixels_under_the_same_uid_begin_the_series_anew(tmp_path: Path) -> None:
    with listening(tmp_path / "data", AT_ONCE) as here:
        first, other = ct_object(), ct_object(PixelData=b"\1" * 512)
        assert sent(here, first, other) == [SUCCESS, SUCCESS]
        one, two = here.whole(2)
        assert one.series_key == two.series_key
        assert one.id != two.id


@pytest.mark.parametrize("sop_class", [SR, PDF])
def test_objects_that_are_no_images_are_acknowledged_and_not_kept(one: Listening, sop_class: str) -> None:
    dataset = ct_object(SOPClassUID=sop_class, Modality="SR", PixelData=None)
    assert sent(one, ct_object(1), dataset, ct_object(2)) == [SUCCESS] * 3
    assert one.counts.not_kept == 1
    assert len(one.arrived()) == 2
    wait_until(lambda: not one.incoming())


def test_mr_is_kept(one: Listening) -> None:
    assert sent(one, ct_object(SOPClassUID=MR, Modality="MR")) == [SUCCESS]
    assert one.arrivals.under_way()[0][0].modality == "MR"


@pytest.mark.parametrize(
    "values",
    [
        {"SeriesInstanceUID": None},
        {"SeriesInstanceUID": ""},
        {"SeriesInstanceUID": "../../etc"},
        {"SeriesInstanceUID": "1.2\\1.3"},
        {"SeriesInstanceUID": "1." + "2" * 64},
        {"StudyInstanceUID": None},
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_objects_of_no_series_are_refused(one: Listening, values: dict[str, Any]) -> None:
    assert sent(one, ct_object(1, **values), ct_object(2)) == [CANNOT_UNDERSTAND, SUCCESS]
    wait_until(lambda: not one.incoming())


def test_an_object_that_is_another_than_its_command_says_is_refused(one: Listening) -> None:
    association = call(one)
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = CT, "1.2.3.99"
    context = next(one for one in association.accepted_contexts if one.abstract_syntax == CT)
    implicit = context.transfer_syntax[0] == SYNTAXES[0]
    request.DataSet = io.BytesIO(encode(ct_object(), implicit, True) or b"")
    association._reactor_checkpoint.clear()  # which would take the answer, too
    wait_until(lambda: association._is_paused)
    association.dimse.send_msg(request, context.context_id or 1)
    _, answer = association.dimse.get_msg(block=True)
    assert answer is not None
    assert answer.Status == MISMATCH
    association._reactor_checkpoint.set()
    association.release()
    assert not one.arrived()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_uid_that_climbs_out_of_a_folder_reaches_no_path(one: Listening, tmp_path: Path) -> None:
    path = write_object(tmp_path / "sent.dcm", ct_object(SOPInstanceUID="../../../climbed"))
    assert one.store(path).returncode != 0
    assert not list(tmp_path.rglob("*climbed*"))
    assert one.answers()
    wait_until(lambda: not one.incoming())


@pytest.mark.parametrize("told", ["0", "-3", "x", "1.5", "9" * 30])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_an_odd_number_of_instances_is_none(one: Listening, told: str) -> None:
    with config.disable_value_validation():
        dataset = ct_object()
        dataset.add_new(0x00201209, "LO", told)
        assert sent(one, dataset) == [SUCCESS]
    assert one.arrivals.under_way()[0][0].expected is None


def test_a_series_that_a_limit_cuts_is_a_part_of_itself_and_that_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(tmp_path / "data", AT_ONCE, most_files=2) as here:
        assert sent(here, *(ct_object(number) for number in range(1, 6))) == [SUCCESS] * 2 + [0xA700] * 3
        (series,) = here.whole()
    assert (series.files, series.expected) == (2, 5)
    (said,) = [record.message for record in caplog.records if "refused" in record.message]
    assert said.endswith("it has more files or bytes than `limits` in pacs.yaml takes")


@pytest.mark.parametrize(
    ("option", "encode_with"),
    [
        ("-xi", ("dcmconv", "+ti")),
        ("-xe", ("dcmconv", "+te")),
        ("-xb", ("dcmconv", "+tb")),
        ("-xd", ("dcmconv", "+td")),
        ("-xs", ("dcmcjpeg", "+e1")),
        ("-xx", ("dcmcjpeg", "+ee")),
        ("-xt", ("dcmcjpls",)),
        ("-xr", ("dcmcrle",)),
    ],
)
def test_transfer_syntaxes_are_taken(one: Listening, tmp_path: Path, option: str, encode_with: tuple[str, ...]) -> None:
    bits = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "PixelData": b"\1\2" * 256}
    plain, coded = write_object(tmp_path / "plain.dcm", ct_object(**bits)), tmp_path / "coded.dcm"
    assert dcmtk.run(*encode_with, plain, coded).returncode == 0
    done = one.store(coded, options=(option,))
    assert done.returncode == 0, done.stderr
    (arrived,) = one.arrived()
    syntax = pydicom.dcmread(coded).file_meta.TransferSyntaxUID
    assert pydicom.dcmread(arrived).file_meta.TransferSyntaxUID == syntax


def test_enhanced_multi_frame_images_are_kept(one: Listening) -> None:
    dataset = ct_object(SOPClassUID=ENHANCED_CT, NumberOfFrames=3, PixelData=b"\1\2" * 256 * 3)
    assert sent(one, dataset) == [SUCCESS]
    assert pydicom.dcmread(one.arrived()[0]).NumberOfFrames == 3
