from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medfake import __version__
from medfake.pacs.results.build import Judgement, ResultKind
from medfake.pacs.results.captions import captioned, readable
from tests.fixtures.modalities import change_files, write_radiographs
from tests.pacs.results.conftest import EDGE, JudgeFolder, WriteCt, by_kind, change


def pictures_of(judgement: Judgement) -> list[Dataset]:
    return by_kind(judgement, (ResultKind.SC,))[ResultKind.SC]


def test_the_strongest_slices_come_first(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct(), ((4, 40.0, 48.0), (7, 70.0, 20.0)))
    shown = [made.SourceImageSequence[0].ReferencedSOPInstanceUID for made in pictures_of(judgement)]
    assert shown[:2] == [judgement.scored.headers[index].sop_uid for index in (4, 7)]


def test_they_are_rgb_of_a_single_frame(phantom_results: dict[ResultKind, list[Dataset]]) -> None:
    for made in phantom_results[ResultKind.SC]:
        assert made.PhotometricInterpretation == "RGB"
        assert made.pixel_array.shape == (made.Rows, 512, 3)
        assert "NumberOfFrames" not in made


@pytest.mark.parametrize("keyword", ["BurnedInAnnotation", "RecognizableVisualFeatures"])
@pytest.mark.parametrize(("source", "said"), [("YES", "YES"), ("NO", "NO"), ("", None), ("PERHAPS", None)])
def test_what_may_tell_the_patient_in_the_pixels_is_passed_on(
    keyword: str, source: str, said: str | None, write_ct: WriteCt, judged: JudgeFolder
) -> None:
    """The picture shows the pixels of the scan, and whatever is burned into them."""
    assert [made.get(keyword) for made in pictures_of(judged(write_ct(**{keyword: source})))] == [said] * 3


