"""The rules a data set must keep, by name; one decorated function adds one.

A guard returns a table of pseudonymous facts and the Great Expectations that hold on it, so that a failure says which
expectation broke and by which figures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from medfake.by_name import Registry
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.remedies import DATASET

LEAKY_WORD: Final = "leaky, by the protocol"
NOT_ASKED_FOR: Final = "not asked for"
_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Findings:
    """What a guard looked at.

    Attributes:
        table: Facts, no identifiers but pseudonyms.
        expectations: Great Expectations on `table`; none where the rule is waived.
        figures: The facts in a few words, for the report and the error.
        waived: Why the rule asks for nothing here, e.g. "leaky, by the protocol"; "" where it holds in full.
    """

    table: pd.DataFrame
    expectations: list[Any]
    figures: str
    waived: str = ""


Look = Callable[[Dataset, DatasetParams], Findings]


@dataclass(frozen=True)
class Guard:
    """A rule, how it is looked at, and what to do when it is broken.

    Attributes:
        remedy: What to type; `remedies.DATASET` stands for the name of the data set.
        blocks: Place among the guards that are looked at first, 1 for the first; None for all others. When one of these
            is broken no later guard is looked at, because it could not read the table.
    """

    name: str
    rule: str
    remedy: str
    look: Look
    blocks: int | None = None

    def remedy_for(self, dataset: str) -> str:
        """What to type when a data set of this name breaks the rule."""
        return self.remedy.replace(DATASET, dataset)


GUARDS: Registry[Guard] = Registry("guard", room="medfake.checks.guards", where="the guards of a data set")


def guard(name: str, *, rule: str, remedy: str, blocks: int | None = None) -> Callable[[Look], Look]:
    """Register a function as a guard.

    Args:
        name: One to three words, unique.
        rule: What holds, as a sentence without full stop.
        remedy: What to type or do when it does not; see `Guard`.
        blocks: Place among the guards without which no other can read the table; None for others.

    Example:
        >>> import medfake
        >>> from pathlib import Path
        >>> from great_expectations import expectations
        >>> from medfake.checks.guards.registry import Findings
        >>> @medfake.guard("three scans", rule="there are three scans", remedy="add scans")
        ... def three_scans(data, params):
        ...     scans = data.manifest[["scan_id"]].drop_duplicates()
        ...     wanted = expectations.ExpectTableRowCountToBeBetween(min_value=3)
        ...     return Findings(scans, [wanted], f"{len(scans)} scans")
        >>> three_scans(medfake.Dataset.open(Path("data/slices/toy")), None).figures
        '6 scans'
    """

    def register(look: Look) -> Look:
        GUARDS.add(name, Guard(name, rule, remedy, look, blocks), look)
        return look

    return register


def all_guards() -> list[Guard]:
    """Every guard, in the order in which they are looked at: those that block others, then the others by name."""
    return sorted(GUARDS.values(), key=lambda one: (one.blocks is None, one.blocks or 0, one.name))


def examples(rows: pd.DataFrame) -> str:
    """Name up to three slices by their pseudonyms, e.g. " (scan-1f:3, scan-1f:4 and 7 more)"; "" for none."""
    if rows.empty:
        return ""
    more = len(rows) - _EXAMPLES
    named = ", ".join(str(name) for name in rows["slice_id"].iloc[:_EXAMPLES])
    return f" ({named}{f' and {more} more' if more > 0 else ''})"
