"""Detectors whose answer is known: with the site blanked, what reads the site falls, what reads the border stays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Run
from medfake.lungs import lungs_in_slice
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.predict import predict
from medfake.metrics.predictions import SCORED, write_predictions
from medfake.package.card import ONNX_FILE, PREDICTIONS_FILE
from medfake.probes.answer import Score
from medfake.probes.blanked import BlankedReport, Difference, Reads, judge, measure_blanked, read_blanked
from medfake.probes.blanked_slices import AIR_HU, Blank, blanked_around, blanked_dataset, draw_patches

BOOTSTRAP = Bootstrap(resamples=200)
SPACING_MM, HALF_MM = 0.75, 16.0


@pytest.fixture
def dataset(make_set) -> Dataset:
    """A slice a patient; tampered ones have a bright nodule of 10 px at their site, and a bright first row."""
    data = make_set()
    few = data.manifest.groupby("patient_id").cumcount() < 1
    data = replace(data, manifest=data.manifest[few].reset_index(drop=True))
    pixels = np.load(data.folder / "shard-000.npy")
    for row in data.manifest[data.manifest.label == 1].itertuples():
        y, x = int(row.site_y), int(row.site_x)
        pixels[row.row, y - 5 : y + 5, x - 5 : x + 5] = 900
        pixels[row.row, 0] = 0
    np.save(data.folder / "shard-000.npy", pixels)
    source = data.manifest.label.map({0: "folder", 1: "CT-GAN"})
    return replace(data, manifest=data.manifest.assign(distance_mm=np.nan, source=source))


def _graph(reads: str) -> onnx.ModelProto:
    """P(tampered) of the brightest pixel of the slice, or of the mean of its first row; 0.5 where they are dark."""
    first_row = [helper.make_node("Slice", ["float", "zero", "one", "rows"], ["part"])]
    whole = [helper.make_node("Identity", ["float"], ["part"])]
    reduce, middle = ("ReduceMean", -500.0) if reads == "border" else ("ReduceMax", 500.0)
    nodes = [
        helper.make_node("Cast", ["hu"], ["float"], to=TensorProto.FLOAT),
        *(first_row if reads == "border" else whole),
        helper.make_node(reduce, ["part"], ["read"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["read", "middle"], ["centred"]),
        helper.make_node("Relu", ["centred"], ["above"]),
        helper.make_node("Mul", ["above", "scale"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["p_tampered"]),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "rows", "cols"])
    out = helper.make_tensor_value_info("p_tampered", TensorProto.FLOAT, ["n"])
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [v]) for name, v in (("middle", middle), ("scale", 0.01))
    ]
    constants += [helper.make_tensor(n, TensorProto.INT64, [1], [v]) for n, v in (("zero", 0), ("one", 1), ("rows", 1))]
    graph = helper.make_graph(nodes, reads, [hu], [out], initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def package(make_package, dataset):
    def make(reads: str) -> Path:
        folder: Path = make_package(reads, detector=reads, dataset=dataset.name)
        onnx.save(_graph(reads), folder / ONNX_FILE)
        write_predictions(folder / PREDICTIONS_FILE, predict(dataset, folder, SCORED, reads, 1).rows)
        return folder

    return make


def _measured(dataset: Dataset, *packages: Path) -> BlankedReport:
    return measure_blanked(dataset, packages, BOOTSTRAP, seed=1)


def test_what_reads_the_site_falls_to_chance_and_keeps_its_figure_with_another_place_blanked(dataset, package) -> None:
    (found,) = _measured(dataset, package("site")).trainings
    assert (found.as_is.auc, found.elsewhere.auc) == (1.0, 1.0)
    assert (found.site.auc, found.of_site) == (0.5, Difference(0.5, 0.5, 0.5))
    assert found.reads is Reads.SITE
    assert found.slices == int((dataset.manifest.split == "test").sum())


def test_what_reads_the_border_keeps_its_figure_with_the_site_blanked(dataset, package) -> None:
    (found,) = _measured(dataset, package("border")).trainings
    assert (found.as_is.auc, found.elsewhere.auc, found.site.auc) == (1.0, 1.0, 1.0)
    assert found.reads is Reads.CONTEXT


def test_the_report_says_when_no_source_has_both_classes(dataset, package) -> None:
    assert _measured(dataset, package("border")).sources_apart
    mixed = replace(dataset, manifest=dataset.manifest.assign(source="one"))
    assert not mixed.sources_apart


def test_the_report_is_read_as_it_was_written_and_is_the_same_bytes_every_time(dataset, package, tmp_path) -> None:
    border = package("border")
    first, second = _measured(dataset, border), _measured(dataset, border)
    first.write(tmp_path / "a.json")
    second.write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_blanked(tmp_path / "a.json") == first


def _scores(low: float | None) -> Score:
    return Score(0.7, low, 0.9, "patients", 9)


@pytest.mark.parametrize(
    ("as_is", "site", "of_square", "of_site", "reads"),
    [
        (0.5, 0.4, 0.0, 0.1, Reads.NOTHING),
        (0.51, 0.5, 0.1, 0.01, Reads.SITE),
        (0.51, 0.51, 0.1, 0.01, Reads.BOTH),
        (0.51, 0.51, 0.0, 0.0, Reads.CONTEXT),
        (0.51, 0.51, 0.01, 0.0, Reads.UNDECIDED),
        (0.51, 0.5, 0.0, 0.0, Reads.UNDECIDED),
        (None, 0.5, 0.0, 0.1, Reads.UNDECIDED),
        (0.51, 0.51, None, 0.1, Reads.UNDECIDED),
    ],
)
def test_the_verdict_on_both_sides_of_each_boundary(as_is, site, of_square, of_site, reads) -> None:
    square, worth = (Difference(0.1, low, 0.2) for low in (of_square, of_site))
    assert judge(_scores(as_is), _scores(site), square, worth) is reads


def test_the_square_covers_the_site_and_elsewhere_is_far_from_it(dataset) -> None:
    rows = dataset.split("test")
    patches = draw_patches(dataset, rows, seed=1)
    for row in rows[rows.label == 1].itertuples():
        ((down, across),), ((other_down, other_across),) = (patches[kind][row.slice_id] for kind in Blank)
        half = HALF_MM / SPACING_MM
        assert [down.start, down.stop] == [round(row.site_y - half), round(row.site_y + half)]
        assert [across.start, across.stop] == [round(row.site_x - half), round(row.site_x + half)]
        middle = ((other_down.start + other_down.stop) / 2, (other_across.start + other_across.stop) / 2)
        gap_px = np.hypot(middle[0] - row.site_y, middle[1] - row.site_x)
        assert gap_px * SPACING_MM >= 43  # 45 mm, rounded to pixels and cut at the border


def test_a_real_slice_is_blanked_at_a_place_of_its_lung(dataset) -> None:
    rows = dataset.split("test")
    real = rows[rows.label == 0].iloc[:8]
    patches = draw_patches(dataset, real, seed=1)[Blank.SITE]
    for hu, row in zip(dataset.mapped(real), real.itertuples(), strict=True):
        ((down, across),) = patches[row.slice_id]
        y, x = (down.start + down.stop) // 2, (across.start + across.stop) // 2
        assert lungs_in_slice(hu, row.spacing_mm)[y - 1 : y + 2, x - 1 : x + 2].any()


def test_places_do_not_depend_on_the_order_of_rows(dataset) -> None:
    rows = dataset.split("test")
    drawn = draw_patches(dataset, rows.iloc[:4], 1)
    assert drawn == draw_patches(dataset, rows.iloc[3::-1], 1)
    assert drawn != draw_patches(dataset, rows.iloc[:4], 2)


def test_squares_that_are_on_no_site_are_a_column_through_a_scan(dataset) -> None:
    """What looks along z makes more of a column than of squares here and there, and sites are one."""
    rows = dataset.split("test")
    rows = rows[rows.label == 0].iloc[:6].assign(scan_id="s", z_mm=np.arange(6) * 2.5)
    patches = draw_patches(dataset, rows, seed=1)
    for kind in Blank:
        middles = [[(one.start + one.stop) / 2 for one in patches[kind][name][0]] for name in rows.slice_id]
        assert np.ptp(np.array(middles), axis=0).max() <= 2  # moved into lung where it has to be


def test_a_blanked_slice_is_air_in_the_square_alone_and_what_is_stored_stays(dataset) -> None:
    rows = dataset.split("test").iloc[:3]
    patch = (slice(10, 20), slice(30, 50))
    blanked = blanked_dataset(dataset, {rows.slice_id.iloc[0]: (patch,)})
    before, after = dataset.slices(rows), blanked.slices(rows)
    assert (after[0][patch] == AIR_HU).all()
    after[0][patch] = before[0][patch]
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(next(blanked.batches(rows, 2))[0][patch], AIR_HU)
    assert (dataset.slices(rows)[0][patch] != AIR_HU).any()


def test_tampered_slices_without_a_known_site_are_left_out(dataset) -> None:
    rows = dataset.split("test")
    unknown = rows.assign(site_y=np.nan, site_x=np.nan)
    assert set(draw_patches(dataset, unknown, 1)[Blank.SITE]) == set(rows.slice_id[rows.label == 0])


def test_all_sites_that_reach_into_a_slice_are_blanked(dataset) -> None:
    row = dataset.split("test").query("label == 1").iloc[[0]]
    z_mm = float(row.z_mm.iloc[0])
    sites = pd.DataFrame({"scan_id": row.scan_id.iloc[0], "kind": ["FB", "FM", "TM", "TB"],
                          "z_mm": [z_mm + 16, z_mm + 17, z_mm, z_mm], "y": [40, 90, 20, 60], "x": 70})  # fmt: skip
    drawn = draw_patches(replace(dataset, sites=sites), row, 1)[Blank.SITE]
    assert len(drawn[row.slice_id.iloc[0]]) == 2  # its own, and the one within 16 mm; what is there by nature stays


def test_what_lies_around_a_blanked_slice_is_blanked_where_the_nearest_one_is() -> None:
    rows = pd.DataFrame({"slice_id": ["a", "b"], "scan_id": "s", "z_mm": [2.0, 8.0]})
    patches = {"a": ((slice(0, 2), slice(0, 2)),), "b": ((slice(4, 6), slice(4, 6)),)}
    z_mm = np.array([0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    bodies = [Run(name, np.full((6, 8, 8), 40, np.int16), z_mm, np.arange(6)) for name in ("s", "t")]
    blanked, other = blanked_around(lambda _: iter(bodies), patches)(rows)
    assert (other.volume == 40).all()
    assert (blanked.volume[:3, :2, :2] == AIR_HU).all()
    assert (blanked.volume[3:, 4:6, 4:6] == AIR_HU).all()
    assert int((blanked.volume == AIR_HU).sum()) == 6 * 4
    assert (bodies[0].volume == 40).all()
