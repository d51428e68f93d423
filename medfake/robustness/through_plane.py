"""What thick slices do: along z a slab is averaged."""

from medfake.errors import DataError
from medfake.robustness.registry import Given, Needs, Scale, Slice, graded
from medfake.tamper import degradations


@graded(
    "thick-slices",
    says="averaged along z",
    scale=Scale(unit="mm of thickness along z", least=0.1, most=30, usual=(2.5, 5, 10)),
    needs=Needs.NEIGHBOURS,
)
def thicker(given: Given, severity: float) -> Slice:
    """Average a slab around the slice.

    Raises:
        DataError: There are no neighbours, or they do not reach as far as the slab.
    """
    stack = given.stack
    if stack is None or not degradations.covers(stack.z_mm, stack.at_mm, severity):
        raise DataError("a slab needs neighbouring slices as far as it reaches", received=f"{severity:g} mm")
    return degradations.slab(stack.volume, stack.z_mm, stack.at_mm, severity)
