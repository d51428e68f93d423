"""Who is beaten by whom, worked out by hand."""

from medfake.reports.pareto import Candidate, dominated
from medfake.reports.sections.pareto import _labels


def test_the_papers_networks_have_three_that_nobody_beats_in_auc_and_time() -> None:
    """From its Tables 1 and 3."""
    import csv
    from importlib.resources import files

    def table(name: str) -> dict[str, dict[str, str]]:
        text = files("medfake.reports").joinpath("published_figures", f"{name}.csv").read_text()
        return {row["model"]: row for row in csv.DictReader(text.splitlines())}

    quality, cost = table("alsabbagh_table1"), table("alsabbagh_table3")
    all_ = [
        Candidate(name, float(quality[name]["auc"]), float(cost[name]["inference_step_ms_mean"])) for name in quality
    ]
    front = {one.name for one in all_} - dominated(all_).keys()
    best = max(one.quality for one in all_)
    cheapest = min(all_, key=lambda one: one.cost).name
    assert cheapest == "MobileNetV3Large"
    assert cheapest in front
    assert any(one.quality == best for one in all_ if one.name in front)
    for one in all_:
        better = [other for other in all_ if other.quality >= one.quality and other.cost < one.cost]
        if one.name in front:
            assert not better


def test_one_that_is_as_good_and_dearer_is_behind() -> None:
    assert dominated([Candidate("a", 0.9, 1.0), Candidate("b", 0.9, 1.1)]) == {"b": "a"}


def test_equals_do_not_beat_each_other() -> None:
    assert dominated([Candidate("a", 0.9, 1.0), Candidate("b", 0.9, 1.0)]) == {}


def test_better_and_dearer_is_no_reason() -> None:
    assert dominated([Candidate("a", 0.9, 1.0), Candidate("b", 0.8, 0.5)]) == {}


def test_of_several_the_best_is_named() -> None:
    three = [Candidate("a", 0.9, 1.0), Candidate("b", 0.95, 1.0), Candidate("c", 0.8, 2.0)]
    assert dominated(three) == {"a": "b", "c": "b"}


def test_points_on_each_other_have_one_label() -> None:
    near = [
        Candidate("A", 0.99, 30.0),
        Candidate("B", 0.98, 33.0),
        Candidate("C", 0.98, 90.0),
        Candidate("D", 0.7, 30.0),
    ]
    assert [names for _, names in _labels(near)] == ["A, B", "C", "D"]
