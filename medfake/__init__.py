"""Tell tampered medical images from real ones: from DICOM to a promoted, served detector.

What stands here can be relied on; each name is loaded when it is first used.

A folder of DICOM files as an array, and its verdict by a package on disk (or, when none is named, by the champion or
the detector that comes with medfake):

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
    >>> comparison = medfake.compare(["models/chest/ResidualCNN/seed-1"])
    >>> [(result.entry.detector, result.slices.unit) for result in comparison.results]
    [('ResidualCNN', 'patients')]

One's own parts, each a function or a class in one file, under a decorator whose docstring shows an example, e.g.
`help(medfake.guard)`. The entry points `medfake.detectors`, `medfake.sources` and so on in a package's pyproject.toml
let medfake find the file:

    >>> @medfake.protocol("nobody-is-tested")
    ... def nobody_is_tested(slices, params):
    ...     return slices.patient_id.map(lambda patient: "val" if patient.endswith("0") else "train")
"""

import os
from importlib import import_module
from typing import Any, Final

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # from 1.29 on ONNX Runtime reports to its maker unless told before it loads

__version__ = "0.1.0"

_HOMES: Final = {  # public name -> module that it is loaded from
    "read_series": "medfake.public",
    "open_model": "medfake.public",
    "scan": "medfake.public",
    "compare": "medfake.public",
    "Dataset": "medfake.datasets.dataset",
    "backbone": "medfake.detectors.backbone.spec",
    "detector": "medfake.detectors.registry",
    "family": "medfake.detectors.families",
    "source": "medfake.datasets.sources.registry",
    "view": "medfake.datasets.views.registry",
    "protocol": "medfake.datasets.split",
    "guard": "medfake.checks.guards.registry",
    "probe": "medfake.probes.registry",
    "perturbation": "medfake.robustness.registry",
    "explanation": "medfake.explain.registry",
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
