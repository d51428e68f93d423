"""The benchmark of a GPU at toy size, on whatever there is: what it prints, and the arithmetic of a bound."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from benchmarks.roofline import Bound

LINE = re.compile(r"^gpu-CustomCNN-(\w+)-(\w+): ratio=(\d+\.\d\d) baseline=[^=]+ goal=[<>]=0\.\d+$", re.MULTILINE)


@pytest.mark.parametrize(("flops", "moved", "shortest_s"), [(200.0, 10.0, 2.0), (100.0, 30.0, 3.0), (0.0, 0.0, 0.0)])
def test_a_step_takes_no_less_than_its_operations_or_its_bytes(flops: float, moved: float, shortest_s: float) -> None:
    assert Bound(flops_per_s=100.0, bytes_per_s=10.0).shortest_s(flops, moved) == shortest_s


@pytest.mark.slow(minutes=1)
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_without_a_gpu_it_says_so_and_measures_the_cpu() -> None:
    toy = {"MEDFAKE_BENCH_SIZE": "toy", "MEDFAKE_BENCH_NETWORKS": "CustomCNN", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "gpu"], env={**os.environ, **toy}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "no GPU: the bound is of this CPU" in done.stdout
    assert "its ratios mean nothing" in done.stdout
    assert "TFLOP/s in a product of 128 x 128" in done.stdout
    measured = {(what, precision): float(ratio) for what, precision, ratio in LINE.findall(done.stdout)}
    assert set(measured) == {
        (what, precision) for what in ("forward", "step", "waiting") for precision in ("float32", "bfloat16")
    }
    assert all(ratio > 0 for (what, _), ratio in measured.items() if what != "waiting")
    assert all(0 <= ratio <= 1 for (what, _), ratio in measured.items() if what == "waiting")
