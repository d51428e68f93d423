"""Rules by name; one decorated function adds one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from medfake.by_name import Registry
from mlflow_server.configured_service import Service


class Severity(StrEnum):
    """How bad it is that a rule is broken."""

    UNSAFE = "unsafe"  # somebody who should not may read, change or run something; no server of a team starts so
    CAUTION = "caution"  # one defence less than there could be


Judge = Callable[[Service], Iterable[str]]
"""What breaks the rule, a clause each, without any secret; nothing where all is well."""


@dataclass(frozen=True)
class Rule:
    """A rule of safe configurations."""

    name: str
    severity: Severity
    remedy: str
    judge: Judge


@dataclass(frozen=True)
class Finding:
    """A broken rule.

    Attributes:
        where: The service.
        found: A clause without full stop; holds no secret.
        remedy: What to do.
    """

    rule: str
    severity: Severity
    where: str
    found: str
    remedy: str


RULES: Registry[Rule] = Registry("server rule", room="mlflow_server.rules", where="python -m mlflow_server check")


def rule(name: str, *, remedy: str, severity: Severity = Severity.UNSAFE) -> Callable[[Judge], Judge]:
    """Register a function as a rule.

    Args:
        name: A few words, unique.
        remedy: What to do where it is broken.
        severity: How bad that is.
    """

    def register(judge: Judge) -> Judge:
        RULES.add(name, Rule(name, severity, remedy, judge), judge)
        return judge

    return register


def judged(services: Iterable[Service]) -> list[Finding]:
    """All broken rules, what is unsafe first."""
    return sorted(_broken(services), key=lambda one: one.severity is not Severity.UNSAFE)


def _broken(services: Iterable[Service]) -> Iterator[Finding]:
    for service in services:
        for each in RULES.values():
            for found in each.judge(service):
                yield Finding(each.name, each.severity, service.where, found, each.remedy)
