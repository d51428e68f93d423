"""What the report says of ranking, choice of networks, papers and correlations."""

from pathlib import Path

import pytest

from medfake.config import Params, PublishedParams, load_params
from medfake.files import write_json
from medfake.reports.compare import compare_study
from medfake.reports.parts import Cell, Details, Drawing, Table
from medfake.reports.sections.beside_papers import beside_papers
from medfake.reports.sections.correlations import correlations
from medfake.reports.sections.model_choice import model_choice
from medfake.reports.sections.neighbours import neighbours
from medfake.reports.sections.ranking import ranking
from medfake.reports.sections.registry import ReportInput

STUDIES = Path(__file__).resolve().parents[3] / "studies"
SKILLS = {"ResNet50V2": 2.2, "DenseNet121": 3.0, "VGG19": 1.0}


def study(name: str) -> Params:
    params = load_params(STUDIES / f"{name}.yaml")
    return params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"bootstrap": 100})})


def given(params, entries, tmp_path):
    return ReportInput(comparison=compare_study(entries, params), params=params, reports=tmp_path)


@pytest.fixture(scope="module")
def replica(predict, enter, tmp_path_factory):
    """Three of the paper's networks on its data set, ranked as its study says; one with two seeds."""
    runs = [(name, skill, 1) for name, skill in SKILLS.items()] + [("DenseNet121", 3.0, 2)]
    facts = {"protocol": "replica", "threshold_rule": "fixed by evaluation.threshold in params.yaml", "parameters": 7}
    entries = [
        enter(predict(dataset="replica", detector=name, skill=skill, seed=seed), **facts) for name, skill, seed in runs
    ]
    return given(study("alsabbagh"), entries, tmp_path_factory.mktemp("reports"))


def tables(section):
    opened = [part for one in section.parts for part in (one.parts if isinstance(one, Details) else [one])]
    return [part for part in opened if isinstance(part, Table)]


def text(cell):
    return cell if isinstance(cell, str) else cell.text


def words(section):
    return " ".join(part for part in section.parts if isinstance(part, str))


def test_the_ranking_names_the_metric_the_class_and_the_threshold(replica):
    section = ranking(replica)
    assert section.heading == "Ranking by H"
    assert "has the highest H" in section.parts[0]
    said = words(section)
    for one in (
        "ranks by H of the test slices",
        "H and fall-out are of the class real",
        "fixed by evaluation.threshold",
    ):
        assert one in said


