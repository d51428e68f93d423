"""One phase of a network's training: epochs of batches, best validation loss kept, able to go on after a kill."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medfake.training.hardware import device_count
from medfake.training.pace import Pace, read_ahead
from medfake.training.run_state import RunState, pack, unpack
from medfake.training.trained import OnEpoch

Rows = NDArray[np.intp]
Batch = tuple[NDArray[Any], ...]  # inputs, labels, and weights where devices share it


@dataclass(frozen=True)
class BatchSource:
    """One split for one phase.

    Attributes:
        take: Inputs of some rows, an array with them in front.
        labels: (rows,) of what the loss takes.
        batch_size: Rows shown at a time.
    """

    take: Callable[[Rows], NDArray[Any]]
    labels: NDArray[Any]
    batch_size: int

    def batches(self, order: Rows) -> Iterator[Batch]:
        """Inputs and labels of rows in an order, batch by batch, read ahead.

        Where several devices share a batch every one takes as many rows: what is missing is filled up with rows that
        weigh nothing, and weights come third.
        """
        devices = device_count()  # asked here: Keras tells the thread that reads ahead of none
        starts = range(0, len(order), self.batch_size)
        return read_ahead(self._batch(order[at : at + self.batch_size], devices) for at in starts)

    def _batch(self, rows: Rows, devices: int) -> Batch:
        if devices == 1:
            return self.take(rows), self.labels[rows]
        missing = -len(rows) % devices
        filled = np.concatenate([rows, np.repeat(rows[:1], missing)])
        weights = np.concatenate([np.ones(len(rows), np.float32), np.zeros(missing, np.float32)])
        return self.take(filled), self.labels[filled], weights


class TrainingBatches(Protocol):
    """What a phase learns from."""

    def epoch(self, number: int) -> Iterable[Batch]:
        """Inputs and labels of an epoch, batch by batch; numbers count through all phases, from 0."""

    def position(self) -> Mapping[str, Any]:
        """What must be known to go on after the epochs so far; values that JSON knows."""

    def restore(self, position: Mapping[str, Any]) -> None:
        """Go on from there."""


@dataclass(frozen=True)
class ShuffledRows:
    """Every row once an epoch; seed and epoch decide the order, so that a resumed training sees the same."""

    source: BatchSource
    seed: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """All rows, in an order of this epoch's own."""
        order = np.random.default_rng((self.seed, number)).permutation(len(self.source.labels))
        return self.source.batches(order)

    def position(self) -> Mapping[str, Any]:
        """Nothing: the epoch says it all."""
        return {}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Nothing to do."""


@dataclass(frozen=True)
class Phase:
    """What a phase is called and how long it is.

    Attributes:
        name: In the state on disk.
        epochs: How many.
        first_epoch: Epochs that earlier phases had; curves count on.
        start_counts: Whether the weights it begins with may be the best; those of a network from scratch may not, as
            its batch statistics say nothing yet.
    """

    name: str
    epochs: int
    first_epoch: int = 0
    start_counts: bool = True


def train_phase(
    model: Any,
    train: TrainingBatches,
    val: BatchSource,
    phase: Phase,
    state: RunState,
    on_epoch: OnEpoch,
    whole: Any = None,
) -> None:
    """Train a compiled model; at the end it has the weights with the lowest validation loss.

    Args:
        model: Keras model, compiled with an optimizer and a loss.
        train: Learnt from.
        val: Chooses the weights.
        phase: Name and epochs.
        state: Saved after an epoch when it is due; a training that stopped in this phase goes on from there.
        on_epoch: Told train_loss and val_loss of every epoch.
        whole: Keras model that `model` is a part of; what other phases did to its other parts is saved, too.
    """
    model.optimizer.build(model.trainable_variables)
    saved = state.restored(phase.name)
    if saved is None:
        done, best_weights = 0, model.get_weights()
        best = _loss(model, val) if phase.start_counts else float("inf")
    else:
        done, best = int(state.position["epoch"]), float(state.position["best"])
        best_weights = unpack(model, saved, whole)
        train.restore(state.position)
    for epoch in range(done, phase.epochs):
        train_loss = learn(model, train.epoch(phase.first_epoch + epoch), state.pace)
        val_loss = _loss(model, val)
        if val_loss < best:
            best, best_weights = val_loss, model.get_weights()
        on_epoch(phase.first_epoch + epoch + 1, {"train_loss": train_loss, "val_loss": val_loss})
        if state.due() or epoch + 1 == phase.epochs:
            position = {"phase": phase.name, "epoch": epoch + 1, "best": best, **train.position()}
            state.save(position, pack(model, best_weights, whole))
    model.set_weights(best_weights)


def learn(model: Any, batches: Iterable[Batch], pace: Pace | None = None) -> float:
    """One epoch; its mean loss. How long steps took and waited is added to a pace."""
    loss = float("nan")
    model.reset_metrics()
    for batch in (pace or Pace()).timed(batches):
        loss = float(model.train_on_batch(*batch))
    return loss


def _loss(model: Any, val: BatchSource) -> float:
    """Mean loss of a split."""
    loss = float("nan")
    model.reset_metrics()
    for batch in val.batches(np.arange(len(val.labels))):
        loss = float(model.test_on_batch(*batch))
    return loss
