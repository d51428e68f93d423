"""From a measurement to the card of the package that it is of, and of no other."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.errors import ManifestError
from medfake.files import write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.card_figures import card_with
from medfake.metrics.forensics import Forensics, Speed, WithinRow
from medfake.metrics.intervals import Interval
from medfake.metrics.whole_scans import ScanFigures, WholeScans
from medfake.metrics.within_slice import Figure, WithinSlice
from medfake.package.card import AGGREGATION_FILE, CARD_FILE, ONNX_FILE, graph_digests, read_card, write_card
from medfake.package.shipped import builtin_package
from medfake.vocabulary import Evidence
from pipelines.card import main

HALF = Figure(0.5, Interval(0.4, 0.6))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    for name in (CARD_FILE, ONNX_FILE):
        (folder / name).write_bytes((builtin_package() / name).read_bytes())
    write_card(read_card(folder).model_copy(update={"elsewhere": (), "robustness": {}, "graphs": {}}), folder)
    return folder


def within(hit: float) -> WithinSlice:
    return WithinSlice(HALF, HALF, Figure(hit), slices=12, patients=3, unit="patients", unseen=0)


def measured(folder: Path, graphs: dict[str, str], *, name: str = "genuine", hit: float = 0.75) -> Path:
    rows = [WithinRow("detector", kind, "the package", within(hit)) for kind in ("removed", "all")]
    rows += [
        WithinRow("random lung place", "all", "a control", within(0.1)),
        WithinRow("mean HU of the place", "all", "a control", within(0.2)),
        WithinRow("somebody", "all", "", within(0.2)),
    ]
    scans = ScanFigures("all", "all", HALF, HALF, Figure(0.3), HALF, Figure(None), 9, 4, 9)
    found = Forensics(
        name=name, detector="ResidualStatistics", graphs=graphs, learnt_from="bank",
        learnt_evidence=Evidence.FORGED, evidence=Evidence.CLINICAL, maps=True, scans=9, untouched=4, patients=13,
        problems=0, unread=0, within=tuple(rows),
        perturbed=(WithinRow("jpeg", "removed", "", within(0.4)), WithinRow("jpeg", "all", "", within(0.25))),
        whole=WholeScans((scans, replace(scans, by="patient", name="p")), 0.7, 0, 0, 90, 9.0),
        speed=Speed(1.0, 12, 2), bootstrap=Bootstrap(),
    )  # fmt: skip
    path = folder / f"{name}.json"
    write_json(path, found.as_json())
    return path


def test_a_measurement_comes_onto_the_card_of_its_package(package: Path, tmp_path: Path) -> None:
    card = card_with(package, measured(tmp_path, graph_digests(package)))
    (one,) = card.elsewhere
    assert (one.name, one.scans, one.untouched, one.patients, one.paired) == ("genuine", 9, 4, 13, 0)
    assert [row.of for row in one.within] == ["removed", "all", "all, random lung place", "all, mean HU of the place"]
    assert one.within[0].metrics == {"window_auc": 0.5, "slice_auc": 0.5, "hit_rate": 0.75}
    assert one.within[0].intervals == {"window_auc": (0.4, 0.6), "slice_auc": (0.4, 0.6), "hit_rate": None}
    assert [(row.of, row.count, row.metrics["specificity"]) for row in one.whole] == [("all", 9, None)]
    assert card.robustness["clean"]["hit_rate"] == 0.75
    assert card.robustness["jpeg"]["hit_rate"] == 0.25
    assert card.robustness_on == "genuine"


@pytest.mark.parametrize("other", [{ONNX_FILE: "0" * 64}, {AGGREGATION_FILE: "0" * 64}])
def test_a_measurement_of_another_graph_is_refused(package: Path, tmp_path: Path, other: dict[str, str]) -> None:
    with pytest.raises(ManifestError, match="other graphs") as caught:
        card_with(package, measured(tmp_path, graph_digests(package) | other))
    assert "dvc repro" in str(caught.value)
    assert "0" * 12 in str(caught.value)


def test_a_measurement_takes_the_place_of_an_earlier_one_of_its_name(package: Path, tmp_path: Path) -> None:
    graphs = graph_digests(package)
    paths = [measured(tmp_path, graphs), measured(tmp_path, graphs, name="other", hit=0.5)]
    arguments = ["--package", str(package), "--source", "LIDC-IDRI, CC BY 3.0"]
    for path in (*paths, paths[0]):
        arguments += ["--measured", str(path)]
    CliRunner().invoke(main, arguments, catch_exceptions=False)
    card = read_card(package)
    assert [one.name for one in card.elsewhere] == ["other", "genuine"]
    assert card.sources == ("LIDC-IDRI, CC BY 3.0",)
    assert card.graphs == graphs


def test_a_file_that_is_no_measurement_is_told_with_what_makes_one(package: Path, tmp_path: Path) -> None:
    (tmp_path / "genuine.json").write_text("{}")
    for name in ("genuine", "missing"):
        with pytest.raises(ManifestError, match="measurement") as caught:
            card_with(package, tmp_path / f"{name}.json")
        assert name in str(caught.value)
