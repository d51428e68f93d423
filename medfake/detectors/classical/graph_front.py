"""Features of slices as an ONNX graph: the very one that a training takes them from is stored before the model."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake import lungs
from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.front import FLAT, Front, Table
from medfake.detectors.classical.options import ClassicalOptions
from medfake.detectors.only_ct import require_ct
from medfake.errors import TrainingError
from medfake.package.onnx_nodes import Nodes, whole
from medfake.package.scorer import INPUT, SMALLEST_EDGE

Run = Callable[[list[str], NDArray[np.int16]], list[NDArray[np.float32]]]
_AT_ONCE: Final = 2  # slices; larger batches are no faster on CPU


@dataclass
class GraphFront(Front):
    """A graph `hu` -> `flat`, and site_y and site_x where it names places; takes slices of any size.

    Attributes:
        model: onnx.ModelProto.
        known: Features of slices by shard and row, which a table takes instead of asking the graph again; a front that
            learns puts in what another one says that has not seen the slice.
    """

    model: Any
    known: dict[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)

    def of(self, slices: NDArray[np.int16]) -> Table:
        """(slices, rows, cols) int16 HU -> (slices, features) float32."""
        runs = (slices[at : at + _AT_ONCE] for at in range(0, len(slices), _AT_ONCE))
        return np.concatenate([self._run([FLAT], one)[0] for one in runs])

    def table(self, dataset: Dataset, rows: pd.DataFrame) -> Table:
        """Features of rows, of each slice computed once: a search asks for the same in every fold."""
        places = list(zip(rows.shard, rows.row.astype(int), strict=True))
        unknown = [place not in self.known for place in places]
        missing, done = rows[unknown], 0
        for slices in dataset.batches(missing, _AT_ONCE):
            for features in self.of(slices):
                self.known[missing.shard.iloc[done], int(missing.row.iloc[done])] = features
                done += 1
        return np.stack([self.known[place] for place in places])

    def graph(self) -> Any:
        """The graph itself."""
        return self.model

    @cached_property
    def _run(self) -> Run:
        return run_graph(self.model)


def run_graph(model: Any) -> Run:
    """Get a graph ready that takes `hu`: outputs by their names, of (slices, rows, cols) int16."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda names, slices: session.run(names, {INPUT: np.ascontiguousarray(slices)})


class GraphOptions(ClassicalOptions):
    """What classical models on features take whose graph is written here."""

    @abstractmethod
    def write_front(self, dataset: Dataset, learnt: pd.DataFrame, seed: int) -> GraphFront:
        """The graph from slices to features; where it learns, from some rows of a data set."""

    def front(self, dataset: Dataset, learnt: pd.DataFrame, detector: str, seed: int) -> GraphFront:
        """The graph, for a data set of CT whose slices are large enough."""
        require_ct(dataset, detector, "it looks at lungs, in Hounsfield units")
        smallest = int(dataset.manifest[["rows", "cols"]].to_numpy().min())
        if smallest < SMALLEST_EDGE:
            raise TrainingError(
                f"{detector} needs slices of at least {SMALLEST_EDGE} x {SMALLEST_EDGE} px", where=dataset.name,
                received=f"one with an edge of {smallest} px",
                remedy="choose a larger view, or leave it out of train.detectors for this data set",
            )  # fmt: skip
        return self.write_front(dataset, learnt, seed)


def or_everywhere(nodes: Nodes, places: str) -> str:
    """Add: (slices, 1, down, across) 1 at some places of a slice; in a slice that has none of them, at all."""
    some = nodes("ReduceMax", places, axes=[1, 2, 3], keepdims=1)
    return nodes("Max", places, nodes("Sub", 1.0, some))


def lung_mask(nodes: Nodes) -> tuple[str, str]:
    """Add what nearly every front begins with.

    Returns:
        Names of (slices, 1, rows, cols) float32 HU, and of 1 where the rule of `medfake.lungs.lung_pixels` sees lung,
        else 0.
    """
    image = nodes("Unsqueeze", nodes("Cast", INPUT, to=1), whole(1))
    clipped = nodes("Clip", image, float(lungs.DARKEST_HU), float(lungs.BRIGHTEST_HU))
    edge = lungs.AVERAGED_PX
    average = nodes("AveragePool", clipped, kernel_shape=[edge, edge], pads=[edge // 2] * 4, count_include_pad=0)
    dark = nodes("Less", clipped, float(lungs.AIR_BELOW_HU))
    inside = nodes("Greater", average, float(lungs.OPEN_AIR_HU))
    return image, nodes("Cast", nodes("And", dark, inside), to=1)
