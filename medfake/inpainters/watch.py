"""Whether a training goes well: looks at held-out places every so many steps, and when to stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

FAR_OFF: Final = 5.0
"""Times the trivial fill's difference, from which on a training has come apart."""
MUCH_WORSE: Final = 2.0
"""Times the best difference, from which on a look is not good."""
_TOLD_APART = 0.02  # loss of a discriminator that is never wrong; then the generator learns nothing of it
_COLLAPSED_LOOKS = 4  # in succession; it may pass
_WORSE_LOOKS = 10  # in succession: short trainings go up and down


@dataclass
class Watch:
    """What the looks at a training have shown.

    Attributes:
        trivial_hu: Difference of the trivial fill over the held-out holes; what is worse is no inpainter.
        best_hu: Least difference of a look; infinite before the first good one.
        good_hu: Of the last look that was good.
        good_step: Steps done at it; 0 before there was any.
    """

    trivial_hu: float
    best_hu: float = float("inf")
    good_hu: float = float("inf")
    good_step: int = 0
    _worse: int = field(default=0)
    _collapsed: int = field(default=0)

    def look(self, step: int, difference_hu: float, losses: Mapping[str, float]) -> str | None:
        """Take in one look.

        Args:
            step: Steps done.
            difference_hu: Mean absolute difference over the held-out holes.
            losses: Means since the look before, by name; "discriminator" where there is one.

        Returns:
            Why the training is to be stopped; None where it may go on.
        """
        numbers = {"held-out difference": difference_hu, **losses}
        broken = [name for name, value in numbers.items() if not np.isfinite(value)]
        if broken:
            return f"{broken[0]} is no finite number"
        told = f"held-out difference {difference_hu:.1f} HU"
        if difference_hu > FAR_OFF * self.trivial_hu:
            return f"{told} is more than {FAR_OFF:g} times the trivial fill's, {self.trivial_hu:.1f} HU"
        better = difference_hu < self.trivial_hu
        self.best_hu = min(self.best_hu, difference_hu)
        if better and difference_hu <= MUCH_WORSE * self.best_hu:
            self.good_hu, self.good_step, self._worse = difference_hu, step, 0
        elif self.good_step:
            self._worse += 1
        if self._worse >= _WORSE_LOOKS:
            return (
                f"{told} stays worse than the trivial fill's, {self.trivial_hu:.1f} HU, or than {MUCH_WORSE:g} times "
                f"the best, {self.best_hu:.1f} HU"
            )
        self._collapsed = self._collapsed + 1 if losses.get("discriminator", 1.0) < _TOLD_APART else 0
        if self._collapsed >= _COLLAPSED_LOOKS:
            return "the discriminator is never wrong any more, so that the generator learns nothing of it"
        return None

    def is_good(self, step: int) -> bool:
        """Whether the look at this step was good."""
        return step == self.good_step and step > 0

    def position(self) -> dict[str, Any]:
        """What must be known to go on; values that JSON knows."""
        return {
            name: None if value == float("inf") else value for name, value in vars(self).items() if name != "trivial_hu"
        }

    def restore(self, position: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name, value in position.items():
            setattr(self, name, float("inf") if value is None else value)
