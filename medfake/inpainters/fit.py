"""The training of an inpainter: steps, looks, the last good weights kept; it stops where it diverges."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.random import Generator, default_rng

from medfake.errors import TrainingError
from medfake.inpainters.material import Material, Values
from medfake.inpainters.watch import Watch
from medfake.progress import track
from medfake.training.run_state import RunState

_LOG = logging.getLogger(__name__)
LOOKS: Final = 20
"""In the whole training."""
_PHASE = "steps"
_BATCH = 8  # of a look
_STEPS, _LOOKS = 1, 2  # streams of chance


class Network(Protocol):
    """What is trained."""

    generator: Any
    """Keras model: hu, hole, wanted and the kind's chance -> HU."""

    def chance(self, rng: Generator, count: int) -> dict[str, Values]:
        """What makes two fillings of one hole differ, by name of the generator's input."""

    def learn(self, batch: Material, step: int, rng: Generator) -> dict[str, float]:
        """One step; losses by name."""

    def state(self) -> dict[str, list[Any]]:
        """Weights and optimizers, the generator's weights as "generator"."""

    def restore(self, groups: Mapping[str, list[Any]]) -> None:
        """Go on from there."""


@dataclass(frozen=True)
class Schedule:
    """How long, and how much at a time.

    Attributes:
        steps: Planned.
        batch_size: Places of a step.
        seed: Of batches and their chance.
    """

    steps: int
    batch_size: int
    seed: int

    @property
    def look_every(self) -> int:
        """Steps between two looks."""
        return max(1, self.steps // LOOKS)


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        steps: Done.
        kept_step: Steps done when the weights that are kept were looked at.
        reason: Why it was stopped before its end; "" where it was not.
        held_out_hu: Mean absolute difference of the kept weights over held-out holes.
        trivial_hu: The same of the trivial fill.
    """

    steps: int
    kept_step: int
    reason: str
    held_out_hu: float
    trivial_hu: float

    @property
    def diverged(self) -> bool:
        """Whether it was stopped."""
        return bool(self.reason)


def train_inpainter(
    network: Network,
    learned: Material,
    held_out: Material,
    schedule: Schedule,
    state: RunState,
    name: str,
    on_look: Callable[[int, Mapping[str, float]], None] = lambda *_: None,
) -> Outcome:
    """Train; at the end the generator has the weights of the last good look.

    A look is good where the held-out difference is less than that of the trivial fill and twice the best at most. A
    training that diverges, see `Watch`, is stopped, and the last good weights count.

    Args:
        network: With its first weights.
        learned: What is learnt from.
        held_out: What looks are taken at.
        schedule: Steps and batches.
        state: Saved every few seconds; a training that was cut short goes on from there, with the same figures.
        name: For messages: its key under `inpainters`.
        on_look: Told the steps done, and means of the losses since the look before with `held_out_hu`.

    Raises:
        TrainingError: No look was good.
    """
    watch = Watch(held_out.trivial_hu())
    done, good, reason = 0, [], ""
    losses: dict[str, list[float]] = defaultdict(list)
    saved = state.restored(_PHASE)
    if saved is not None:
        done, good = int(state.position["step"]), saved.pop("good", [])
        network.restore(saved)
        watch.restore(state.position["watch"])
        losses.update({key: list(values) for key, values in state.position["losses"].items()})
    for step in track(range(done, schedule.steps), f"training {name}", schedule.steps - done):
        rng = default_rng([schedule.seed, _STEPS, step])
        for key, value in network.learn(learned.draw(rng, schedule.batch_size), step, rng).items():
            losses[key].append(value)
        done = step + 1
        broken = not np.isfinite([values[-1] for values in losses.values()]).all()
        if done % schedule.look_every == 0 or done == schedule.steps or broken:
            means = {key: float(np.mean(values)) for key, values in losses.items()}
            losses.clear()
            difference = look(network, held_out, schedule.seed)
            reason = watch.look(done, difference, means) or ""
            if watch.is_good(done) and not reason:
                good = network.generator.get_weights()
            on_look(done, {**means, "held_out_hu": difference})
        if reason:
            break
        if state.due():
            position = {"phase": _PHASE, "step": done, "watch": watch.position(), "losses": dict(losses)}
            state.save(position, {**network.state(), "good": good})
    if not good:
        raise _never_good(name, reason, done, watch)
    if reason:
        _LOG.warning(
            "%s diverged after %d of %d steps: %s; the weights of step %d are kept",
            name, done, schedule.steps, reason, watch.good_step,
        )  # fmt: skip
    network.generator.set_weights(good)
    return Outcome(done, watch.good_step, reason, watch.good_hu, watch.trivial_hu)


def look(network: Network, held_out: Material, seed: int) -> float:
    """Mean absolute difference over the held-out holes, HU; the chance of every look is the same."""
    return held_out.difference_hu(fill(network, held_out, default_rng([seed, _LOOKS])))


def fill(network: Network, material: Material, rng: Generator) -> Values:
    """What the generator makes of places, HU."""
    given = {**material.inputs(), **network.chance(rng, len(material))}
    parts = []
    for at in range(0, len(material), _BATCH):
        inputs = [given[one.name][at : at + _BATCH] for one in network.generator.inputs]
        parts.append(np.asarray(network.generator(inputs, training=False)))
    made: Values = np.concatenate(parts)
    return made


def _never_good(name: str, reason: str, done: int, watch: Watch) -> TrainingError:
    best = "none" if watch.best_hu == float("inf") else f"{watch.best_hu:.1f} HU"
    return TrainingError(
        "the inpainter never came nearer to what was there than the mean of the lung around, so that nothing is kept",
        where=f"inpainters.{name}",
        received=f"{reason or 'no divergence'} after {done} steps; best {best}, the mean {watch.trivial_hu:.1f} HU",
        remedy=f"lower inpainters.{name}.learning_rate" if reason else f"raise inpainters.{name}.steps",
    )
