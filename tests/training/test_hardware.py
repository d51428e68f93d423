"""What a training says about where it ran; no machine of ours has a GPU in its tests."""

import os

import pytest

from medfake.training import hardware
from medfake.training.hardware import describe_hardware, has_gpu


@pytest.mark.parametrize(
    ("gpus", "policy", "expected"),
    [
        ([], "float32", f"{os.cpu_count()} CPU cores, tensorflow"),
        ([], "mixed_bfloat16", f"{os.cpu_count()} CPU cores, tensorflow, mixed_bfloat16"),
        (["NVIDIA H200"], "float32", "1 GPU (NVIDIA H200), tensorflow"),
        (["NVIDIA H200"] * 2, "mixed_bfloat16", "2 GPUs (NVIDIA H200), tensorflow, mixed_bfloat16"),
        (["Tesla T4", "NVIDIA A100"], "float32", "2 GPUs (NVIDIA A100 and Tesla T4), tensorflow"),
    ],
)
def test_devices_backend_and_precision_of_a_network_are_told(
    gpus: list[str], policy: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_gpus", lambda: gpus)
    assert describe_hardware(network=True, policy=policy) == expected
    assert has_gpu() is bool(gpus)


def test_what_is_no_network_has_no_use_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_gpus", lambda: ["NVIDIA H200"])
    assert describe_hardware(network=False) == f"{os.cpu_count()} CPU cores"
