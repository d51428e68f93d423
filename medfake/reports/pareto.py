"""Who is beaten by whom when quality and cost both count."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A detector as a point.

    Attributes:
        name: Unique.
        quality: Higher is better.
        cost: Lower is better.
    """

    name: str
    quality: float
    cost: float

    def dominates(self, other: "Candidate") -> bool:
        """Whether it is at least as good and as cheap, and better in one of both."""
        no_worse = self.quality >= other.quality and self.cost <= other.cost
        return no_worse and (self.quality > other.quality or self.cost < other.cost)


def dominated(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Who is dominated, and by whom: of several the one with the highest quality, then the cheapest.

    Those that are not named are the front: for each of them, nobody is better without costing more.
    """
    found = {}
    for one in candidates:
        better = [other for other in candidates if other.dominates(one)]
        if better:
            found[one.name] = max(better, key=lambda other: (other.quality, -other.cost, other.name)).name
    return found