def test_ranks_are_those_of_h_with_paired_tests(replica):
    (table,) = tables(ranking(replica))
    assert table.head[:3] == ("Detector", "Rank", "H")
    values = [row[2].value for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert table.best == [0]
    gap = table.head.index("Difference to the best")
    assert [row[gap].value for row in table.rows] == pytest.approx([value - values[0] for value in values])
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_a_single_training_has_no_tests(predict, enter, tmp_path):
    entries = [enter(predict(dataset="replica", detector="VGG19", patients=4, slices=2))]
    (table,) = tables(ranking(given(study("alsabbagh"), entries, tmp_path)))
    assert "p (Holm)" not in table.head


def test_the_rule_of_the_paper_picks_12_of_its_13_networks(replica):
    section = model_choice(replica)
    assert "12 of them the paper's own" in section.parts[0]
    assert "It has EfficientNetB4 where the rule as printed gives another." in section.parts[0]
    (table,) = tables(section)
    dense = next(row for row in table.rows if row[0] == "DenseNet")
    assert dense[1] == "DenseNet121, DenseNet169, DenseNet201"


def test_a_study_without_that_paper_says_nothing_of_its_rule(predict, enter, tmp_path):
    shree = given(study("shree-networks"), [enter(predict(dataset="whole", patients=4, slices=2))], tmp_path)
    assert model_choice(shree) is None


def test_ours_stand_above_theirs_of_the_same_detector(replica):
    table = tables(beside_papers(replica))[0]
    names = [text(row[0]) for row in table.rows]
    at = names.index("VGG19")
    assert names[at : at + 2] == ["VGG19", "VGG19"]
    assert at not in table.theirs
    assert at + 1 in table.theirs
    assert len(table.theirs) == 13 + 6  # all rows of Tables 1 and 2, those of untrained networks at the end
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_rows_of_theirs_are_as_printed_where_the_study_has_their_class(replica):
    table = tables(beside_papers(replica))[0]
    row = next(row for at, row in enumerate(table.rows) if at in table.theirs and row[0] == "ResNet50V2")
    printed = dict(zip(table.head, map(text, row), strict=True))
    assert (printed["Precision"], printed["Specificity"], printed["H"]) == ("0.988", "0.990", "0.978")
    assert row[1].below == "paper (leaky replica protocol)"


def test_the_unstratified_split_is_said_beside_table_1(replica):
    assert "177 real and 196 tampered: an unstratified draw" in words(beside_papers(replica))


def test_deviations_step_times_and_a1_are_shown(replica):
    figures, cost = tables(beside_papers(replica))
    shown = [text(cell) for row in figures.rows for cell in row]
    assert "0.972 ± 0.002" in shown  # accuracy of ResNet50V2, Table 2
    row = next(row for row in cost.rows if row[0] == "MobileNetV3Large")
    assert [text(cell) for cell in row[2:]] == ["325.4 ± 44.7", "0.9557"]


@pytest.mark.parametrize(
    ("dataset", "shown"),
    [
        ("raw", ("Train accuracy", "Train loss", "Test loss")),
        ("delocalized", ("Precision, untampered", "Recall, tampered")),
        ("multiclass", ("Precision of FB, removed",)),
    ],
)
def test_columns_of_solaiyappan_are_shown_with_their_setting_alone(predict, enter, tmp_path, dataset, shown):
    entries = [enter(predict(dataset=dataset, detector="RandomForest", patients=4, slices=2))]
    section = beside_papers(given(study("solaiyappan"), entries, tmp_path))
    heads = [heading for table in tables(section) for heading in table.head]
    assert set(shown) <= set(heads)
    sources = {cell.text for table in tables(section) for row in table.rows for cell in row if isinstance(cell, Cell)}
    named = {word for source in sources for word in source.split(", ") if word.startswith("Table ")}
    assert named == {{"raw": "Table 2", "delocalized": "Table 5", "multiclass": "Table 7"}[dataset]}
    assert "leaky" not in str(section)


def test_the_empty_row_is_shown_with_its_reason(predict, enter, tmp_path):
    entries = [enter(predict(dataset="localized-augmented", detector="VGG19", patients=4, slices=2))]
    section = beside_papers(given(study("solaiyappan"), entries, tmp_path))
    row = next(row for row in tables(section)[0].rows if text(row[0]) == "VGG19" and "Table 4" in text(row[1]))
    assert {text(cell) for cell in row[2:]} == {"n/a"}
    assert "lost its order" in row[1].below


def test_data_sets_that_no_paper_has_have_no_such_section(predict, enter, tmp_path):
    params = study("quickstart")
    entries = [enter(predict(detector="MobileNetV3Large", patients=4, slices=2))]
    assert beside_papers(given(params, entries, tmp_path)) is None
    named = params.datasets["chest"].model_copy(update={"published": PublishedParams(paper="alsabbagh")})
    beside = params.model_copy(update={"datasets": {"chest": named}})
    assert beside_papers(given(beside, entries, tmp_path)) is not None


def test_correlations_are_drawn_for_ours_and_for_tables_1_and_2(replica):
    section = correlations(replica)
    assert section.parts[0].startswith("replica: least alike in their figures are ")
    captions = [part.caption for part in section.parts if isinstance(part, Drawing)]
    assert captions[0] == "replica: all detectors."
    assert [caption for caption in captions if "Table" in caption] == [
        "The paper's 13 networks, from its Table 1 (class real).",
        "The paper's best six, from the means of its Table 2 (class real).",
    ]
    assert len(captions) == 3  # of three detectors none is left out of the best six


def test_the_best_six_are_drawn_by_themselves(predict, enter, tmp_path):
    names = [f"D{number}" for number in range(7)]
    frames = [predict(detector=name, skill=1.0 + at, slices=4) for at, name in enumerate(names)]
    params = study("quickstart").model_copy(update={"study": "toy"})
    section = correlations(given(params, [enter(frame) for frame in frames], tmp_path))
    captions = [part.caption for part in section.parts if isinstance(part, Drawing)]
    assert captions == ["chest: all detectors.", "chest: the 6 best by AUC on validation."]


def test_one_detector_correlates_with_nothing(predict, enter, tmp_path):
    assert correlations(given(study("quickstart"), [enter(predict(patients=4, slices=2))], tmp_path)) is None


def test_a_strip_of_neighbours_is_shown_where_there_is_one(replica):
    assert neighbours(replica) is None
    folder = replica.reports / "neighbours" / "replica"
    folder.mkdir(parents=True)
    write_json(
        folder / "strip.json", {"k": 5, "rows": ["injected", "injected", "removed"], "missing": 2, "why_not": ""}
    )
    (folder / "strip.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    section = neighbours(replica)
    assert "whether or not the manipulation reaches it" in section.parts[0]
    caption = section.parts[1].caption
    for said in (
        "slices -5 to +5",
        "2 injected, then 1 removed",
        "2 slices that the data set does not hold",
        "Phantom",
    ):
        assert said in caption
