"""The training of a DCGAN: epochs, looks at samples, the last good weights kept; it stops where it comes to nothing."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from medfake.errors import TrainingError
from medfake.generators.distances import Judge
from medfake.generators.features import features_of
from medfake.generators.gan import Gan
from medfake.generators.material import Pixels
from medfake.generators.watch import Watch
from medfake.progress import track
from medfake.training.run_state import RunState

_LOG = logging.getLogger(__name__)
SAMPLES: Final = 128
"""Of a look; the first of them are drawn."""
_PHASE = "epochs"
_ORDER, _STEPS, _LOOKS, _SETTLING = 1, 2, 3, 4  # streams of chance

Figures = Mapping[str, float]
OnEpoch = Callable[[int, Figures], None]
OnLook = Callable[[int, Pixels], None]


@dataclass(frozen=True)
class Schedule:
    """How long.

    Attributes:
        epochs: Planned.
        look_every: Epochs between two looks.
        seed: Of batches and their chance.
    """

    epochs: int
    look_every: int
    seed: int

    def looks(self, epoch: int) -> bool:
        """Whether there is a look after so many epochs."""
        return epoch % self.look_every == 0 or epoch == self.epochs


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        epochs: Done.
        kept_epoch: Epochs done when the weights that are kept were looked at.
        reason: Why it was stopped before its end; "" where it was not.
        curves: A row an epoch: epoch, losses, and what a look found where there was one.
    """

    epochs: int
    kept_epoch: int
    reason: str
    curves: list[dict[str, float]] = field(default_factory=list)


def train_gan(
    gan: Gan,
    slices: Pixels,
    nodule: NDArray[np.int32],
    judge: Judge,
    schedule: Schedule,
    state: RunState,
    name: str,
    on_epoch: OnEpoch = lambda *_: None,
    on_look: OnLook = lambda *_: None,
) -> Outcome:
    """Train; at the end the generator has the averaged weights of the last good look.

    A look is good where samples differ from each other and are no farther from held-out slices than 1.5 times the least
    distance so far, or than two halves of the real patients are from each other. See `Watch` for what stops a training.

    Args:
        gan: With its first weights.
        slices: (n, size, size, 1), -1..1.
        nodule: (n, 1), 0 or 1.
        judge: Of samples.
        schedule: Epochs.
        state: Saved every few seconds; a training that was cut short goes on from there, with the same figures.
        name: For messages: its key under `generators`.
        on_epoch: Told the epochs done and the epoch's losses, with kid, fid and spread where there was a look.
        on_look: Told the epochs done and the samples of a look, (128, size, size, 1).

    Raises:
        TrainingError: No look was good.
    """
    watch = Watch(judge.floor or 0.0, schedule.epochs // 4)
    good: list[Any] = []
    curves: list[dict[str, float]] = []
    saved = state.restored(_PHASE)
    if saved is not None:
        good = saved.pop("good", [])
        gan.restore(saved)
        watch.restore(state.position["watch"])
        curves = list(state.position["curves"])
    reason = ""
    for epoch in track(range(len(curves) + 1, schedule.epochs + 1), f"training {name}", schedule.epochs - len(curves)):
        figures = _epoch(gan, slices, nodule, schedule.seed, epoch)
        curves.append({"epoch": epoch, **figures})
        reason = watch.diverged(figures)
        if schedule.looks(epoch) and not reason:
            weights, samples = look(gan, schedule.seed)
            found = _judged(judge, samples)
            curves[-1] |= found
            reason = watch.look(epoch, found["kid"], found["spread"], _since_last_look(curves))
            if watch.is_good(epoch) and not reason:
                good = weights
            on_look(epoch, samples)
        on_epoch(epoch, {key: value for key, value in curves[-1].items() if key != "epoch"})
        if reason:
            break
        if state.due():
            position = {"phase": _PHASE, "watch": watch.position(), "curves": curves}
            state.save(position, {**gan.state(), "good": good})
    if not good:
        raise _never_good(name, reason, len(curves), watch)
    if reason:
        _LOG.warning(
            "%s stopped after %d of %d epochs: %s; the weights of epoch %d are kept",
            name, len(curves), schedule.epochs, reason, watch.good_epoch,
        )  # fmt: skip
    gan.generator.set_weights(good)
    return Outcome(len(curves), watch.good_epoch, reason, curves)


def look(gan: Gan, seed: int) -> tuple[list[Any], Pixels]:
    """The averaged weights, and samples that they make; the chance of every look is the same, classes take turns."""
    weights = gan.averaged(default_rng([seed, _SETTLING]))
    before = gan.generator.get_weights()
    gan.generator.set_weights(weights)
    samples = look_samples(gan, seed)
    gan.generator.set_weights(before)
    return weights, samples


def look_samples(gan: Gan, seed: int) -> Pixels:
    """The samples of a look as the generator stands, (128, size, size, 1)."""
    return gan.make(default_rng([seed, _LOOKS]), np.arange(SAMPLES, dtype=np.int32)[:, None] % 2)


def _epoch(gan: Gan, slices: Pixels, nodule: NDArray[np.int32], seed: int, epoch: int) -> dict[str, float]:
    """Every slice once, in an order of this epoch's own, but for those that fill no batch; means of the losses."""
    size = min(gan.options.batch_size, len(slices))
    order = default_rng([seed, _ORDER, epoch]).permutation(len(slices))
    told: list[dict[str, float]] = []
    for step in range(len(slices) // size):
        rows = order[step * size : (step + 1) * size]
        rng: Generator = default_rng([seed, _STEPS, epoch, step])
        told.append(gan.learn(slices[rows], nodule[rows], rng))
    return {key: float(np.mean([one[key] for one in told])) for key in told[0]}


def _judged(judge: Judge, samples: Pixels) -> dict[str, float]:
    if not np.isfinite(samples).all():
        return dict.fromkeys(("kid", "fid", "spread"), float("nan"))
    features = features_of(samples)
    return {"kid": judge.kid(features), "fid": judge.fid(features), "spread": judge.spread(features)}


def _since_last_look(curves: list[dict[str, float]]) -> dict[str, float]:
    """Means of the losses since the look before the one that was just taken."""
    rows = [curves[-1]]
    for row in reversed(curves[:-1]):
        if "kid" in row:
            break
        rows.append(row)
    names = ("generator_loss", "discriminator_loss", "told_real", "told_made")
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


def _never_good(name: str, reason: str, done: int, watch: Watch) -> TrainingError:
    best = "none" if watch.best == float("inf") else f"{watch.best:.3f}"
    return TrainingError(
        "the generator never made samples that differ and resemble real slices, so that nothing is kept",
        where=f"generators.{name}",
        received=f"{reason or 'samples are alike'} after {done} epochs; least distance {best}",
        remedy=f"lower generators.{name}.generator_rate and discriminator_rate" if reason
        else f"raise generators.{name}.epochs",
    )  # fmt: skip
