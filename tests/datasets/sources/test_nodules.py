"""LIDC's annotations: outlines become places, each nodule once, and nothing hostile is followed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.datasets.sources.lidc import read_lidc
from medfake.datasets.sources.nodules import LARGEST_XML, read_nodules
from medfake.dicom.series import find_series
from medfake.errors import LabelError

SQUARE = ((10, 20), (10, 24), (14, 24), (14, 20))  # (y, x); its centre is (12, 22)


def roi(uid: str, z_mm: float, points: tuple[tuple[int, int], ...] = SQUARE, inclusion: str = "TRUE") -> str:
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for y, x in points)
    place = f"<imageZposition>{z_mm}</imageZposition><imageSOP_UID>{uid}</imageSOP_UID>"
    return f"<roi>{place}<inclusion>{inclusion}</inclusion>{edges}</roi>"


def annotation(*readers: str, series: str = "1.2.3", head: str = "") -> str:
    sessions = "".join(f"<readingSession>{nodules}</readingSession>" for nodules in readers)
    uid = f"<ResponseHeader><SeriesInstanceUid>{series}</SeriesInstanceUid></ResponseHeader>"
    return f'<?xml version="1.0"?>{head}<LidcReadMessage xmlns="http://www.nih.gov">{uid}{sessions}</LidcReadMessage>'


def nodule(*rois: str) -> str:
    return f"<unblindedReadNodule><noduleID>1</noduleID>{''.join(rois)}</unblindedReadNodule>"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def to_file(text: str) -> Path:
        path = tmp_path / "158.xml"
        path.write_text(text)
        return path

    return to_file


def test_a_nodule_is_the_centre_of_its_middle_outline(write: Callable[[str], Path]) -> None:
    shifted = tuple((y + 2, x) for y, x in SQUARE)
    drawn = nodule(roi("c", 5.0), roi("a", 0.0), roi("b", 2.5, shifted))
    found = read_nodules(write(annotation(drawn)))
    assert found is not None
    assert found.series_uid == "1.2.3"
    assert [(place.sop_uid, place.y, place.x) for place in found.places] == [("b", 14, 22)]


def test_a_nodule_reaches_as_far_as_any_reader_drew_it(write: Callable[[str], Path]) -> None:
    readers = [nodule(roi("a", 0.0), roi("b", 2.5)), nodule(roi("b", 2.5), roi("c", 5.0)), nodule(roi("b", 2.5))]
    found = read_nodules(write(annotation(*readers)))
    assert found is not None
    assert [place.outlined for place in found.places] == [{"a", "b", "c"}]


def test_a_nodule_that_four_readers_drew_is_one(write: Callable[[str], Path]) -> None:
    readers = [nodule(roi("a", 0.0, tuple((y + shift, x) for y, x in SQUARE))) for shift in range(4)]
    found = read_nodules(write(annotation(*readers)))
    assert found is not None
    assert len(found.places) == 1


@pytest.mark.parametrize(("away", "nodules"), [(11, 1), (13, 2)])
def test_nodules_apart_are_two(write: Callable[[str], Path], away: int, nodules: int) -> None:
    other = tuple((y, x + away) for y, x in SQUARE)
    found = read_nodules(write(annotation(nodule(roi("a", 0.0)), nodule(roi("a", 0.0, other)))))
    assert found is not None
    assert len(found.places) == nodules


@pytest.mark.parametrize("mark", [roi("a", 0.0, ((10, 20),)), roi("a", 0.0, inclusion="FALSE")])
def test_marks_of_small_nodules_and_holes_are_no_places(write: Callable[[str], Path], mark: str) -> None:
    found = read_nodules(write(annotation(nodule(mark))))
    assert found is not None
    assert found.places == ()
    assert found.marked == ({"a"} if "TRUE" in mark else set())


def test_other_xml_is_no_annotation(write: Callable[[str], Path]) -> None:
    assert read_nodules(write("<IdriReadMessage/>")) is None


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("<LidcReadMessage>", "ParseError"),
        (annotation(head='<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "DTDForbidden"),
        (annotation(nodule(roi("a", 0.0).replace("0.0", "far"))), "ValueError"),
        (annotation(nodule(roi("a", 0.0).replace("imageSOP_UID", "uid"))), "KeyError"),
    ],
)
def test_broken_or_hostile_xml_is_refused(write: Callable[[str], Path], text: str, received: str) -> None:
    with pytest.raises(LabelError) as caught:
        read_nodules(write(text))
    assert caught.value.received == received


def test_an_endless_file_is_not_even_opened(write: Callable[[str], Path]) -> None:
    path = write("<LidcReadMessage/>")
    with path.open("r+b") as file:
        file.truncate(LARGEST_XML + 1)
    with pytest.raises(LabelError, match="too large"):
        read_nodules(path)


def test_nodules_become_sites_of_their_series(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    write_scan(tmp_path / "LIDC-IDRI-0001" / "ct", "LIDC-IDRI-0001", 1, slices=5)
    ((series,), _) = find_series(tmp_path)
    header = series.headers[3]
    rois = [roi(one.sop_uid, one.position_mm[2]) for one in series.headers[2:5]]
    text = annotation(nodule(*rois), series=header.series_uid)
    (tmp_path / "LIDC-IDRI-0001" / "ct" / "158.xml").write_text(text)
    (tmp_path / "LIDC-IDRI-0001" / "other.xml").write_text("<a/>")
    (tmp_path / "LIDC-IDRI-0001" / "broken.xml").write_text("<a>")
    reading = read_lidc(tmp_path, find_series)
    ((scan,)) = reading.scans
    assert [(site.kind, site.z_index, site.y, site.x) for site in scan.sites] == [("TM", 3, 12, 22)]
    assert [site.reach for site in scan.sites] == [(2, 4)]
    assert scan.annotated
    assert [one.path.name for one in reading.skipped] == ["other.xml"]
    assert [str(one) for one in reading.problems] == ["broken.xml: the XML cannot be read; its nodules are not used"]


@pytest.mark.parametrize(("series", "annotated"), [("", True), ("1.2.3", False)])
def test_only_a_scan_that_readers_looked_at_is_known_to_have_no_nodule(
    tmp_path: Path, write_scan: Callable[..., None], series: str, annotated: bool
) -> None:
    write_scan(tmp_path / "LIDC-IDRI-0001", "LIDC-IDRI-0001", 1, slices=5)
    ((found,), _) = find_series(tmp_path)
    (tmp_path / "158.xml").write_text(annotation(series=series or found.headers[0].series_uid))
    (scan,) = read_lidc(tmp_path, find_series).scans
    assert (scan.sites, scan.annotated) == ((), annotated)


@pytest.mark.parametrize(
    ("drawn", "annotated"),
    [
        ((2, 3, 4), True),
        ((2, 3, 4, None), False),  # a slice that is not there
        ((None, 3, None), False),
        ((None, None, 4), False),
    ],
)
def test_a_scan_that_lacks_a_slice_with_an_outline_is_not_known_to_have_none(
    tmp_path: Path, write_scan: Callable[..., None], drawn: tuple[int | None, ...], annotated: bool
) -> None:
    write_scan(tmp_path / "LIDC-IDRI-0001", "LIDC-IDRI-0001", 1, slices=5)
    ((series,), _) = find_series(tmp_path)
    rois = [
        roi(f"gone-{number}" if at is None else series.headers[at].sop_uid, 2.0 * number)
        for number, at in enumerate(drawn)
    ]
    text = annotation(nodule(*rois), nodule(), series=series.headers[0].series_uid)
    (tmp_path / "158.xml").write_text(text)
    (scan,) = read_lidc(tmp_path, find_series).scans
    assert scan.annotated == annotated


def test_marks_of_small_nodules_are_known_by_their_slices(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    write_scan(tmp_path / "LIDC-IDRI-0001", "LIDC-IDRI-0001", 1, slices=5)
    ((series,), _) = find_series(tmp_path)
    mark = nodule(roi(series.headers[3].sop_uid, 1.0, ((10, 20),)))
    (tmp_path / "158.xml").write_text(annotation(mark, series=series.headers[0].series_uid))
    (scan,) = read_lidc(tmp_path, find_series).scans
    assert (scan.sites, scan.annotated, scan.marked) == ((), True, {3})


def test_a_nodule_beside_the_image_leaves_its_scan_unknown(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    write_scan(tmp_path / "LIDC-IDRI-0001", "LIDC-IDRI-0001", 1, slices=5)
    ((series,), _) = find_series(tmp_path)
    beside = nodule(roi(series.headers[3].sop_uid, 1.0, tuple((y + 5000, x) for y, x in SQUARE)))
    (tmp_path / "158.xml").write_text(annotation(beside, series=series.headers[0].series_uid))
    (scan,) = read_lidc(tmp_path, find_series).scans
    assert (scan.sites, scan.annotated) == ((), False)
