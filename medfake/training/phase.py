"""One phase of a network's training: epochs of batches, best validation loss kept, able to go on after a kill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.training.hardware import device_count
from medfake.training.run_state import RunState, pack, unpack
from medfake.training.trained import OnEpoch

Rows = NDArray[np.intp]


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

    def batch(self, rows: Rows) -> tuple[NDArray[Any], ...]:
        """Inputs and labels of some rows; where several devices share a batch also weights.

        Every device takes as many rows: what is missing is filled up with rows that weigh nothing.
        """
        devices = device_count()
        if devices == 1:
            return self.take(rows), self.labels[rows]
        missing = -len(rows) % devices
        filled = np.concatenate([rows, np.repeat(rows[:1], missing)])
        weights = np.concatenate([np.ones(len(rows), np.float32), np.zeros(missing, np.float32)])
        return self.take(filled), self.labels[filled], weights


@dataclass(frozen=True)
class Phase:
    """What a phase is called and how long it is.

    Attributes:
        name: In the state on disk.
        epochs: How many.
        first_epoch: Epochs that earlier phases had; curves count on.
        seed: With the epoch it decides the order of rows, so that a resumed training sees the same.
    """

    name: str
    epochs: int
    first_epoch: int
    seed: int


def train_phase(
    model: Any, train: BatchSource, val: BatchSource, phase: Phase, state: RunState, on_epoch: OnEpoch
) -> None:
    """Train a compiled model; at the end it has the weights with the lowest validation loss, the first included.

    Args:
        model: Keras model, compiled with an optimizer and a loss.
        train: Learnt from.
        val: Chooses the weights.
        phase: Name, epochs, seed.
        state: Saved after an epoch when it is due; a training that stopped in this phase goes on from there.
        on_epoch: Told train_loss and val_loss of every epoch.
    """
    model.optimizer.build(model.trainable_variables)
    saved = state.restored(phase.name)
    if saved is None:
        done, best, best_weights = 0, _loss(model, val), model.get_weights()
    else:
        done, best = int(state.position["epoch"]), float(state.position["best"])
        best_weights = unpack(model, saved)
    for epoch in range(done, phase.epochs):
        train_loss = _learn(model, train, np.random.default_rng((phase.seed, phase.first_epoch + epoch)))
        val_loss = _loss(model, val)
        if val_loss < best:
            best, best_weights = val_loss, model.get_weights()
        on_epoch(phase.first_epoch + epoch + 1, {"train_loss": train_loss, "val_loss": val_loss})
        if state.due() or epoch + 1 == phase.epochs:
            state.save({"phase": phase.name, "epoch": epoch + 1, "best": best}, pack(model, best_weights))
    model.set_weights(best_weights)


def _learn(model: Any, train: BatchSource, rng: np.random.Generator) -> float:
    """One epoch; its mean loss."""
    order, loss = rng.permutation(len(train.labels)), float("nan")
    model.reset_metrics()
    for at in range(0, len(order), train.batch_size):
        loss = float(model.train_on_batch(*train.batch(order[at : at + train.batch_size])))
    return loss


def _loss(model: Any, val: BatchSource) -> float:
    """Mean loss of a split."""
    loss = float("nan")
    model.reset_metrics()
    for at in range(0, len(val.labels), val.batch_size):
        loss = float(model.test_on_batch(*val.batch(np.arange(at, min(at + val.batch_size, len(val.labels))))))
    return loss
