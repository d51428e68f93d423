"""What trainings of a detector take, estimated before they begin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

START_S: Final = 30.0  # imports, export and storing, once a training
BACKWARD: Final = 3.0  # a training step takes as long as so many forward passes


@dataclass(frozen=True)
class SplitSizes:
    """Slices of a data set, by split.

    Attributes:
        train: To learn from.
        val: To choose on.
        test: To measure on.
        rows: Of a stored slice, px.
        cols: Likewise.
    """

    train: float
    val: float
    test: float
    rows: int = 512
    cols: int = 512

    @property
    def all(self) -> float:
        """Of all splits."""
        return self.train + self.val + self.test


@dataclass(frozen=True)
class Memory:
    """What a training that learns from pixels needs, and what it is allowed.

    Attributes:
        needed_bytes: To learn from all training slices.
        limit_bytes: That its options allow.
        slices: Training slices that it learns from within the limit.
    """

    needed_bytes: float
    limit_bytes: float
    slices: int


@dataclass(frozen=True)
class Cost:
    """Of one detector on one data set.

    Attributes:
        training_bytes: That a training leaves behind.
        training_s: Seconds of one training; None where nothing was measured.
        shared_bytes: Left behind once for all seeds.
        shared_s: Seconds of what is done once for all seeds.
        slices_per_s: Measured forward pass; None where nothing was measured.
        memory: That a training takes; None where nothing is known of it.
    """

    training_bytes: float
    training_s: float | None = None
    shared_bytes: float = 0.0
    shared_s: float = 0.0
    slices_per_s: float | None = None
    memory: "Memory | None" = None

    def seconds(self, trainings: int) -> float | None:
        """Of some trainings with what they share; None where nothing was measured."""
        return None if self.training_s is None else self.shared_s + trainings * self.training_s

    def bytes(self, trainings: int) -> float:
        """That some trainings leave behind with what they share."""
        return self.shared_bytes + trainings * self.training_bytes


Estimate = Callable[[SplitSizes], Cost]
