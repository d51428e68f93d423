"""Options of classical models, as they stand under `detectors.<name>` in params.yaml."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from medfake.config import Fraction, Positive
from medfake.datasets.dataset import Dataset
from medfake.detectors.grid_options import GridOptions

if TYPE_CHECKING:
    from pandas import DataFrame

    from medfake.detectors.classical.front import Front

PROCESS_GB: Final = 1.0
"""Of memory that a training takes besides pixels: interpreter, libraries, the model, its graph."""


class ClassicalOptions(GridOptions):
    """What every classical model takes.

    Attributes:
        memory_gb: Most memory that a training takes, 10^9 bytes; of training slices that would need more a sample is
            learnt from, the slices themselves before their copies.
        folds: Of patients, for the grid search and for the calibration of models that need one.
    """

    of_front: ClassVar[frozenset[str]] = frozenset()
    """Options on which the front depends: candidates of a search that agree in them share one."""

    memory_gb: Annotated[float, Field(gt=PROCESS_GB)] = 8.0

    @classmethod
    def searchable(cls) -> list[str]:
        """The model's own options."""
        return sorted(cls.model_fields.keys() - ClassicalOptions.model_fields.keys())

    @abstractmethod
    def columns(self, rows: int, cols: int) -> int:
        """Numbers that a model sees of a slice."""

    @abstractmethod
    def front(self, dataset: Dataset, learnt: "DataFrame", detector: str, seed: int) -> "Front":
        """What makes those numbers of the slices of a data set.

        Args:
            dataset: That it is for.
            learnt: Rows of its manifest that it may learn from.
            detector: Name, for errors.
            seed: Of what is drawn to learn from.

        Raises:
            TrainingError: It cannot, of slices of these sizes.
        """

    @property
    def bytes_per_number(self) -> float:
        """Of memory that a fit takes for each number of its slices: trees look at the float32 table itself."""
        return 4.5

    @property
    def bytes_per_pair(self) -> float:
        """Of memory that a fit takes for each pair of slices."""
        return 0.0


class PixelOptions(ClassicalOptions):
    """What every classical model on raw pixels takes (Solaiyappan and Wen, section 2).

    Attributes:
        pool: Edge in px of the squares that are averaged first; 1 is the paper's raw pixels.
    """

    of_front = frozenset({"pool"})

    pool: int = Field(default=4, ge=1)

    @classmethod
    def searchable(cls) -> list[str]:
        """The model's own options: what it sees is the same for all candidates."""
        return sorted(cls.model_fields.keys() - PixelOptions.model_fields.keys())

    def columns(self, rows: int, cols: int) -> int:
        """Pixels of a slice after pooling."""
        return rows // self.pool * (cols // self.pool)

    def front(self, dataset: Dataset, learnt: "DataFrame", detector: str, seed: int) -> "Front":
        """Averages of squares, of slices that are all of one size; nothing is learnt."""
        del learnt, seed
        from medfake.detectors.classical.pixels import pixel_front

        return pixel_front(self.pool, dataset, detector)


class RandomForestOptions(PixelOptions):
    """A random forest.

    Attributes:
        max_features: "sqrt", "log2" or a share of the pixels looked at in each split.
    """

    trees: int = Field(default=100, ge=1)
    max_depth: int | None = Field(default=None, ge=1)
    max_features: Literal["sqrt", "log2"] | Fraction = "sqrt"


class DecisionTreeOptions(PixelOptions):
    """One tree."""

    max_depth: int | None = Field(default=None, ge=1)
    min_samples_leaf: int = Field(default=1, ge=1)


class SVMOptions(PixelOptions):
    """A support vector machine; probabilities by Platt's sigmoid on held-out folds.

    Attributes:
        kernel: A linear one is stored as a plane; an rbf keeps its support vectors, each as large as a slice.
        c: Inverse strength of the regularisation.
        gamma: Of the rbf kernel: "scale" or a number, for pixels in units of 1000 HU.
    """

    kernel: Literal["linear", "rbf"] = "linear"
    c: Positive = 1.0
    gamma: Literal["scale"] | Positive = "scale"

    @property
    def bytes_per_number(self) -> float:
        """The table and a fold's copy; an rbf kernel has the copy and its support vectors in double precision, too."""
        return 8.5 if self.kernel == "linear" else 8.5 + 16

    @property
    def bytes_per_pair(self) -> float:
        """A linear kernel is known for all pairs at once."""
        return 9.0 if self.kernel == "linear" else 0.0
