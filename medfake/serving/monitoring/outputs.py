"""Files that `medfake monitor` writes."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from medfake.outputs import OutputFormat, json_format, open_output, write_json_output
from medfake.package.reference import Reference
from medfake.serving.monitoring.advice import advise
from medfake.serving.monitoring.comparison import Comparison
from medfake.serving.monitoring.page import TITLE, monitor_page

_ADVICE: Final = "advice"
JSON_OUTPUT: Final = json_format(
    "a comparison of served scans", [*(field.name for field in fields(Comparison)), _ADVICE]
)
REFERENCE_OUTPUT: Final = replace(json_format("a reference of scans", Reference.model_fields), option="--out")


def _wrote_page(path: Path) -> bool:
    with path.open("rb") as file:
        return f"<title>medfake: {TITLE}</title>".encode() in file.read(4096)


PAGE_OUTPUT: Final = OutputFormat("a page", "--out", ".html", _wrote_page)


def write_comparison(path: Path, found: Comparison) -> None:
    """Write a comparison with its advice as JSON; "-" is standard output. Raises as `open_output`."""
    document: dict[str, Any] = {**found.as_json(), _ADVICE: advise(found).as_json()}
    write_json_output(path, JSON_OUTPUT, document)


def write_page(path: Path, found: Comparison) -> None:
    """Write a comparison as one page of HTML, likewise."""
    with open_output(path, PAGE_OUTPUT) as file:
        file.write(monitor_page(found))
