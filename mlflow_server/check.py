"""What is unsafe about a configuration: judged by all rules, told, and refused."""

from collections.abc import Iterable
from pathlib import Path

from medfake.errors import ConfigError
from mlflow_server.configurations import read_configuration
from mlflow_server.configured_service import team_of_environment
from mlflow_server.rules.registry import Finding, Severity, judged


def require_safe(findings: Iterable[Finding], *, again: str) -> None:
    """Refuse what is unsafe; what calls for caution passes.

    Args:
        findings: Of a configuration.
        again: What to type once they are mended.

    Raises:
        ConfigError: Something is unsafe.
    """
    unsafe = [one for one in findings if one.severity is Severity.UNSAFE]
    if unsafe:
        many = f"{len(unsafe)} settings are" if len(unsafe) > 1 else "one setting is"
        places = dict.fromkeys(one.where for one in unsafe)
        raise ConfigError(f"{many} unsafe", where=", ".join(places), remedy=f"mend what is told above, then {again}")


def in_words(finding: Finding) -> str:
    """A finding for people: what it is about, and what to do."""
    return f"{finding.severity}: {finding.where}: {finding.found}\n  next: {finding.remedy}"


def findings_of(file: Path | None) -> list[Finding]:
    """What breaks a rule.

    Args:
        file: A compose file or one of lines NAME=VALUE; None: this environment, as a team's server would take it.
    """
    return judged([team_of_environment()] if file is None else read_configuration(file))
