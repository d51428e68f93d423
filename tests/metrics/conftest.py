"""A phantom CT-GAN tree, and packages whose places are as suspicious as they are bright."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from medfake.config import MeasureParams, PhantomParams
from medfake.phantom import write_phantom
from tests.fixtures.place_detectors import place_detector

MakePlaces = Callable[..., Path]


@pytest.fixture(scope="session")
def phantom_trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LIDC-IDRI and CT-GAN trees of small scans."""
    folder = tmp_path_factory.mktemp("measured") / "set"
    params = PhantomParams(seed=6, reals=2, fakes={"FM": 3, "FB": 3, "TM": 1, "TB": 1}, slices=16)
    write_phantom(folder, params, size=160)
    return folder


@pytest.fixture
def place_package(make_package: Callable[..., Path]) -> MakePlaces:
    """Write a package that judges places."""

    def make(name: str = "places", per_hu: float = 0.01, *, maps: bool = True, **facts: object) -> Path:
        folder = make_package(name, detector="Brightness", **facts)
        onnx.save(place_detector(per_hu, maps=maps), folder / "detector.onnx")
        return folder

    return make


@pytest.fixture
def measure_params(phantom_trees: Path) -> Callable[..., MeasureParams]:
    """A block of params.yaml about the phantom trees."""

    def make(package: Path, **changes: Any) -> MeasureParams:
        fakes = {"kind": "ct_gan", "path": str(phantom_trees / "CT-GAN")}
        reals = {"kind": "lidc", "path": str(phantom_trees / "LIDC-IDRI")}
        block = {"package": str(package), "fakes": fakes, "reals": reals, "identifiers": "public"}
        return MeasureParams.model_validate(block | {"perturbations": []} | changes)

    return make
