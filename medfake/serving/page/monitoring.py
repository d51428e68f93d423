"""Monitoring as a page of the service shows it: what was served beside what the detector knows."""

import re
from typing import Final

from markupsafe import Markup

from medfake.package.reference import REFERENCE_FILE
from medfake.serving.monitoring.monitor import monitor
from medfake.serving.monitoring.page import monitor_fragment
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import model_digest
from medfake.serving.scoring.served_model import open_served
from medfake.serving.scoring.worker_messages import Package

BASELINE: Final = 100
"""First scans that later ones are compared with where a package has no reference of its own."""
_STYLE: Final = re.compile(r'style="([^"]*)"')


def monitoring_html(recorder: Recorder, package: Package) -> Markup:
    """Compare what a detector was served with what it knows, and draw it.

    Args:
        recorder: Of the service.
        package: Of the detector that scans now.

    Raises:
        ManifestError: The package is not whole any more.
        StorageError: The database cannot be used.
    """
    model = open_served(package)
    known = (model.folder / REFERENCE_FILE).is_file()
    baseline = None if known or recorder.count(model_digest(model.folder)) <= BASELINE else BASELINE
    return Markup(as_attributes(monitor_fragment(monitor(recorder, model, baseline=baseline))))  # noqa: S704 - it escapes what it shows


def as_attributes(html: str) -> str:
    """Styles of elements of a drawing as attributes of their own, which the policy of the service lets through.

    >>> as_attributes('<path style="fill: none; stroke: var(--rule, #d1d9e0)"/>')
    '<path fill="none" stroke="var(--rule, #d1d9e0)"/>'
    """
    return _STYLE.sub(lambda style: " ".join(map(_attribute, style[1].rstrip("; ").split("; "))), html)


def _attribute(declaration: str) -> str:
    name, _, value = declaration.partition(": ")
    return f'{name}="{value}"'
