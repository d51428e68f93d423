"""What somebody can do who holds the detector itself: changes too small to see, along its own gradient.

No scanner and no archive does that. Figures after it say how little would have to change, not what happens by itself.
"""

from medfake.errors import TrainingError
from medfake.robustness.registry import Given, Gradient, Needs, Scale, Slice, graded
from medfake.tamper import attacks

_SCALE = Scale(unit="HU that each pixel may change", least=1, most=50, usual=(1, 2, 4), whole=True)


@graded("fgsm", says="one step along the gradient (FGSM)", scale=_SCALE, needs=Needs.GRADIENT)
def one_step(given: Given, severity: float) -> Slice:
    """Change every pixel by so many HU at once."""
    return attacks.fgsm(given.hu, int(severity), _gradient(given))


@graded("pgd", says="several steps along the gradient (PGD)", scale=_SCALE, needs=Needs.GRADIENT)
def several_steps(given: Given, severity: float) -> Slice:
    """Change pixels step by step, by so many HU at most."""
    return attacks.pgd(given.hu, int(severity), _gradient(given), given.rng)


def _gradient(given: Given) -> Gradient:
    if given.gradient is None:
        raise TrainingError("an attack needs the gradient of a network")
    return given.gradient
