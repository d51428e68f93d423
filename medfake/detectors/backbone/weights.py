"""Where a backbone's weights come from: ImageNet, a file, or nowhere; never silently random ones."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medfake.detectors.backbone.spec import BackboneSpec
from medfake.errors import WeightsError
from medfake.files import sha256_file

DOWNLOAD_VARIABLE = "MEDFAKE_ALLOW_DOWNLOAD"


@dataclass(frozen=True)
class Weights:
    """What a backbone is initialised with.

    Attributes:
        kind: "imagenet", "file" or "none", which is random.
        sha256: Of the file.
    """

    kind: str
    sha256: str | None
    path: Path | None = None


def find_weights(spec: BackboneSpec, weights: str) -> Weights:
    """What a backbone would be initialised with, before it is built.

    Args:
        spec: Of the backbone.
        weights: "imagenet", "none" or a path.

    Raises:
        WeightsError: The file is missing; or ImageNet weights are not here and may not be fetched.
    """
    if weights == "none":
        return Weights("none", None)
    path = _imagenet_file(spec) if weights == "imagenet" else Path(weights)
    if not path.is_file():
        raise WeightsError(
            "the weights file is missing", where=path,
            remedy=f"put it there, or set detectors.{spec.name}.weights to none (random) or to another file",
        )  # fmt: skip
    return Weights("imagenet" if weights == "imagenet" else "file", sha256_file(path), path)


def build_backbone(spec: BackboneSpec, input_shape: tuple[int, int, int], weights: Weights) -> Any:
    """Build a backbone with its weights, (slices, *input_shape) -> maps.

    Args:
        spec: Of the backbone.
        input_shape: (rows, cols, 3).
        weights: From `find_weights`.

    Raises:
        WeightsError: The file does not fit.
    """
    try:
        return spec.build(input_shape, str(weights.path) if weights.path else None)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            "the weights file does not fit this backbone", where=weights.path, received=type(error).__name__,
            remedy=f"give the no-top weights of {spec.name}",
        ) from None  # fmt: skip


def _imagenet_file(spec: BackboneSpec) -> Path:
    """The no-top ImageNet file in Keras' cache; fetched only when MEDFAKE_ALLOW_DOWNLOAD=1 says so."""
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    if not spec.imagenet_file:
        raise WeightsError(
            "there are no ImageNet weights for this backbone", where=f"detectors.{spec.name}.weights",
            remedy="set it to none (random) or to a file",
        )  # fmt: skip
    path = cache / spec.imagenet_file
    if not path.is_file() and os.environ.get(DOWNLOAD_VARIABLE) == "1":
        _fetch(spec, path)
    if not path.is_file():
        source = f" (from {spec.imagenet_source})" if spec.imagenet_source else ""
        raise WeightsError(
            "ImageNet weights are not on this machine, and nothing is downloaded unless you ask for it",
            where=path,
            received="no such file",
            remedy=f"{DOWNLOAD_VARIABLE}=1 dvc repro, or put the no-top weights file there{source}, or set its path",
        )
    return path


def _fetch(spec: BackboneSpec, path: Path) -> None:
    """Have Keras fetch the file into its cache."""
    try:
        spec.build((224, 224, 3), "imagenet")
    except Exception as error:  # Keras raises no narrower one where an address cannot be reached
        raise WeightsError(
            "ImageNet weights could not be fetched", where=path, received=str(error),
            remedy=f"try again, or put the no-top weights file of {spec.name} there",
        ) from error  # fmt: skip
