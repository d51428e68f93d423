"""Steps of real packages: as many as asked for, of the sizes that the paper has, read back as they were."""

import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from medfake.errors import ManifestError, MedfakeError
from medfake.metrics.timings import (
    BATCHES,
    STEPS,
    Machine,
    StepTime,
    Timings,
    read_timings,
    still_true,
    this_machine,
    time_package,
)
from medfake.package.card import ONNX_FILE

MakePackage = Callable[..., Path]
SLICES = np.zeros((3, 96, 128), np.int16)


def test_mean_and_deviation_are_those_of_the_sample() -> None:
    step = StepTime((1.0, 2.0, 6.0))
    assert (step.mean_ms, step.deviation_ms) == (3.0, pytest.approx(statistics.stdev([1, 2, 6])))


def test_a_package_is_timed_ten_times_with_one_slice_and_with_eight(make_package: MakePackage) -> None:
    folder = make_package(parameters=7)
    timing = time_package(folder, SLICES)
    assert {size: len(one.each_ms) for size, one in timing.steps.items()} == dict.fromkeys(BATCHES, STEPS)
    assert all(ms > 0 for one in timing.steps.values() for ms in one.each_ms)
    assert (timing.rows, timing.cols, timing.parameters) == (96, 128, 7)
    assert timing.graph_bytes == (folder / ONNX_FILE).stat().st_size


def test_what_is_written_is_read_back_and_written_again_the_same(make_package: MakePackage, tmp_path: Path) -> None:
    timings = Timings(this_machine(), {"chest/A/seed-1": time_package(make_package(), SLICES, steps=2)})
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    timings.write(first)
    assert read_timings(first) == timings
    read_timings(first).write(second)
    assert first.read_bytes() == second.read_bytes()


def test_a_package_is_timed_again_only_where_its_graph_or_the_machine_changed(make_package: MakePackage) -> None:
    folders = {"a": make_package("a"), "b": make_package("b")}
    known = Timings(this_machine(), {name: time_package(one, SLICES, steps=2) for name, one in folders.items()})
    assert still_true(known, folders.items()) == known.packages
    graph = onnx.load(folders["a"] / ONNX_FILE)
    graph.doc_string = "another"
    onnx.save(graph, folders["a"] / ONNX_FILE)
    assert list(still_true(known, folders.items())) == ["b"]
    elsewhere = Timings(Machine("another", 64, known.machine.runtime), known.packages)
    assert still_true(elsewhere, folders.items()) == still_true(None, folders.items()) == {}


def test_the_machine_has_a_cpu_cores_and_a_runtime_with_its_version() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert "ONNX Runtime" in machine.sentence
    assert machine.cpu


def test_a_size_that_the_graph_cannot_take_is_told(make_package: MakePackage) -> None:
    with pytest.raises(MedfakeError, match="at least 96"):
        time_package(make_package(), np.zeros((1, 32, 32), np.int16))


def test_missing_timings_say_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        read_timings(tmp_path / "timings.json")
    assert caught.value.remedy == "dvc repro timings"
