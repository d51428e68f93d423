"""A stack as one ONNX graph: Hounsfield units go in once, every member sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medfake.detectors.stack.weights import CLIP, StackWeights
from medfake.errors import TrainingError
from medfake.package.scorer import INPUT

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_P: Final = "p_tampered"
_SITES: Final = ("site_y", "site_x", "site_p")


@dataclass(frozen=True)
class Member:
    """A detector of a stack.

    Attributes:
        name: Of the detector.
        graph: Its detector.onnx.
        localises: Whether it names places.
    """

    name: str
    graph: Path
    localises: bool


def write_stack(path: Path, members: Sequence[Member], weights: StackWeights) -> None:
    """Write the graph: hu -> p_tampered, and the site of the member that counts most among those that name one.

    A member whose weight is 0 is left out: it would cost time and say nothing.

    Args:
        path: To write.
        members: As the weights have them.
        weights: Of the members.

    Raises:
        TrainingError: A member's graph cannot be brought to the operators of the others.
    """
    import onnx

    kept = [(one, float(weight)) for one, weight in zip(members, weights.weights, strict=True) if weight > 0]
    kept = kept or [(members[0], 0.0)]
    models = _same_operators({one.name: onnx.load(one.graph) for one, _ in kept})
    inner = [_inside(models[one.name], f"{one.name}/") for one, _ in kept]
    nodes = [node for model in inner for node in model.graph.node]
    constants = [constant for model in inner for constant in model.graph.initializer]
    sums, numbers = _summed([(f"{one.name}/{_P}", weight) for one, weight in kept], weights.bias)
    outputs = [onnx.helper.make_tensor_value_info(_P, onnx.TensorProto.FLOAT, ["slices", 1])]
    pointing = [(weight, one.name) for one, weight in kept if one.localises]
    if pointing:
        of = max(pointing)[1]
        nodes += [onnx.helper.make_node("Identity", [f"{of}/{name}"], [name]) for name in _SITES]
        outputs += [_like(models[of], name) for name in _SITES]
    graph = onnx.helper.make_graph([*nodes, *sums], "stack", [inner[0].graph.input[0]], outputs, [*constants, *numbers])
    domains = {one.domain: one.version for model in inner for one in model.opset_import}
    stack = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid(domain, version) for domain, version in sorted(domains.items())],
        ir_version=max(model.ir_version for model in inner),
    )
    onnx.checker.check_model(stack)
    onnx.save(stack, path)


def _same_operators(models: Mapping[str, "ModelProto"]) -> dict[str, "ModelProto"]:
    """Bring graphs to the newest operators among them."""
    import onnx

    newest = max(_opset(model) for model in models.values())
    brought = {}
    for name, model in models.items():
        try:
            brought[name] = model if _opset(model) == newest else onnx.version_converter.convert_version(model, newest)
        except RuntimeError as error:
            raise TrainingError(
                "this member cannot be joined with the others in one graph", where=name,
                received=f"operators of version {_opset(model)}, the others have {newest}",
                remedy="leave it out of the stack",
            ) from error  # fmt: skip
    return brought


def _opset(model: "ModelProto") -> int:
    return int(max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx")))


def _inside(model: "ModelProto", prefix: str) -> "ModelProto":
    """A member with names of its own; only what it is given keeps its name."""
    import onnx

    given = {one.name for one in model.graph.input}
    if given != {INPUT}:
        raise TrainingError("a member of a stack takes slices and nothing else", where=prefix, received=sorted(given))
    return onnx.compose.add_prefix(model, prefix, rename_inputs=False)


def _summed(said: Sequence[tuple[str, float]], bias: float) -> "tuple[list[NodeProto], list[TensorProto]]":
    """Nodes and constants that turn P of every member into that of the stack."""
    import onnx

    def number(name: str, values: Any) -> "TensorProto":
        return onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), f"stack/{name}")

    make = onnx.helper.make_node
    joined = [f"stack/{place}" for place in range(len(said))]
    numbers = [
        number("low", CLIP),
        number("high", 1.0 - CLIP),
        number("one", 1.0),
        number("weights", [[weight] for _, weight in said]),
        number("bias", bias),
        onnx.numpy_helper.from_array(np.array([-1, 1], dtype=np.int64), "stack/column"),
    ]
    nodes = [
        *(make("Reshape", [name, "stack/column"], [place]) for (name, _), place in zip(said, joined, strict=True)),
        make("Concat", joined, ["stack/p"], axis=1),
        make("Clip", ["stack/p", "stack/low", "stack/high"], ["stack/clipped"]),
        make("Sub", ["stack/one", "stack/clipped"], ["stack/other"]),
        make("Div", ["stack/clipped", "stack/other"], ["stack/odds"]),
        make("Log", ["stack/odds"], ["stack/log_odds"]),
        make("MatMul", ["stack/log_odds", "stack/weights"], ["stack/sum"]),
        make("Add", ["stack/sum", "stack/bias"], ["stack/logit"]),
        make("Sigmoid", ["stack/logit"], [_P]),
    ]
    return nodes, numbers


def _like(model: "ModelProto", name: str) -> Any:
    """What a member says of one of its outputs, for the same output of the stack."""
    import onnx

    (found,) = [one for one in model.graph.output if one.name == name]
    copied = onnx.ValueInfoProto()
    copied.CopyFrom(found)
    return copied
