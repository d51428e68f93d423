"""Tell tampered medical images from real ones: from DICOM to a promoted, served detector.

What stands here can be relied on; each name is loaded when it is first used.

A folder of DICOM files as an array, and its verdict by a package on disk (or by the champion, when none is named):

    >>> import medfake
    >>> series, volume = medfake.read_series("scan")
    >>> volume.shape, volume.dtype.name, float(series.z_mm[1])
    ((9, 96, 96), 'int16', 2.5)
    >>> model = medfake.open_model("models/chest/ResidualCNN/seed-1")
    >>> report = medfake.scan(["scan"], model)
    >>> [len(one.slices) for one in report.scans]
    [9]

A data set that was built, and trainings side by side:

    >>> from pathlib import Path
    >>> data = medfake.Dataset.open(Path("data/slices/toy"))
    >>> len(data.manifest), data.protocol
    (18, 'grouped')
    >>> medfake.compare  # doctest: +ELLIPSIS
    <function compare at ...>

One's own parts, each a function in one file; the entry points `medfake.backbones`, `medfake.sources` and so on in a
package's pyproject.toml let medfake find the file. E.g. a guard that stops a data set of fewer than three scans:

    >>> from great_expectations import expectations
    >>> from medfake.checks.guards.registry import Findings
    >>> @medfake.guard("three scans", rule="there are three scans", remedy="add scans")
    ... def three_scans(data, params):
    ...     table = data.manifest[["scan_id"]].drop_duplicates()
    ...     return Findings(table, [expectations.ExpectTableRowCountToBeBetween(min_value=3)], f"{len(table)} scans")
"""

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_HOMES: Final = {  # public name -> module that it is loaded from
    "read_series": "medfake.public",
    "open_model": "medfake.public",
    "scan": "medfake.public",
    "compare": "medfake.public",
    "Dataset": "medfake.datasets.dataset",
    "backbone": "medfake.detectors.backbone.spec",
    "detector": "medfake.detectors.registry",
    "source": "medfake.datasets.sources.registry",
    "view": "medfake.datasets.views.registry",
    "protocol": "medfake.datasets.split",
    "guard": "medfake.checks.guards.registry",
    "probe": "medfake.probes.registry",
    "manipulation": "medfake.tamper.registry",
    "gate": "medfake.registry.gates.gate",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604  # the keys are strings, which ruff cannot see


def __getattr__(name: str) -> Any:
    """Load a public name at its first use (PEP 562)."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
