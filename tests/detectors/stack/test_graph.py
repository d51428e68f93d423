"""A stack is one graph that says what its members' probabilities, weighted, amount to."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medfake.detectors.stack.graph import Member, write_stack
from medfake.detectors.stack.weights import StackWeights
from medfake.errors import TrainingError
from medfake.package.scorer import Scorer

SLICES = (np.arange(5)[:, None, None] * 60 - 150 + np.zeros((1, 96, 96))).astype(np.int16)


def _write(path: Path, *, scale: float, opset: int = 17, site: float | None = None, extra: bool = False) -> Path:
    """A graph whose P(tampered) grows with the mean of a slice; it points at one place, or at none."""
    make, number = helper.make_node, TensorProto.FLOAT
    nodes = [
        make("Cast", ["hu"], ["float"], to=number),
        make("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        make("Mul", ["mean", "scale"], ["logit"]),
        make("Sigmoid", ["logit"], ["p_tampered"]),
    ]
    names = ["p_tampered"]
    if site is not None:
        nodes += [make("Mul", ["mean", "zero"], ["nothing"]), make("Identity", ["p_tampered"], ["site_p"])]
        nodes += [make("Add", ["nothing", "place"], [f"site_{axis}"]) for axis in ("y", "x")]
        names += ["site_y", "site_x", "site_p"]
    inputs = [helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "rows", "cols"])]
    inputs += [helper.make_tensor_value_info("age", number, ["n"])] if extra else []
    constants = {"scale": scale, "zero": 0.0, "place": site or 0.0}
    graph = helper.make_graph(
        nodes,
        "toy",
        inputs,
        [helper.make_tensor_value_info(name, number, ["n"]) for name in names],
        [helper.make_tensor(name, number, [], [value]) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def _p(graph: Path) -> Any:
    return Scorer(graph).score(SLICES).p_tampered


def test_the_graph_says_what_the_weights_say(tmp_path: Path) -> None:
    a, b = _write(tmp_path / "a.onnx", scale=0.01), _write(tmp_path / "b.onnx", scale=-0.003)
    weights = StackWeights(np.array([0.7, 1.6]), -0.4)
    write_stack(tmp_path / "stack.onnx", [Member("a", a, False), Member("b", b, False)], weights)
    expected = weights(np.stack([_p(a), _p(b)], axis=1))
    assert _p(tmp_path / "stack.onnx") == pytest.approx(expected, abs=1e-6)
    assert not np.allclose(expected, _p(a), atol=0.05)


def test_graphs_of_older_operators_are_brought_to_the_newest(tmp_path: Path) -> None:
    old, new = _write(tmp_path / "old.onnx", scale=0.01, opset=13), _write(tmp_path / "new.onnx", scale=0.02)
    weights = StackWeights(np.array([1.0, 1.0]), 0.0)
    write_stack(tmp_path / "stack.onnx", [Member("old", old, False), Member("new", new, False)], weights)
    assert _p(tmp_path / "stack.onnx") == pytest.approx(weights(np.stack([_p(old), _p(new)], axis=1)), abs=1e-6)
    assert [one.version for one in onnx.load(tmp_path / "stack.onnx").opset_import] == [17]


def test_the_site_is_that_of_the_member_that_counts_most_among_those_with_one(tmp_path: Path) -> None:
    blind = _write(tmp_path / "blind.onnx", scale=0.01)
    near, far = (_write(tmp_path / f"{place}.onnx", scale=0.01, site=float(place)) for place in (10, 80))
    members = [Member("blind", blind, False), Member("near", near, True), Member("far", far, True)]
    write_stack(tmp_path / "stack.onnx", members, StackWeights(np.array([5.0, 0.1, 0.2]), 0.0))
    assert Scorer(tmp_path / "stack.onnx").score(SLICES).site_y == pytest.approx([80.0] * 5)


def test_a_stack_of_members_without_sites_has_none(tmp_path: Path) -> None:
    members = [Member(name, _write(tmp_path / f"{name}.onnx", scale=0.01), False) for name in "ab"]
    write_stack(tmp_path / "stack.onnx", members, StackWeights(np.array([0.5, 0.5]), 0.0))
    assert Scorer(tmp_path / "stack.onnx").score(SLICES).site_y is None


def test_a_member_without_weight_costs_nothing(tmp_path: Path) -> None:
    members = [Member(name, _write(tmp_path / f"{name}.onnx", scale=0.01), False) for name in "ab"]
    write_stack(tmp_path / "stack.onnx", members, StackWeights(np.array([0.5, 0.0]), 0.0))
    assert not [node for node in onnx.load(tmp_path / "stack.onnx").graph.node if "b/" in node.output[0]]


def test_a_member_that_wants_more_than_slices_is_refused(tmp_path: Path) -> None:
    odd = Member("odd", _write(tmp_path / "odd.onnx", scale=0.01, extra=True), False)
    with pytest.raises(TrainingError, match="takes slices and nothing else"):
        write_stack(tmp_path / "stack.onnx", [odd], StackWeights(np.array([1.0]), 0.0))
