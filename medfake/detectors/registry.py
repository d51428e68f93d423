"""What can be trained, by name; one decorated function adds one. Importing this loads no TensorFlow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medfake.by_name import Registry
from medfake.config import Section, validate
from medfake.errors import UnknownDetectorError

Builder = Callable[..., Any]  # returns a Keras model without top, or a scikit-learn estimator


@dataclass(frozen=True)
class DetectorSpec:
    """What is known of a detector before it is built.

    Attributes:
        family: Name of the family that trains it.
        options: Model of its block in params.yaml.
        build: Of the network or the model, as its family calls it.
        localises: Whether it names the places that it finds.
        paper: That has it and prints figures, "" for none; the first where several have.
    """

    name: str
    family: str
    options: type[Section]
    build: Builder
    localises: bool = False
    paper: str = ""


DETECTORS: Registry[DetectorSpec] = Registry(
    "detector", room="medfake.detectors", where="detectors in params.yaml", error=UnknownDetectorError
)


def detector(name: str, *, family: str, options: type[Section], **facts: Any) -> Callable[[Builder], Builder]:
    """Register a builder as a detector of a family.

    Example:
        >>> import medfake
        >>> from medfake.detectors.classical.options import RandomForestOptions
        >>> @medfake.detector("ShallowForest", family="classical", options=RandomForestOptions)
        ... def shallow_forest(options, seed):
        ...     from sklearn.ensemble import RandomForestClassifier
        ...     return RandomForestClassifier(options.trees, max_depth=3, random_state=seed)
        >>> shallow_forest(RandomForestOptions(trees=10), seed=1)
        RandomForestClassifier(max_depth=3, n_estimators=10, random_state=1)
    """

    def register(build: Builder) -> Builder:
        DETECTORS.add(name, DetectorSpec(name, family, options, build, **facts), build)
        return build

    return register


def detector_names(pattern: str = "*") -> list[str]:
    """Names that match a shell pattern, sorted."""
    return DETECTORS.names(pattern)


def detector_spec(name: str) -> DetectorSpec:
    """Facts about a detector.

    Raises:
        UnknownDetectorError: No detector has this name; a near match is told.
    """
    return DETECTORS[name]


def validate_options(name: str, values: Mapping[str, Any]) -> Section:
    """Options of a detector out of its block in params.yaml.

    Raises:
        UnknownDetectorError: No detector has this name.
        ConfigError: A wrong key, type or value; the full key is named.
    """
    return validate(detector_spec(name).options, dict(values), "params.yaml", ("detectors", name))
