"""Adversarial training: part of every batch is what the network, as it stands, gets most wrong nearby.

Changes are whole Hounsfield units along the sign of the gradient, made anew for every batch, as in Goodfellow et al.
2015 with one step and Madry et al. 2018 with several. Gowda et al. (the survey of deepfakes in medical images) claim
robustness to adversarial attacks and print no figure; whether it helps is measured by stage `robustness`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import Section
from medfake.tamper.attacks import fgsm, pgd
from medfake.training.input_gradient import InputGradient
from medfake.training.phase import Batch, TrainingBatches
from medfake.training.precision import Precision


class Adversarial(Section):
    """The block `adversarial` of a network in params.yaml."""

    epsilon_hu: Annotated[int, Field(ge=1, le=50)] = Field(default=2, description="by how much a pixel may change")
    steps: Annotated[int, Field(ge=1, le=20)] = Field(default=1, description="1 for FGSM, more for PGD")
    share: Annotated[float, Field(gt=0, le=1)] = Field(default=0.5, description="of every batch that is attacked")


def slower(adversarial: Adversarial | None) -> float:
    """How many times as long a step takes: every step of an attack is a forward and a backward pass of its share."""
    return 1.0 if adversarial is None else 1.0 + adversarial.steps * adversarial.share


@dataclass(frozen=True)
class AdversarialBatches:
    """Batches whose first rows are attacked; rows come in an order of chance, so that those are any.

    Seed and epoch decide all chance, so that a resumed training sees the same.

    Attributes:
        batches: Of (slices, rows, cols) int16 HU, labels as the loss takes them, and weights where there are any.
        options: How strong, and how many.
        gradient: Of the network in training.
        seed: Of the training.
    """

    batches: TrainingBatches
    options: Adversarial
    gradient: InputGradient
    seed: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; each is attacked when it is taken, through the weights of that moment."""
        rng = np.random.default_rng([self.seed, number])
        for inputs, labels, *rest in self.batches.epoch(number):
            yield self._attacked(inputs, labels, rng), labels, *rest

    def position(self) -> Mapping[str, Any]:
        """That of the batches."""
        return self.batches.position()

    def restore(self, position: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.batches.restore(position)

    def _attacked(self, inputs: NDArray[np.int16], labels: NDArray[Any], rng: Generator) -> NDArray[np.int16]:
        count = max(1, round(self.options.share * len(inputs)))
        some = labels[:count]

        def gradient(hu: NDArray[np.int16]) -> NDArray[np.float32]:
            return self.gradient(hu, some)

        epsilon_hu, steps = self.options.epsilon_hu, self.options.steps
        if steps == 1:
            changed = fgsm(inputs[:count], epsilon_hu, gradient)
        else:
            changed = pgd(inputs[:count], epsilon_hu, gradient, rng, steps)
        return np.concatenate([changed, inputs[count:]])


def against_attacks(batches: TrainingBatches, options: Adversarial | None, model: Any, seed: int) -> TrainingBatches:
    """The batches of a compiled model, attacked where its options say so."""
    if options is None:
        return batches
    return AdversarialBatches(batches, options, InputGradient(model, model.loss), seed)


def refuse_lost_gradients(adversarial: Adversarial | None, precision: Precision) -> None:
    """Refuse attacks in a precision that may turn out as float16.

    Raises:
        ValueError: It may, and gradients of pixels would be 0.
    """
    if adversarial is not None and precision in ("mixed", "mixed_float16"):
        message = "adversarial needs precision float32 or mixed_bfloat16: in mixed_float16 gradients of pixels are 0"
        raise ValueError(message)
