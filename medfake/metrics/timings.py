"""How long a stored package takes for a step on this machine, and how large it is (Alsabbagh and Al-Kadi, Table 3).

A step is a call of the package's graph through ONNX Runtime as scanning makes it, slices in memory, files not counted.
"""

import platform
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.files import read_json, write_json
from medfake.package.card import AGGREGATION_FILE, ONNX_FILE, graph_digests, read_card
from medfake.package.cores import usable_cores
from medfake.package.scorer import Scorer
from medfake.remedies import Stage, make, rerun

SCHEMA_VERSION: Final = 1
STEPS: Final = 10
"""Of each batch size, as in the paper."""
WARM_UP: Final = 2
SINGLE: Final = 1
BATCHES: Final = (SINGLE, 8)
"""Slices of a step: one, and the batch that the papers' networks were trained with."""
_DIGITS: Final = 3  # of milliseconds
_CPU_FACTS: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """Where steps were measured; no name that belongs to anybody.

    Attributes:
        cpu: Model of the processor.
        cores: That the process may use.
        runtime: What runs the graphs.
    """

    cpu: str
    cores: int
    runtime: str

    @property
    def sentence(self) -> str:
        """For a reader."""
        return f"{self.cpu}, {self.cores} core{'s' if self.cores != 1 else ''}, {self.runtime}"


@dataclass(frozen=True)
class StepTime:
    """Some steps with as many slices each.

    Attributes:
        each_ms: Of every step, milliseconds, in the order in which they were made; at least two.
    """

    each_ms: tuple[float, ...]

    @property
    def mean_ms(self) -> float:
        """Arithmetic mean."""
        return statistics.fmean(self.each_ms)

    @property
    def deviation_ms(self) -> float:
        """Standard deviation of the sample."""
        return statistics.stdev(self.each_ms)


@dataclass(frozen=True, kw_only=True)
class PackageTiming:
    """What a package costs.

    Attributes:
        steps: By slices of a step.
        rows: Of the slices, px.
        cols: Likewise.
        graph_bytes: Of all that is served.
        parameters: Weights of a network; None for models without.
        graphs: SHA-256 of what was measured, by file name.
    """

    steps: Mapping[int, StepTime]
    rows: int
    cols: int
    graph_bytes: int
    parameters: int | None
    graphs: Mapping[str, str]


@dataclass(frozen=True)
class Timings:
    """Of several packages on one machine.

    Attributes:
        packages: By dataset/detector/seed-n, as an entry of a comparison is called.
    """

    machine: Machine
    packages: Mapping[str, PackageTiming]

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        packages = {name: _written(one) for name, one in self.packages.items()}
        write_json(path, {"schema_version": SCHEMA_VERSION, "machine": asdict(self.machine), "packages": packages})


def this_machine() -> Machine:
    """Processor, cores and runtime of this process."""
    import onnxruntime

    return Machine(_cpu(), usable_cores(), f"ONNX Runtime {onnxruntime.__version__} on the CPU")


def time_package(folder: Path, slices: NDArray[np.int16], steps: int = STEPS) -> PackageTiming:
    """Measure steps of a package, after some that only warm up.

    Args:
        folder: Of the package.
        slices: (slices, rows, cols) int16 Hounsfield units, at least one; repeated where a step takes more.
        steps: Of each batch size, at least 2.

    Raises:
        ManifestError: The package is not whole.
        MedfakeError: Its graph takes no slices of this size.
    """
    card, scorer = read_card(folder), Scorer(folder / ONNX_FILE)
    graphs = [path for name in (ONNX_FILE, AGGREGATION_FILE) if (path := folder / name).is_file()]
    return PackageTiming(
        steps={size: time_steps(scorer, np.resize(slices, (size, *slices.shape[1:])), steps) for size in BATCHES},
        rows=slices.shape[1],
        cols=slices.shape[2],
        graph_bytes=sum(path.stat().st_size for path in graphs),
        parameters=card.parameters,
        graphs=graph_digests(folder),
    )


def time_steps(scorer: Scorer, slices: NDArray[np.int16], steps: int = STEPS) -> StepTime:
    """Measure steps of a graph, after some that only warm up.

    Args:
        scorer: The graph.
        slices: (slices, rows, cols) int16 Hounsfield units of every step.
        steps: How many, at least 2.

    Raises:
        MedfakeError: The graph takes no slices of this size.
    """
    for _ in range(WARM_UP):
        scorer.score(slices)
    each = []
    for _ in range(steps):
        started = time.perf_counter()
        scorer.score(slices)
        each.append(round(1000 * (time.perf_counter() - started), _DIGITS))
    return StepTime(tuple(each))


def still_true(known: Timings | None, packages: Iterable[tuple[str, Path]]) -> dict[str, PackageTiming]:
    """What was measured on this machine of packages whose graphs are still the same.

    Args:
        known: From an earlier run; None where there is none.
        packages: Names and folders.
    """
    if known is None or known.machine != this_machine():
        return {}
    old = known.packages
    return {name: old[name] for name, folder in packages if name in old and old[name].graphs == graph_digests(folder)}


def read_timings(path: Path) -> Timings:
    """Read what `Timings.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, _timings_of, missing="steps were not measured", damaged="the measured steps cannot be read",
        make=make(Stage.TIMINGS), again=rerun(Stage.TIMINGS),
    )  # fmt: skip


def _cpu() -> str:
    """As the system calls it."""
    if _CPU_FACTS.is_file():
        for line in _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine() or "unknown CPU"


def _written(timing: PackageTiming) -> dict[str, Any]:
    steps = {
        str(size): {
            "each_ms": list(one.each_ms),
            "mean_ms": round(one.mean_ms, _DIGITS),
            "deviation_ms": round(one.deviation_ms, _DIGITS),
        }
        for size, one in timing.steps.items()
    }
    return {**asdict(timing), "steps": steps}


def _timings_of(values: Any) -> Timings:
    packages = {}
    for name, one in values["packages"].items():
        steps = {int(size): StepTime(tuple(step["each_ms"])) for size, step in one["steps"].items()}
        packages[name] = PackageTiming(**{**one, "steps": steps})
    return Timings(Machine(**values["machine"]), packages)
