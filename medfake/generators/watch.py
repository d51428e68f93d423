"""Whether a GAN goes well: a look every so many epochs, and when to stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

LARGEST_LOSS: Final = 50.0
"""Of either network. A discriminator that is sure of everything costs a generator some 10; beyond, weights grow."""
ALIKE: Final = 0.4
"""Distance between two samples, as a share of that between two real slices, below which samples are alike."""
NEVER_WRONG: Final = 0.9995
"""Share of slices told rightly, mean since the look before, from which on a discriminator is never wrong."""
MUCH_WORSE: Final = 1.5
"""Times the least distance, from which on a look is not good."""
_LOOKS = 4  # in succession that show samples alike, or a discriminator never wrong: either may pass


@dataclass
class Watch:
    """What the looks at a training have shown.

    Attributes:
        floor: Distance between real slices of different patients, below which nothing needs to come.
        warm_epochs: In which samples may be alike: a generator begins so.
        best: Least distance of a look; infinite before the first.
        good: Distance of the last look that was good.
        good_epoch: Epochs done at it; 0 before there was any.
    """

    floor: float
    warm_epochs: int = 0
    best: float = float("inf")
    good: float = float("inf")
    good_epoch: int = 0
    _alike: int = field(default=0)
    _never_wrong: int = field(default=0)

    def look(self, epoch: int, distance: float, spread: float, losses: Mapping[str, float]) -> str:
        """Take in one look.

        Args:
            epoch: Epochs done.
            distance: Of samples to real slices that were held out.
            spread: Distance between two samples as a share of that between two real slices.
            losses: Means since the look before: generator_loss, discriminator_loss, told_real, told_made.

        Returns:
            Why the training is to be stopped; "" where it may go on.
        """
        reason = self.diverged(losses) or ("" if np.isfinite([distance, spread]).all() else "samples are no numbers")
        if reason:
            return reason
        alike = spread < ALIKE
        if not alike:
            self.best = min(self.best, distance)
            if distance <= max(MUCH_WORSE * self.best, self.floor, 0.0):  # an unbiased distance may fall below 0
                self.good, self.good_epoch = distance, epoch
        self._alike = self._alike + 1 if alike and epoch > self.warm_epochs else 0
        if self._alike >= _LOOKS:
            return (
                f"it collapsed: samples are alike, {spread:.2f} of the distance between real slices lies between them "
                f"at {_LOOKS} looks in succession"
            )
        told = min(losses["told_real"], losses["told_made"])
        self._never_wrong = self._never_wrong + 1 if told >= NEVER_WRONG else 0
        if self._never_wrong >= _LOOKS:
            return f"the discriminator was not wrong once in {_LOOKS} looks, so that the generator learns nothing of it"
        return ""

    def diverged(self, losses: Mapping[str, float]) -> str:
        """Why losses of an epoch mean that the training has come apart; "" where they do not."""
        for name in ("generator_loss", "discriminator_loss"):
            told = name.replace("_", " ")
            if not np.isfinite(losses[name]):
                return f"it diverged: the {told} is no number"
            if losses[name] > LARGEST_LOSS:
                return f"it diverged: the {told} is {losses[name]:.3g}, above {LARGEST_LOSS:g}"
        return ""

    def is_good(self, epoch: int) -> bool:
        """Whether the look after this epoch was good."""
        return 0 < epoch == self.good_epoch

    def position(self) -> dict[str, Any]:
        """What must be known to go on; values that JSON knows."""
        fixed = ("floor", "warm_epochs")
        kept = {name: value for name, value in vars(self).items() if name not in fixed}
        return {name: None if value == float("inf") else value for name, value in kept.items()}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name, value in position.items():
            setattr(self, name, float("inf") if value is None else value)