def test_each_picture_speaks_of_its_own_slice(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct(BurnedInAnnotation="NO", LossyImageCompression="00")
    lossy = {"LossyImageCompressionRatio": "12", "LossyImageCompressionMethod": "ISO_15444_1"}
    change(folder / "4.dcm", BurnedInAnnotation="YES", LossyImageCompression="01", **lossy)
    changed = [one.path.name for one in judged(folder).scored.headers].index("4.dcm")
    judgement = judged(folder, ((changed, 40.0, 48.0),))
    uid = judgement.scored.headers[changed].sop_uid
    for made in pictures_of(judgement):
        own = made.SourceImageSequence[0].ReferencedSOPInstanceUID == uid
        assert made.BurnedInAnnotation == ("YES" if own else "NO")
        assert made.LossyImageCompression == ("01" if own else "00")
        assert made.get("LossyImageCompressionRatio") == (12 if own else None)


@pytest.mark.parametrize(("spacing", "shape"), [([0.5, 1.0], (512, 1024)), ([1.0, 0.5], (1024, 512))])
def test_pixels_of_a_picture_are_squares(
    spacing: list[float], shape: tuple[int, int], write_ct: WriteCt, judged: JudgeFolder
) -> None:
    wide = pictures_of(judged(write_ct(PixelSpacing=spacing), mapped=True))[0]
    assert wide.Columns / (wide.Rows - _band(wide)) == pytest.approx(shape[1] / shape[0], abs=0.02)


def test_a_circle_of_a_picture_lies_around_the_site_where_pixels_are_no_squares(
    write_ct: WriteCt, judged: JudgeFolder
) -> None:
    made = pictures_of(judged(write_ct(PixelSpacing=[0.5, 1.0])))[0]
    pixels = made.pixel_array[: made.Rows - _band(made)].astype(int)
    rows, cols = np.nonzero((pixels[..., 2] - pixels[..., 0]) > 100)  # sky blue
    step = pixels.shape[0] / EDGE  # of a row of half a millimetre
    assert rows.mean() == pytest.approx(40.5 * step, abs=step)
    assert cols.mean() == pytest.approx(48.5 * 2 * step, abs=step)
    assert np.ptp(rows) == pytest.approx(np.ptp(cols), abs=2 * step) == pytest.approx(32 * step, abs=2 * step)


@pytest.mark.parametrize(("cosines", "letters"), [
    ((1, 0, 0, 0, 1, 0), ["L", "P"]),
    ((-1, 0, 0, 0, 1, 0), ["R", "P"]),
    ((0.98, 0.199, 0, -0.199, 0.98, 0), ["LP", "PR"]),
])  # fmt: skip
def test_directions_of_slices_come_from_their_cosines(
    cosines: tuple[float, ...], letters: list[str], write_ct: WriteCt, judged: JudgeFolder
) -> None:
    made = pictures_of(judged(write_ct(ImageOrientationPatient=list(cosines))))[0]
    assert list(made.PatientOrientation) == letters


@pytest.mark.parametrize(("said", "passed_on"), [(["L", "F"], ["L", "F"]), (["L", "X"], []), (["LR", "F"], [])])
def test_directions_of_a_radiograph_are_its_own(
    said: list[str], passed_on: list[str], judged: JudgeFolder, tmp_path: Path
) -> None:
    folder = change_files(write_radiographs(tmp_path / "dx"), PatientOrientation=said)
    results = by_kind(judged(folder, ((0, 40.0, 48.0),)))
    for kind in (ResultKind.SC, ResultKind.SEG):
        assert list(results[kind][0].PatientOrientation or ()) == passed_on


def test_no_side_is_told_of_a_part_that_has_none(write_ct: WriteCt, judged: JudgeFolder) -> None:
    results = by_kind(judged(write_ct(BodyPartExamined="CHEST")))
    for kind in (ResultKind.SC, ResultKind.GSPS):
        assert "Laterality" not in results[kind][0]
        assert results[kind][0].BodyPartExamined == "CHEST"


def test_the_side_is_the_scans(write_ct: WriteCt, judged: JudgeFolder) -> None:
    results = by_kind(judged(write_ct(BodyPartExamined="LUNG", Laterality="R")))
    assert {results[kind][0].Laterality for kind in (ResultKind.SC, ResultKind.GSPS)} == {"R"}


def _band(made: Dataset) -> int:
    """Rows of the caption."""
    size = max(10, made.Columns // 36)
    return round(1.5 * size) * 4 + size // 2


def test_the_slice_is_shown_whole_above_its_caption(phantom_results: dict[ResultKind, list[Dataset]]) -> None:
    pixels = phantom_results[ResultKind.SC][0].pixel_array
    band = pixels[512:]
    assert band.shape[0] > 40
    assert (band == 255).any()
    assert (band[:2] == 0).all()


def test_a_small_slice_is_enlarged_and_a_large_one_shrunk() -> None:
    assert readable(np.zeros((96, 128, 3), np.uint8)).shape == (384, 512, 3)
    assert readable(np.zeros((2048, 1024, 3), np.uint8)).shape == (1024, 512, 3)
    assert readable(np.zeros((600, 512, 3), np.uint8)).shape == (600, 512, 3)


def test_a_line_too_long_for_its_picture_is_shortened() -> None:
    drawn = captioned(np.zeros((20, 512, 3), np.uint8), ["w" * 500])
    assert not drawn[:, -8:].any()
    assert drawn[20:].any()


def test_the_map_colours_its_place(write_ct: WriteCt, judged: JudgeFolder) -> None:
    with_map, without = (pictures_of(judged(write_ct(), mapped=mapped))[0].pixel_array for mapped in (True, False))
    scale = 512 // EDGE + 1
    y, x = 40 * scale, 48 * scale
    assert np.ptp(with_map[y, x].astype(int)) > 30
    assert np.ptp(without[y, x].astype(int)) == 0


def test_what_is_written_holds_no_identifier(write_ct: WriteCt, judged: JudgeFolder) -> None:
    from medfake.pacs.results.pictures import _words

    judgement = judged(write_ct(PatientName="Doe^Jane", PatientID="ID-4711"))
    words = "\n".join(_words(judgement, 4))
    header = judgement.scored.headers[4]
    head = f"medfake {__version__}: tampered, P(tampered) 0.900\nslice 5 of 9, P 0.900\nby the built-in detector\n"
    assert words.startswith(head + "Research use only. Not a diagnostic device.")
    for secret in ("Doe", "4711", header.sop_uid, str(header.path.name), judgement.verdict.patient_id):
        assert secret not in words


def test_slices_that_are_gone_by_then_are_left_out(write_ct: WriteCt, judged: JudgeFolder) -> None:
    from medfake.pacs.results.objects import Basis
    from medfake.pacs.results.pictures import build_pictures
    from medfake.pacs.results.source import read_source
    from medfake.pacs.results.uids import ResultUids

    judgement = judged(write_ct())
    source = read_source(judgement.scored.headers)
    basis = Basis(judgement, source, ResultUids.of(judgement, source.digest(), ()), frozenset())
    Path(judgement.scored.headers[4].path).unlink()
    made = build_pictures(basis)
    assert [one.InstanceNumber for one in made] == [1, 2]
