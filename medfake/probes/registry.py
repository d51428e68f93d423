"""Probes by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass

from medfake.by_name import Registry
from medfake.probes.answer import Answer
from medfake.probes.probe_input import ProbeInput

Look = Callable[[ProbeInput], Answer]


@dataclass(frozen=True)
class Probe:
    """A question to a data set, how it is answered, and what it means when the answer is yes."""

    name: str
    question: str
    means: str
    look: Look


PROBES: Registry[Probe] = Registry("probe", room="medfake.probes", where="the probes of a data set")


def probe(name: str, *, question: str, means: str = "the class can be told without {cue}") -> Callable[[Look], Look]:
    """Register a function as a probe.

    Args:
        name: One or two words, unique.
        question: What is asked, in a sentence.
        means: What a shortcut means, a clause; {cue} stands for what the class should be told by.

    Example:
        >>> import medfake
        >>> from pathlib import Path
        >>> from medfake.config import ProbesParams
        >>> from medfake.probes.answer import Answer, score
        >>> from medfake.probes.probe_input import ProbeInput
        >>> @medfake.probe("air", question="Does the share of air tell the class?")
        ... def air(given):
        ...     share = given.rows("test").air_fraction.to_numpy(float)
        ...     return Answer(score(given, "test", share), because="air_fraction")
        >>> air(ProbeInput(medfake.Dataset.open(Path("data/slices/toy")), ProbesParams())).score.auc
        0.5
    """

    def register(look: Look) -> Look:
        PROBES.add(name, Probe(name, question, means, look), look)
        return look

    return register
