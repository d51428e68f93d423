import json
from dataclasses import replace

from medfake.tracking.shared_view import LONGEST, View, list_state, view_path, view_tag

VIEW = View(
    name="quickstart",
    run_ids=["a" * 32, "b" * 32],
    otherwise="tags.`study` = 'quickstart'",
    params=["detector"],
    metrics=["test/slice/auc", "cost/step_ms"],
    axes=["test/slice/auc"],
    curves=["val_loss"],
)


def _state(view: View) -> dict[str, object]:
    key, value = view_tag(view)
    envelope = json.loads(value)
    assert key == "mlflow.sharedViewState.quickstart"
    assert envelope["name"] == "quickstart"
    assert envelope["createdAt"] <= envelope["updatedAt"]
    return dict(json.loads(envelope["state"]))


def test_a_view_shows_its_runs_and_no_others_best_first() -> None:
    state = _state(VIEW)
    assert state["searchFilter"] == f"attributes.run_id IN ('{'a' * 32}', '{'b' * 32}')"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`test/slice/auc`", False)


def test_a_view_has_a_chart_a_metric_and_parallel_coordinates() -> None:
    charts = _state(VIEW)["compareRunCharts"]
    assert isinstance(charts, list)
    assert [(one["type"], one.get("metricKey")) for one in charts] == [
        ("PARALLEL", None),
        ("BAR", "test/slice/auc"),
        ("BAR", "cost/step_ms"),
        ("LINE", "val_loss"),
    ]
    assert charts[0]["selectedParams"] == ["detector"]
    assert len({one["uuid"] for one in charts}) == 4


def test_so_many_runs_that_mlflow_would_not_keep_the_view_are_searched_by_their_study() -> None:
    many = replace(VIEW, run_ids=[f"{number:032x}" for number in range(600)])
    assert len(view_tag(many)[1]) <= LONGEST
    assert _state(many)["searchFilter"] == VIEW.otherwise


def test_a_view_of_runs_without_metrics_is_in_the_order_of_time() -> None:
    state = _state(replace(VIEW, metrics=[], axes=[], curves=[]))
    assert state["orderByKey"] == "attributes.start_time"
    assert state["compareRunCharts"] == []


def test_columns_stand_in_the_order_that_was_asked_for() -> None:
    state = list_state(["seed"], ["b", "a"])
    assert state["selectedColumns"] == ["params.`seed`", "metrics.`b`", "metrics.`a`"]
    order = state["columnOrder"]
    assert isinstance(order, list)
    assert order[0] == "attributes.`Run Name`"
    assert order[-3:] == state["selectedColumns"]


def test_a_link_opens_model_training_and_the_charts() -> None:
    path = view_path("1", "a study")
    assert path == (
        "/#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey=a%20study"
    )
