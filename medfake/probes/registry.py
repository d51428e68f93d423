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


def probe(
    name: str, *, question: str, means: str = "the class can be told without the manipulation"
) -> Callable[[Look], Look]:
    """Register a function as a probe.

    Args:
        name: One or two words, unique.
        question: What is asked, in a sentence.
        means: What a shortcut means, a clause.
    """

    def register(look: Look) -> Look:
        PROBES.add(name, Probe(name, question, means, look), look)
        return look

    return register
