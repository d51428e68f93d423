import tracemalloc
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medfake.package.scan_scores import ScanScores, Site
from medfake.pacs.results.build import Judgement, ResultKind
from medfake.pacs.results.codes import Private
from medfake.pacs.results.geometry import Geometry
from medfake.pacs.results.packed_bits import PackedBits
from medfake.pacs.results.regions import region_of
from tests.fixtures.modalities import change_files, write_radiographs
from tests.pacs.results.conftest import EDGE, JudgeFolder, WriteCt, by_kind, change, errors_of_dciodvfy, written


def segmentation_of(judgement: Judgement) -> Dataset:
    return by_kind(judgement, (ResultKind.SEG,))[ResultKind.SEG][0]


def masks(made: Dataset, judgement: Judgement, folder: Path) -> np.ndarray:
    """(slices, rows, cols, sites) bool, by highdicom and the UIDs of the source."""
    read = hd.seg.segread(written(made, folder / "seg.dcm"))
    uids = [header.sop_uid for header in judgement.scored.headers]
    return read.get_pixels_by_source_instance(
        uids, combine_segments=False, assert_missing_frames_are_empty=True
    ).astype(bool)


def test_a_site_without_a_map_is_a_ball_of_8_mm(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    judgement = judged(write_ct())
    found = masks(segmentation_of(judgement), judgement, tmp_path)[..., 0]
    z, y, x = np.ogrid[:9, :EDGE, :EDGE]
    apart = np.sqrt(((z - 4) * 2.0) ** 2 + ((y - 40) * 0.8) ** 2 + ((x - 48) * 0.8) ** 2)
    assert np.array_equal(found[apart < 7.9], np.ones((apart < 7.9).sum(), bool))
    assert not found[apart > 8.1].any()


def test_a_site_of_a_map_is_the_part_of_the_map_around_it(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct(), ((4, 40.0, 48.0), (8, 16.0, 80.0)), mapped=True)
    found = masks(segmentation_of(judgement), judgement, tmp_path)
    assert np.flatnonzero(found[..., 0].any((1, 2))).tolist() == [3, 4, 5]
    assert np.flatnonzero(found[..., 1].any((1, 2))).tolist() == [7, 8]
    assert found[4, 40, 48, 0]
    rows, cols = np.nonzero(found[4, :, :, 0])
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (36, 44, 44, 52)  # half a step to every side


def test_places_between_two_sites_belong_to_the_nearer_one(
    write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path
) -> None:
    judgement = judged(write_ct(), ((4, 40.0, 24.0), (4, 40.0, 64.0)), mapped=True)
    place_p = judgement.scored.scores.place_p
    assert place_p is not None
    place_p[4, 5, 3:9] = 0.9  # one bridge between the two
    found = masks(segmentation_of(judgement), judgement, tmp_path)
    assert found[4, 40, 24, 0]
    assert not found[4, 40, 24, 1]
    assert found[4, 40, 64, 1]
    assert not found[4, 40, 64, 0]


def test_a_site_where_the_map_says_nothing_is_a_ball(write_ct: WriteCt, judged: JudgeFolder, tmp_path: Path) -> None:
    judgement = judged(write_ct(), mapped=True)
    place_p = judgement.scored.scores.place_p
    assert place_p is not None
    place_p[:] = 0
    assert masks(segmentation_of(judgement), judgement, tmp_path)[..., 0].any((1, 2)).sum() == 7


def test_no_frame_is_empty_and_each_refers_to_its_slice(
    phantom: Judgement, phantom_results: dict[ResultKind, list[Dataset]]
) -> None:
    [made] = phantom_results[ResultKind.SEG]
    assert made.pixel_array.any((1, 2)).all()
    places = {header.sop_uid: header.position_mm for header in phantom.scored.headers}
    for group in made.PerFrameFunctionalGroupsSequence:
        [source] = group.DerivationImageSequence[0].SourceImageSequence
        position = [float(one) for one in group.PlanePositionSequence[0].ImagePositionPatient]
        assert np.allclose(position, places[source.ReferencedSOPInstanceUID], atol=1e-6)


def test_every_site_of_the_phantom_lies_in_its_own_segment(
    phantom: Judgement, phantom_results: dict[ResultKind, list[Dataset]], tmp_path: Path
) -> None:
    found = masks(phantom_results[ResultKind.SEG][0], phantom, tmp_path)
    for number, site in enumerate(phantom.sites):
        assert found[site.slice_index, int(site.y), int(site.x), number]


def test_segments_are_automatic_and_say_by_which_detector(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct())
    made = segmentation_of(judgement)
    [segment] = made.SegmentSequence
    assert (segment.SegmentAlgorithmType, segment.SegmentAlgorithmName) == ("AUTOMATIC", "ResidualStatistics")
    assert segment.SegmentLabel == "site 1, P 0.90"
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == Private.REGION.value.value
    [algorithm] = segment.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmVersion.startswith(judgement.package_sha256[:12])
    assert (made.SegmentationType, made.BitsAllocated) == ("BINARY", 1)


def test_frames_of_an_odd_number_of_pixels_follow_each_other_bit_by_bit() -> None:
    shown = np.random.default_rng(0).random((19, 7, 9)) < 0.5
    packer = PackedBits()
    for mask in shown:
        packer.add(mask)
    packed = packer.whole()
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    assert np.array_equal(bits[: shown.size].reshape(shown.shape).astype(bool), shown)
    assert len(packed) % 2 == 0


@pytest.mark.parametrize("said", [("01", "8.5", "ISO_10918_1"), ("01", None, None)])
def test_lossy_compression_of_the_scan_is_passed_on(
    said: tuple[str, str | None, str | None], write_ct: WriteCt, judged: JudgeFolder
) -> None:
    lossy, ratio, method = said
    known = {"LossyImageCompressionRatio": ratio, "LossyImageCompressionMethod": method} if ratio else {}
    made = segmentation_of(judged(write_ct(LossyImageCompression=lossy, **known)))
    assert made.LossyImageCompression == "01"
    assert made.get("LossyImageCompressionRatio") == (float(ratio) if ratio else None)
    assert made.get("LossyImageCompressionMethod") == method


def test_lossy_compression_is_that_of_the_slices_under_the_sites(write_ct: WriteCt, judged: JudgeFolder) -> None:
    folder = write_ct(tuple(2.0 * k for k in range(12)), LossyImageCompression="00")
    names = [header.path.name for header in judged(folder).scored.headers]
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionMethod": "ISO_15444_1"}
    change(folder / names[11], **lossy, LossyImageCompressionRatio="30")
    assert segmentation_of(judged(folder)).LossyImageCompression == "00"
    change(folder / names[5], **lossy, LossyImageCompressionRatio="12")
    made = segmentation_of(judged(folder))
    assert (made.LossyImageCompression, made.LossyImageCompressionRatio) == ("01", 12)


def test_frames_of_one_place_share_their_index(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = segmentation_of(judged(write_ct((0.0, 2.0, 4.0, 6.0, 8.0, 8.0, 10.0, 12.0, 14.0))))
    found = [
        (
            float(group.PlanePositionSequence[0].ImagePositionPatient[2]),
            group.FrameContentSequence[0].DimensionIndexValues[1],
        )
        for group in made.PerFrameFunctionalGroupsSequence
    ]  # fmt: skip
    assert len({z for z, _ in found}) == len({rank for _, rank in found}) == len(set(found)) < len(found)


def test_each_frame_has_the_axes_and_the_spacing_of_its_own_slice(write_ct: WriteCt, judged: JudgeFolder) -> None:
    """Makers round; a series whose slices drift is one all the same."""
    folder = write_ct(tuple(2.0 * k for k in range(12)))
    for path in folder.iterdir():
        k = int(path.stem)
        cos, sin = np.cos(0.0019 * k), np.sin(0.0019 * k)
        change(
            path, PixelSpacing=[f"{0.8 * (1 + k * 9e-4):.6f}"] * 2,
            ImageOrientationPatient=[f"{one:.8f}" for one in (cos, sin, 0, -sin, cos, 0)],
        )  # fmt: skip
    judgement = judged(folder, ((11, 40.0, 70.0),))
    made = segmentation_of(judgement)
    headers = {header.sop_uid: header for header in judgement.scored.headers}
    site = judgement.scored.headers[11]
    row, column = np.array(site.orientation[:3]), np.array(site.orientation[3:])
    centre = np.array(site.position_mm) + 70 * site.spacing_mm[1] * row + 40 * site.spacing_mm[0] * column
    for mask, group in zip(made.pixel_array, made.PerFrameFunctionalGroupsSequence, strict=True):
        own = headers[group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        spacing = [float(one) for one in group.PixelMeasuresSequence[0].PixelSpacing]
        cosines = np.array(group.PlaneOrientationSequence[0].ImageOrientationPatient, float)
        assert spacing == pytest.approx(own.spacing_mm)
        assert cosines == pytest.approx(own.orientation)
        y, x = (one.mean() for one in np.nonzero(mask))
        middle = np.array(own.position_mm) + x * spacing[1] * cosines[:3] + y * spacing[0] * cosines[3:]
        assert middle[:2] == pytest.approx(centre[:2], abs=0.3)
    shared = made.SharedFunctionalGroupsSequence[0]
    assert "PixelMeasuresSequence" not in shared
    assert "PlaneOrientationSequence" not in shared


def test_pixels_of_a_radiograph_that_are_no_squares_have_their_ratio(judged: JudgeFolder, tmp_path: Path) -> None:
    folder = change_files(write_radiographs(tmp_path / "dx"), ImagerPixelSpacing=[0.1, 0.2])
    made = segmentation_of(judged(folder, ((0, 40.0, 48.0),)))
    assert list(made.PixelAspectRatio) == [500, 1000]
    assert errors_of_dciodvfy(made, tmp_path) == []


def test_masks_are_not_held_until_all_are_there(write_ct: WriteCt, judged: JudgeFolder) -> None:
    judgement = judged(write_ct((0.0,)), ((0, 40.0, 48.0),))
    first = judgement.scored.headers[0]
    headers = tuple(
        replace(first, rows=512, cols=512, position_mm=(0.0, 0.0, 0.3 * k)) for k in range(200)
    )  # fmt: skip
    place_p = np.full((200, 64, 64), 0.9, np.float32)
    site = Site(100, 0.0, 250.0, 250.0, 0.9)
    scores = ScanScores(0.9, np.full(200, 0.9), np.ones(200, np.bool_), (site,), place_p, 8)
    tracemalloc.start()
    packer = PackedBits()
    for region in region_of(0, (site,), scores, Geometry(headers), 0.5):
        packer.add(region.mask)
    size = len(packer.whole())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 190 * 512 * 512 // 8
    assert peak < 40 << 20  # as booleans they are 50 MiB


def test_pydicom_decodes_what_was_packed(write_ct: WriteCt, judged: JudgeFolder) -> None:
    made = segmentation_of(judged(write_ct()))
    assert made.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert made.pixel_array.shape == (7, EDGE, EDGE)
