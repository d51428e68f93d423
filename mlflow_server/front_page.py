"""MLflow's page as a reader of trainings expects it: no doors that this server keeps shut, and the study at once.

MLflow 3 opens for language models, with an assistant that would run commands; switches that turn this off live in the
browser alone. So the page tells them to a browser that has not been here yet, before MLflow's script reads them.
"""

import json
from collections.abc import Mapping
from typing import Final

from medfake.tracking.comparison_link import ComparisonLink
from medfake.tracking.shared_view import list_state
from medfake.tracking.track import COMPARED

_HEAD_ENDS: Final = b"</head>"
_SWITCHES: Final[Mapping[str, object]] = {  # key in the browser's store -> value; the names are those of MLflow 3.17
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.settings.telemetry.enabled_v1": False,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
}
_LIST_OF_RUNS: Final = 'MLflowLocalStorage-1.1-ExperimentPage-["{experiment_id}"]-ReactComponentState'
# The assistant's panel and button, and the switch to pages of language models, which all are shut.
_HIDDEN: Final = '[data-assistant-ui], aside > div:has(> [role="button"] + [role="button"])'


def with_defaults(page: bytes, link: ComparisonLink | None) -> bytes:
    """The page with what a new browser is to believe.

    Args:
        page: MLflow's index.html.
        link: Of the study: its list of runs shows the usual metrics at first, and once its view is saved a bare address
            leads there; None before the first run.
    """
    values = {key: json.dumps(value) for key, value in _SWITCHES.items()}
    if link is not None:
        shown = list_state((), COMPARED) | {"runsExpanded": {link.study_run: True}}
        values[_LIST_OF_RUNS.format(experiment_id=link.experiment_id)] = json.dumps(shown)
    start = link.path if link is not None and link.saved else None
    script = f"""<style>{_HIDDEN} {{ display: none !important }}</style><script>
for (const [key, value] of Object.entries({_in_script(values)}))
  if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
if ({_in_script(start)} && location.hash.length < 3) location.replace({_in_script(start)});
</script>"""
    return page.replace(_HEAD_ENDS, script.encode() + _HEAD_ENDS, 1)


def _in_script(value: object) -> str:
    return json.dumps(value).replace("<", "\\u003c")
