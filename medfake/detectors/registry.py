"""What can be trained, by name; one decorated function adds one. Importing this loads no TensorFlow."""

import csv
import fnmatch
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal

from medfake.by_name import did_you_mean
from medfake.config import Section, validate
from medfake.detectors.backbone.options import BackboneOptions
from medfake.errors import UnknownDetectorError

Family = Literal["backbone", "forensic", "classical"]
Contract = Literal["raw", "torch", "tf", "caffe"]
Builder = Callable[..., Any]  # returns a Keras model without top, or a scikit-learn estimator


@dataclass(frozen=True)
class DetectorSpec:
    """What is known of a detector before it is built.

    Attributes:
        family: Decides how it is trained.
        options: Model of its block in params.yaml.
        build: Backbones: (input shape, weights or None) -> Keras model without top.
        contract: Backbones: input range of the network, "raw" for 0..255 with scaling inside.
        feature_width: Backbones: channels after global average pooling.
        gradcam_layer: Backbones: layer whose maps Grad-CAM weighs.
        imagenet_file: Backbones: name of the no-top ImageNet weights in Keras' cache, "" when there are none.
        paper: Whose published figures stand beside it, "" for none.
    """

    name: str
    family: Family
    options: type[Section]
    build: Builder
    localises: bool = False
    contract: Contract | None = None
    feature_width: int | None = None
    gradcam_layer: str | None = None
    imagenet_file: str = ""
    paper: str = ""


_SPECS: dict[str, DetectorSpec] = {}  # name -> spec


def detector(name: str, *, family: Family, options: type[Section], **facts: Any) -> Callable[[Builder], Builder]:
    """Register a builder as a detector."""

    def register(build: Builder) -> Builder:
        _SPECS[name] = DetectorSpec(name, family, options, build, **facts)
        return build

    return register


def backbone(
    name: str, *, contract: Contract, feature_width: int, gradcam_layer: str, imagenet_file: str = "", paper: str = ""
) -> Callable[[Builder], Builder]:
    """Register a builder of a Keras backbone."""
    return detector(
        name,
        family="backbone",
        options=BackboneOptions,
        contract=contract,
        feature_width=feature_width,
        gradcam_layer=gradcam_layer,
        imagenet_file=imagenet_file,
        paper=paper,
    )


def parameters_of(name: str) -> int:
    """Weights of a backbone without head, as counted once (parameters.csv); tests count them again."""
    return _counted()[name]


def parameters_with_head(name: str, widths: tuple[int, ...] = BackboneOptions().head) -> int:
    """Weights of a backbone with dense layers and a sigmoid on its pooled features."""
    sizes = [int(detector_spec(name).feature_width or 0), *widths, 1]
    return parameters_of(name) + sum(one * other + other for one, other in pairwise(sizes))


@cache
def _counted() -> dict[str, int]:
    text = files("medfake.detectors.backbone").joinpath("parameters.csv").read_text(encoding="utf-8")
    return {row["name"]: int(row["parameters"]) for row in csv.DictReader(text.splitlines())}


def detector_names(pattern: str = "*") -> list[str]:
    """Names that match a shell pattern, sorted."""
    _load()
    return sorted(fnmatch.filter(_SPECS, pattern))


def detector_spec(name: str) -> DetectorSpec:
    """Facts about a detector.

    Raises:
        UnknownDetectorError: No detector has this name; a near match is told.
    """
    _load()
    if name not in _SPECS:
        raise UnknownDetectorError(
            "no detector has this name", where="detectors in params.yaml", received=name,
            remedy=f"choose one{did_you_mean(name, _SPECS)}; known: {', '.join(sorted(_SPECS))}",
        )  # fmt: skip
    return _SPECS[name]


def validate_options(name: str, values: Mapping[str, Any]) -> Section:
    """Options of a detector out of its block in params.yaml.

    Raises:
        UnknownDetectorError: No detector has this name.
        ConfigError: A wrong key, type or value; the full key is named.
    """
    return validate(detector_spec(name).options, dict(values), "params.yaml", ("detectors", name))


def _load() -> None:
    """Import the modules that register something; they import Keras and scikit-learn inside their functions."""
    from medfake.detectors import backbone
    from medfake.detectors.classical import models  # noqa: F401  # registers its detectors
    from medfake.detectors.forensic import residual_cnn  # noqa: F401  # registers its detectors

    for module in pkgutil.iter_modules(backbone.__path__):
        import_module(f"{backbone.__name__}.{module.name}")
