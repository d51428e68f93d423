"""Families of detectors, by name: each registers how its detectors are trained and what else sets it apart."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from medfake.by_name import Registry
from medfake.config import Section
from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.cost import Estimate
from medfake.detectors.last_maps import LastMaps
from medfake.detectors.registry import DetectorSpec
from medfake.training.precision import SINGLE
from medfake.training.trained import Trained

Spec = TypeVar("Spec", bound=DetectorSpec)
Options = TypeVar("Options", bound=Section)


class Family(ABC, Generic[Spec, Options]):
    """What detectors of one kind have in common.

    Attributes:
        network: Whether its detectors are networks: these load Keras and have use for a GPU.
        convolutional: Whether they are networks of convolutions whose last maps Grad-CAM can weigh.
    """

    network: ClassVar[bool]
    convolutional: ClassVar[bool] = False

    @abstractmethod
    def fit(self, context: TrainingContext[Spec, Options]) -> Trained:
        """Train a detector; learnt from train, chosen on val, and test is not looked at.

        Raises:
            TrainingError: It cannot be built or trained.
        """

    @abstractmethod
    def estimate(self, spec: Spec, options: Options) -> Estimate:
        """What its trainings will take on this machine, after a few seconds of measuring where that says something."""

    def prepare(self, spec: Spec, options: Options, dataset: Dataset, folder: Path) -> str:
        """Store what trainings with any seed share; most families share nothing.

        Args:
            spec: Of the detector.
            options: From params.yaml.
            dataset: All its splits.
            folder: To fill.

        Returns:
            A sentence that says what was done.
        """
        del options, dataset
        folder.mkdir(parents=True, exist_ok=True)  # the matrix of stages has one for every detector
        return f"{spec.name} learns from pixels and has no features"

    def features_key(self, options: Options) -> str | None:
        """Stands for all options that what `prepare` stores depends on; None where it stores nothing."""
        del options
        return None

    def policy(self, options: Options) -> str:
        """What its trainings compute in, as Keras names it; most families know single precision alone."""
        del options
        return SINGLE

    def weights_sha256(self, spec: Spec, options: Options) -> str | None:
        """Of the file that a training begins with; None where it begins with none.

        Raises:
            WeightsError: The file is missing.
        """
        del spec, options
        return None

    def last_maps(self, spec: Spec, package: Path) -> LastMaps:
        """A stored detector cut behind its last maps; asked only of families that are `convolutional`.

        Args:
            spec: Of the detector.
            package: Its folder.

        Raises:
            ManifestError: There is no detector.keras there, or it has no such maps.
        """
        raise NotImplementedError(f"{type(self).__name__} is convolutional and does not say where its networks are cut")


FAMILIES: Registry[Family[Any, Any]] = Registry(
    "detector family", room="medfake.detectors", where="a detector's family"
)
Class = TypeVar("Class", bound=type[Family[Any, Any]])


def family(name: str) -> Callable[[Class], Class]:
    """Register a family under the name that its detectors give.

    Example:
        >>> import medfake
        >>> from medfake.detectors.cost import Cost
        >>> from medfake.detectors.families import FAMILIES, Family
        >>> from medfake.training.trained import Trained
        >>> @medfake.family("rules")
        ... class Rules(Family):
        ...     '''Rules that somebody wrote down as an ONNX graph: nothing is learnt.'''
        ...     network = False
        ...     def fit(self, context):
        ...         return Trained(save=context.spec.build(context.options), parameters=None)
        ...     def estimate(self, spec, options):
        ...         return lambda sizes: Cost(training_bytes=1e5, training_s=1.0)
        >>> "rules" in FAMILIES
        True
    """

    def register(cls: Class) -> Class:
        FAMILIES.add(name, cls(), cls)
        return cls

    return register


def family_of(spec: DetectorSpec) -> Family[Any, Any]:
    """The family that trains a detector.

    Raises:
        ConfigError: No family has the name that the detector gives.
    """
    return FAMILIES[spec.family]
