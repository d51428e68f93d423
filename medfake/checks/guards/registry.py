"""The rules a data set must keep, by name; one decorated function adds one.

A guard returns a table of pseudonymous facts and the Great Expectations that hold on it, so that a failure says which
expectation broke and by which figures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset


@dataclass(frozen=True)
class Findings:
    """What a guard looked at.

    Attributes:
        table: Facts, no identifiers.
        expectations: Great Expectations on `table`.
        figures: The facts in a few words, for the report and the error.
    """

    table: pd.DataFrame
    expectations: list[Any]
    figures: str


Look = Callable[[Dataset, DatasetParams], Findings]


@dataclass(frozen=True)
class Guard:
    """A rule, how it is looked at, and what to do when it is broken."""

    name: str
    rule: str
    remedy: str
    look: Look


GUARDS: list[Guard] = []  # in the order in which they are looked at


def guard(name: str, *, rule: str, remedy: str) -> Callable[[Look], Look]:
    """Register a function as a guard."""

    def register(look: Look) -> Look:
        GUARDS.append(Guard(name, rule, remedy, look))
        return look

    return register


def all_guards() -> list[Guard]:
    """Every guard, in the order in which they are looked at."""
    from medfake.checks.guards import rows, shards, sources, splits  # noqa: F401  # each registers its guards

    return GUARDS
