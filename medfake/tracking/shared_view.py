"""A view that MLflow's page of runs opens by its name: which runs, which columns, which charts.

MLflow keeps a saved view in a tag of the experiment, `mlflow.sharedViewState.<key>`, as JSON of its name, its times and
the page's state (`viewStateShareKey` of a link names it). The words are those of the page of MLflow 3.17.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

_TAG: Final = "mlflow.sharedViewState."
_SECTION: Final = "study"
_CHART: Final[dict[str, object]] = {"metricSectionId": _SECTION, "deleted": False, "isGenerated": False}
_MOST_RUNS: Final = 100  # in a chart
_FIXED_COLUMNS: Final = {"attributes.`Run Name`": 300, "runDateAndNestInfo": 140, "duration": 90}  # px
_LETTER_PX: Final = 7
_PADDING_PX: Final = 30
LONGEST: Final = 20_000
"""Characters of a tag of an experiment that MLflow keeps."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a reader sees at once.

    Attributes:
        name: Of the view, in MLflow's list of views and in links.
        run_ids: That are shown, and no others.
        otherwise: Search condition where there are none, or so many that their ids do not fit.
        params: Columns that tell runs apart.
        metrics: Columns, and a chart each; the first one sorts the runs.
        axes: Metrics of the parallel coordinates, which leave out every run that lacks one of them.
        curves: Metrics with a point an epoch, drawn as lines.
    """

    name: str
    run_ids: Sequence[str]
    otherwise: str
    params: Sequence[str]
    metrics: Sequence[str]
    axes: Sequence[str] = ()
    curves: Sequence[str] = ()


def view_key(name: str) -> str:
    """Key of the tag that keeps a view."""
    return _TAG + name


def view_tag(view: View) -> tuple[str, str]:
    """Key and value of the tag that keeps a view."""
    ids = ", ".join(f"'{run_id}'" for run_id in view.run_ids)
    value = _envelope(view, f"attributes.run_id IN ({ids})")
    fits = view.run_ids and len(value) <= LONGEST
    return view_key(view.name), value if fits else _envelope(view, view.otherwise)


def view_path(experiment_id: str, name: str) -> str:
    """Path of MLflow's UI that opens a view as charts beside the list of runs, below the server's address."""
    query = f"workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey={quote(name, safe='')}"
    return f"/#/experiments/{experiment_id}/runs?{query}"


def list_state(params: Sequence[str], metrics: Sequence[str]) -> dict[str, object]:
    """Columns of the list of runs in this order, each as wide as its name, that of nested runs' names wider."""
    chosen = {f"params.`{name}`": name for name in params} | {f"metrics.`{name}`": name for name in metrics}
    widths = _FIXED_COLUMNS | {key: _PADDING_PX + _LETTER_PX * len(name) for key, name in chosen.items()}
    return {"selectedColumns": list(chosen), "columnOrder": list(widths), "columnWidths": widths}


def _envelope(view: View, condition: str) -> str:
    now = int(time.time() * 1000)
    state = json.dumps(_state(view, condition), separators=(",", ":"))
    return json.dumps({"name": view.name, "createdAt": now, "updatedAt": now, "state": state}, separators=(",", ":"))


def _state(view: View, condition: str) -> dict[str, object]:
    return {
        "searchFilter": condition,
        "orderByKey": f"metrics.`{view.metrics[0]}`" if view.metrics else "attributes.start_time",
        "orderByAsc": False,
        **list_state(view.params, view.metrics),
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,  # keeps the section of this view the first
        "compareRunSections": [
            {"uuid": _SECTION, "name": view.name, "display": True, "isReordered": True, "deleted": False}
        ],
        "compareRunCharts": [*_parallel(view), *map(_bar, view.metrics), *map(_line, view.curves)],
    }


def _parallel(view: View) -> list[dict[str, Any]]:
    if not view.axes:
        return []
    axes = {"selectedParams": list(view.params), "selectedMetrics": list(view.axes), "showAllRuns": False}
    return [_CHART | axes | {"uuid": "parallel", "type": "PARALLEL", "runsCountToCompare": _MOST_RUNS}]


def _bar(metric: str) -> dict[str, Any]:
    return _CHART | {
        "uuid": f"bar {metric}",
        "type": "BAR",
        "metricKey": metric,
        "displayName": metric,
        "runsCountToCompare": _MOST_RUNS,
    }


def _line(curve: str) -> dict[str, Any]:
    axes = {"xAxisKey": "step", "useGlobalXaxisKey": True, "yAxisKey": "metric", "scaleType": "linear"}
    named = {"uuid": f"line {curve}", "type": "LINE", "metricKey": curve, "selectedMetricKeys": [curve]}
    return _CHART | axes | named | {"displayName": curve, "runsCountToCompare": _MOST_RUNS}
