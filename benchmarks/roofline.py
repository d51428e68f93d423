"""What steps of networks attain of the roofline of a device (Williams et al. 2009), measured in the same run.

A step cannot be faster than its operations at the device's peak, nor than its bytes at the device's bandwidth.
Operations are those that XLA counts in the step as it was written, bytes those of the step as it was compiled. Peak and
bandwidth are what a large product and a large copy attain, not what a data sheet says.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.material import fastest_s, report

SIZES: Final = {
    "gpu": {"edge": 512, "batch": 16, "matrix": 8192, "copied": 2**30, "repeats": 30, "steps": 24},
    "cpu": {"edge": 96, "batch": 2, "matrix": 1024, "copied": 2**26, "repeats": 5, "steps": 4},
    "toy": {"edge": 64, "batch": 2, "matrix": 128, "copied": 2**16, "repeats": 1, "steps": 2},
}
"""Pixels of a slice, slices of a step, values of a side of the matrices, bytes of the copy, runs of which the fastest
counts, and batches that are read from disk."""
NETWORKS: Final = ("CustomCNN", "ResNet50", "DenseNet121", "ResidualCNN")
_SIZE, _ONLY = "MEDFAKE_BENCH_SIZE", "MEDFAKE_BENCH_NETWORKS"
_PRECISIONS: Final = {
    "float32": ("float32", "float32"),
    "tf32": ("float32", "tensorfloat32"),
    "bfloat16": ("mixed_bfloat16", "default"),
}
"""Policy of Keras, and precision of products of single precision, by name."""
_GOALS: Final = {"forward": ">=0.35", "step": ">=0.30"}


@dataclass(frozen=True)
class Bound:
    """What a device attains in one precision.

    Attributes:
        flops_per_s: Of a product of square matrices.
        bytes_per_s: Read and written by a copy.
    """

    flops_per_s: float
    bytes_per_s: float

    def shortest_s(self, flops: float, moved: float) -> float:
        """A step of so many operations and bytes takes no less."""
        return max(flops / self.flops_per_s, moved / self.bytes_per_s)


@dataclass(frozen=True)
class Compiled:
    """A compiled step.

    Attributes:
        run: One step; returns when it is done.
        flops: Of one step.
        moved: Bytes that one step reads and writes at least.
    """

    run: Callable[[], None]
    flops: float
    moved: float


def main() -> None:
    """Measure the bound, then each network in each precision."""
    from medfake.training.hardware import describe_hardware, has_gpu
    from medfake.training.keras_setup import import_keras

    import_keras(1)
    kind = os.environ.get(_SIZE) or ("gpu" if has_gpu() else "cpu")
    sizes = SIZES[kind]
    print(f"gpu: {describe_hardware(network=True)}{'' if has_gpu() else '; no GPU: the bound is of this CPU'}")
    if kind == "toy":
        print("gpu: toy sizes: that it runs is seen, and its ratios mean nothing")
    names = [name for name in os.environ.get(_ONLY, "").split(",") if name] or NETWORKS
    for precision in _PRECISIONS:
        if precision == "tf32" and not has_gpu():
            print("gpu: tf32 is float32 here: products of NVIDIA's tensor cores alone know it")
            continue
        with _computing_in(precision):
            bound = _bound(precision, sizes)
            print(
                f"gpu: {precision} bound {bound.flops_per_s / 1e12:.3g} TFLOP/s in a product of {sizes['matrix']} x "
                f"{sizes['matrix']}, {bound.bytes_per_s / 1e9:.3g} GB/s in a copy"
            )
            for name in names:
                _measure(name, precision, bound, sizes)


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    import jax

    from medfake.training.precision import computing_in

    policy, products = _PRECISIONS[precision]
    with computing_in(policy), jax.default_matmul_precision(products):  # type: ignore[arg-type]  # a policy's name
        yield


def _bound(precision: str, sizes: Any) -> Bound:
    import jax

    numbers = jax.numpy.bfloat16 if precision == "bfloat16" else jax.numpy.float32
    edge = sizes["matrix"]
    one, other = (jax.random.normal(jax.random.key(seed), (edge, edge), numbers) for seed in (1, 2))
    product = jax.jit(lambda a, b: a @ b)
    taken_s = fastest_s(lambda: product(one, other).block_until_ready(), sizes["repeats"])
    values = jax.numpy.ones(sizes["copied"] // 4, jax.numpy.float32)
    added = jax.jit(lambda these: these + 1.0)  # a bare copy may be none
    copied_s = fastest_s(lambda: added(values).block_until_ready(), sizes["repeats"])
    return Bound(2 * edge**3 / taken_s, 2 * sizes["copied"] / copied_s)


def _measure(name: str, precision: str, bound: Bound, sizes: Any) -> None:
    """Print forward pass and training step of one network."""
    import numpy as np

    model, edge = _network(name, sizes["edge"])
    slices = np.random.default_rng(1).integers(-1000, 100, (sizes["batch"], edge, edge)).astype(np.int16)
    labels = (np.arange(sizes["batch"]) % 2).astype(np.float32)[:, None]
    for direction, step in (("forward", _forward(model, slices)), ("step", _training(model, slices, labels))):
        taken_s = fastest_s(step.run, sizes["repeats"])
        share = bound.shortest_s(step.flops, step.moved) / taken_s
        limit = "operations" if step.flops / bound.flops_per_s > step.moved / bound.bytes_per_s else "bytes"
        print(
            f"gpu: {name} {direction} {precision}: {len(slices) / taken_s:.1f} slices/s at {edge} px, "
            f"{step.flops / taken_s / 1e12:.3g} TFLOP/s, {step.moved / taken_s / 1e9:.3g} GB/s, bound by {limit}"
        )
        report(f"gpu-{name}-{direction}-{precision}", share, "what the device attains", _GOALS[direction])
    _with_input(name, precision, model, edge, sizes)


def _network(name: str, edge: int) -> tuple[Any, int]:
    """A network as it is trained, (slices, edge, edge) int16 HU -> (slices, 1) logits or P, and its edge."""
    import keras

    from medfake.detectors.backbone.graph import build_extractor, build_head
    from medfake.detectors.backbone.options import BackboneOptions
    from medfake.detectors.forensic.residual_cnn import PATCH_PX, build_residual_cnn
    from medfake.detectors.registry import detector_spec

    if name == "ResidualCNN":
        return build_residual_cnn(4)[0], PATCH_PX
    spec: Any = detector_spec(name)
    options = BackboneOptions(weights="none", input_size=edge)
    extractor, _ = build_extractor(spec.build((edge, edge, 3), None), options, spec.contract)
    head = build_head(extractor.output_shape[-1], options.head)
    return keras.Model(extractor.input, head(extractor.output)), edge


def _forward(model: Any, slices: Any) -> Compiled:
    import jax

    state = [[one.value for one in part] for part in (model.trainable_variables, model.non_trainable_variables)]

    def forward(learnt: Any, fixed: Any, hu: Any) -> Any:
        return model.stateless_call(learnt, fixed, hu, training=False)[0]

    lowered = jax.jit(forward).lower(*state, slices)
    compiled, given = lowered.compile(), (*state, jax.device_put(slices))
    return Compiled(lambda: compiled(*given).block_until_ready(), *_cost(lowered, compiled))


def _training(model: Any, slices: Any, labels: Any) -> Compiled:
    """Forward, backward and Adam; weights go from step to step as in a training."""
    import jax
    import keras

    optimizer, loss = keras.optimizers.Adam(1e-5), keras.losses.BinaryCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)

    def loss_of(learnt: Any, fixed: Any, hu: Any, truth: Any) -> Any:
        said, fixed = model.stateless_call(learnt, fixed, hu, training=True)
        return loss(truth, said), fixed

    def step(learnt: Any, fixed: Any, kept: Any, hu: Any, truth: Any) -> Any:
        (value, fixed), gradients = jax.value_and_grad(loss_of, has_aux=True)(learnt, fixed, hu, truth)
        learnt, kept = optimizer.stateless_apply(kept, gradients, learnt)
        return learnt, fixed, kept, value

    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = [[jax.numpy.copy(one.value) for one in group] for group in groups]  # given away, step by step
    lowered = jax.jit(step, donate_argnums=(0, 1, 2)).lower(*state, slices, labels)
    compiled, given = lowered.compile(), (jax.device_put(slices), jax.device_put(labels))

    def run() -> None:
        *state[:], value = compiled(*state, *given)
        value.block_until_ready()

    return Compiled(run, *_cost(lowered, compiled))


def _cost(lowered: Any, compiled: Any) -> tuple[float, float]:
    """Operations of a step as it was written; bytes as it was compiled, or 0 where the device does not say."""
    flops = float(lowered.cost_analysis()["flops"])
    known = compiled.cost_analysis() or {}
    return flops, float(known.get("bytes accessed", 0.0))


def _with_input(name: str, precision: str, model: Any, edge: int, sizes: Any) -> None:
    """Print the same training fed from shards on disk, and how long its steps waited for their batches."""
    import keras
    import numpy as np

    from benchmarks.training_set import noise_set
    from medfake.training.pace import Pace
    from medfake.training.phase import BatchSource, ShuffledRows, learn
    from medfake.vocabulary import Split

    dataset = noise_set(sizes["steps"] * sizes["batch"], sizes["batch"], edge)
    rows = dataset.split(Split.TRAIN)
    labels = rows.label.to_numpy(np.float32)
    source = BatchSource(lambda at: dataset.slices(rows.iloc[at]), labels, sizes["batch"])
    model.compile(optimizer=keras.optimizers.Adam(1e-5), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    batches = ShuffledRows(source, 1)
    learn(model, batches.epoch(0))  # compiles
    pace = Pace()
    learn(model, batches.epoch(1), pace)
    rate = pace.steps * sizes["batch"] / pace.seconds
    print(f"gpu: {name} fed from disk {precision}: {rate:.1f} slices/s at {edge} px")
    report(f"gpu-{name}-waiting-{precision}", pace.waiting_share or 0.0, "time of a step", "<=0.05")


if __name__ == "__main__":
    main()
