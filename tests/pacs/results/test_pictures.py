from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from medfake import __version__
from medfake.pacs.results.build import Judgement, ResultKind
from medfake.pacs.results.captions import captioned, readable
from tests.pacs.results.conftest import EDGE, JudgeFolder, WriteCt, by_kind


def pictures_of(judgement: Judgement) -> list[Dataset]:
    return by_kind(judgement, (ResultKind.SC,))[ResultKind.SC]


def test_the_strongest_slices_come_first(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct(), ((4, 40.0, 48.0), (7, 70.0, 20.0)))
    shown = [made.SourceImageSequence[0].ReferencedSOPInstanceUID for made in pictures_of(judgement)]
    assert shown[:2] == [judgement.scored.headers[index].sop_uid for index in (4, 7)]


def test_they_are_rgb_and_say_that_no_identifier_is_burned_in(
    phantom_results: dict[ResultKind, list[Dataset]],
) -> None:
    for made in phantom_results[ResultKind.SC]:
        assert (made.PhotometricInterpretation, made.BurnedInAnnotation) == ("RGB", "NO")
        assert made.pixel_array.shape == (made.Rows, 512, 3)
        assert "NumberOfFrames" not in made


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
    basis = Basis(judgement, read_source(judgement.scored.headers), ResultUids.of(judgement, ()), frozenset())
    Path(judgement.scored.headers[4].path).unlink()
    made = build_pictures(basis)
    assert [one.InstanceNumber for one in made] == [1, 2]
