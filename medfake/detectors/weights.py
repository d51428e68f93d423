"""Where a backbone's weights come from: ImageNet, a file, or nowhere; never silently random ones."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medfake.detectors.registry import DetectorSpec
from medfake.errors import WeightsError
from medfake.files import sha256_file

DOWNLOAD_VARIABLE = "MEDFAKE_ALLOW_DOWNLOAD"


@dataclass(frozen=True)
class Weights:
    """What a backbone was initialised with; `sha256` is None for "none"."""

    kind: str
    sha256: str | None


def build_backbone(spec: DetectorSpec, input_shape: tuple[int, int, int], weights: str) -> tuple[Any, Weights]:
    """Build a backbone with its weights.

    Args:
        spec: Of the backbone.
        input_shape: (rows, cols, 3).
        weights: "imagenet", "none" or a path.

    Raises:
        WeightsError: The file is missing or does not fit; or ImageNet weights are not here and may not be fetched.
    """
    if weights == "none":
        return spec.build(input_shape, None), Weights("none", None)
    path = _imagenet_file(spec) if weights == "imagenet" else Path(weights)
    if not path.is_file():
        raise WeightsError(
            "the weights file is missing", where=path,
            remedy=f"put it there, or set detectors.{spec.name}.weights to none (random) or to another file",
        )  # fmt: skip
    try:
        return spec.build(input_shape, str(path)), Weights(
            weights if weights == "imagenet" else "file", sha256_file(path)
        )
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            "the weights file does not fit this backbone", where=path, received=type(error).__name__,
            remedy=f"give the no-top weights of {spec.name}",
        ) from None  # fmt: skip


def _imagenet_file(spec: DetectorSpec) -> Path:
    """The no-top ImageNet file in Keras' cache; fetched only when MEDFAKE_ALLOW_DOWNLOAD=1 says so."""
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    stem = "".join(character for character in spec.name.lower() if character.isalnum())
    found = [
        path for path in sorted(cache.glob("*"))
        if "no" in path.name.lower() and "top" in path.name.lower()
        and stem in "".join(character for character in path.name.lower() if character.isalnum())
    ]  # fmt: skip
    if found:
        return found[0]
    if os.environ.get(DOWNLOAD_VARIABLE) == "1":
        spec.build((224, 224, 3), "imagenet")
        return _imagenet_file_after_download(cache, spec)
    raise WeightsError(
        "ImageNet weights are not on this machine, and nothing is downloaded unless you ask for it",
        where=cache,
        received=f"no file for {spec.name}",
        remedy=f"{DOWNLOAD_VARIABLE}=1 dvc repro, or put the no-top weights file there, or set its path",
    )


def _imagenet_file_after_download(cache: Path, spec: DetectorSpec) -> Path:
    newest = max(cache.glob("*"), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise WeightsError("the download left no file", where=cache, received=spec.name)
    return newest
