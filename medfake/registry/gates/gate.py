"""Gates by name; one decorated function in one file adds one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from medfake.by_name import Registry
from medfake.config import PromoteParams
from medfake.package.card import Card
from medfake.project import Project
from medfake.registry.compared import Compared
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import Version

UNALTERED = "unaltered"
"""The gate that is asked first: where it does not let a version through, the files say nothing and are not run."""


@dataclass(frozen=True)
class Ruling:
    """What a gate says of a version.

    Attributes:
        sentence: What was found, a clause without full stop and without paths of this machine; kept in the ledger.
        remedy: What to type when it did not pass.
        figures: What it compared, where that decides.
        measured: Whether there was something to go by.
    """

    passed: bool
    sentence: str
    remedy: str | None = None
    figures: Compared | None = None
    measured: bool = True


@dataclass(frozen=True)
class Case:
    """A version that may become champion, and what can be asked about it.

    Attributes:
        card: Of the challenger.
        package: Folder with its files.
        champion: Of now; None when nobody is.
        asked_for: Whether the version was named by the user, instead of the challenger of now.
        project: Where its data set, the probes' reports and the nomination are looked for.
        params: What the study asks for.
    """

    challenger: Version
    card: Card
    package: Path
    champion: Version | None
    asked_for: bool
    registry: ModelRegistry
    project: Project
    params: PromoteParams = field(default_factory=PromoteParams)

    def unmeasured(self, sentence: str, remedy: str) -> Ruling:
        """Rule where there is nothing to go by, as `promote.unmeasured` says: let it through and tell, or refuse."""
        return Ruling(self.params.unmeasured == "tell", sentence, remedy, measured=False)


Judge = Callable[[Case], Ruling]


@dataclass(frozen=True)
class Gate:
    """A gate.

    Attributes:
        overrule: Flag of `medfake promote` that lets a version through although it did not pass; None: nothing does.
        flag_help: What that flag says of itself.
    """

    name: str
    judge: Judge
    overrule: str | None
    flag_help: str


GATES: Registry[Gate] = Registry("gate", room="medfake.registry.gates", where="medfake promote")


def gate(name: str, *, overrule: str | None = None, flag_help: str = "") -> Callable[[Judge], Judge]:
    """Register a function as a gate.

    Args:
        name: One or two words, unique.
        overrule: Its own flag, e.g. "--despite-shortcuts"; `medfake promote` has it from then on.
        flag_help: What the flag says of itself in `medfake promote --help`, a sentence.

    Example:
        >>> import medfake
        >>> from medfake.registry.gates.gate import GATES, Ruling
        >>> @medfake.gate("young", overrule="--although-young", flag_help="Although few scans were seen.")
        ... def enough_patients(case):
        ...     patients = case.card.patients.get("train", 0)
        ...     return Ruling(patients >= 100, f"it learnt from {patients} patients", "add patients, then dvc repro")
        >>> GATES["young"].overrule
        '--although-young'
    """

    def register(judge: Judge) -> Judge:
        GATES.add(name, Gate(name, judge, overrule, flag_help), judge)
        return judge

    return register
