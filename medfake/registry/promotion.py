"""Challenger to champion and back; gates judge, every decision goes to the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from medfake.errors import BusyError, PromotionRefusedError, RegistryError
from medfake.package.card import read_card
from medfake.project import Project
from medfake.registry.compared import Compared
from medfake.registry.decider import stated, who
from medfake.registry.gates.gate import GATES, UNALTERED, Case, Gate, Ruling
from medfake.registry.ledger import Decision, Said, now, reason_of
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import Alias, Version

GATE_TAG = "gate."
"""Tags of a version that begin so say what a gate said of it last."""
_ATTEMPTS = 5  # to judge anew because somebody else's decision came between


@dataclass(frozen=True)
class Judged:
    """A gate and what it said."""

    gate: Gate
    ruling: Ruling
    overruled: bool

    @property
    def lets_through(self) -> bool:
        """Whether this gate does not stand in the way."""
        return self.ruling.passed or self.overruled

    @property
    def word(self) -> str:
        """In a word: "passed", "unmeasured" where nothing was there to go by, "overruled" or "refused"."""
        if self.ruling.passed:
            return "passed" if self.ruling.measured else "unmeasured"
        return "overruled" if self.overruled else "refused"


@dataclass(frozen=True)
class Judgement:
    """What all gates say of a version.

    Attributes:
        champion: At that time; None when nobody was.
        judged: Gate by gate; one alone where the version's files were altered.
    """

    challenger: Version
    champion: Version | None
    judged: tuple[Judged, ...]

    @property
    def settled(self) -> bool:
        """Whether the version is champion already, so that nothing was to be judged."""
        return self.champion is not None and self.champion.number == self.challenger.number

    @property
    def said(self) -> tuple[Said, ...]:
        """The rulings as the ledger keeps them."""
        return tuple(
            Said(one.gate.name, one.ruling.passed, one.overruled, one.ruling.sentence) for one in self.judged
        )  # fmt: skip

    @property
    def figures(self) -> Compared | None:
        """What decided."""
        return next((one.ruling.figures for one in self.judged if one.ruling.figures), None)

    @property
    def refused(self) -> tuple[Judged, ...]:
        """Gates that stand in the way."""
        return tuple(one for one in self.judged if not one.lets_through)

    @property
    def tags(self) -> dict[str, str]:
        """The rulings as the version carries them."""
        return {f"{GATE_TAG}{one.gate.name}": f"{one.word}: {one.ruling.sentence}" for one in self.judged}

    def require_passed(self) -> None:
        """Go on only if every gate lets the version through.

        Raises:
            PromotionRefusedError: Some do not; all of them are named, with their remedies.
        """
        broken = self.refused
        if broken:
            raise PromotionRefusedError(
                f"version {self.challenger.number} may not become champion",
                where=f"gate {', '.join(one.gate.name for one in broken)}",
                received=_listed([one.ruling.sentence for one in broken]),
                remedy=_listed([one.ruling.remedy for one in broken if one.ruling.remedy]),
            )


@dataclass(frozen=True)
class Outcome:
    """What promotion or roll-back did.

    Attributes:
        reason: In words; of a promotion what all gates said.
        changed: False when there was nothing to do.
        figures: What decided a promotion.
        overruled: Gates that stood in the way.
    """

    champion: int | None
    previous: int | None
    reason: str
    changed: bool
    figures: Compared | None = None
    overruled: tuple[str, ...] = ()


def judge(
    registry: ModelRegistry, project: Project, version: str | None = None, *, overrule: Collection[str] = ()
) -> Judgement:
    """Ask all gates about a version; nothing is changed.

    Args:
        registry: Where it is registered.
        project: Where its data set, the probes' reports and the nomination are looked for.
        version: Number or alias; the challenger when left out, or the champion when it has no challenger.
        overrule: Names of gates that may be broken; only those with a flag of their own can be.

    Raises:
        RegistryError: There is no such version, or its files are gone.
        ConfigError: No gate of that name.
    """
    champion = registry.champion()
    challenger = registry.look_up(version or Alias.CHALLENGER)
    if challenger is None:
        challenger = champion if version is None and champion else registry.find(version or Alias.CHALLENGER)
    if champion is not None and champion.number == challenger.number:
        return Judgement(challenger, champion, ())
    package = registry.files(challenger)
    case = Case(
        challenger=challenger,
        card=read_card(package),
        package=package,
        champion=champion,
        asked_for=version not in (None, Alias.CHALLENGER),
        registry=registry,
        project=project,
        params=project.promote,
    )
    may_break = {name for name in overrule if GATES[name].overrule}
    judged: list[Judged] = []
    for name in sorted(GATES, key=lambda name: (name != UNALTERED, name)):
        ruling = GATES[name].judge(case)
        judged.append(Judged(GATES[name], ruling, overruled=not ruling.passed and name in may_break))
        if name == UNALTERED and not ruling.passed:
            break
    return Judgement(challenger, champion, tuple(judged))


def promote(
    registry: ModelRegistry,
    project: Project,
    version: str | None = None,
    *,
    overrule: Collection[str] = (),
    reason: str = "",
) -> Outcome:
    """Make the challenger champion if every gate lets it through.

    It is judged against the champion of now: when somebody else's decision comes between, it is judged anew.

    Args:
        registry: Where it is registered.
        project: Where its data set, the probes' reports and the nomination are looked for.
        version: Number to promote instead of the challenger.
        overrule: Names of gates that may be broken; the ledger says so.
        reason: Why, in the words of whoever decides; for the ledger.

    Raises:
        RegistryError: There is no challenger, or the reason is too long.
        PromotionRefusedError: A gate refuses.
        BusyError: Others decide all the time.
    """
    why = stated(reason)
    for _ in range(_ATTEMPTS):
        judgement = judge(registry, project, version, overrule=overrule)
        number, previous = judgement.challenger.number, _number(judgement.champion)
        if judgement.settled:
            return Outcome(number, None, f"version {number} is the champion already", changed=False)
        if judgement.refused:
            registry.tell(judgement.challenger, judgement.tags, instead_of=GATE_TAG)
        judgement.require_passed()
        with registry.turn():
            if _number(registry.champion()) != previous:
                continue
            registry.tell(judgement.challenger, judgement.tags, instead_of=GATE_TAG)
            _record_what_moved(registry)
            registry.set_alias(Alias.CHAMPION, number)
            said, figures = judgement.said, judgement.figures
            decision = Decision("promote", number, previous, now(), "", said, who(), why, figures)
            registry.record(decision)
            if _number(registry.look_up(Alias.CHALLENGER)) == number:
                registry.set_alias(Alias.CHALLENGER, None)
            return Outcome(number, previous, reason_of(said), True, figures, decision.overruled)
    raise BusyError("others change the champion all the time", where=registry.store.name, remedy="medfake promote")


def rollback(registry: ModelRegistry, *, reason: str = "") -> Outcome:
    """Undo the last promotion that still stands; what was rolled back is challenger again if nobody is.

    A champion of before that was deleted meanwhile is passed over: the one before it comes back.

    Args:
        registry: Where it is registered.
        reason: Why, in the words of whoever decides; for the ledger.

    Raises:
        RegistryError: Nothing was promoted, or everything was rolled back; or the reason is too long.
    """
    why = stated(reason)
    if not _standing(registry.decisions()):
        raise RegistryError("there is no promotion to roll back", remedy="medfake registry history")
    with registry.turn():
        standing = _standing(registry.decisions())
        if not standing:
            raise RegistryError("there is no promotion to roll back", remedy="medfake registry history")
        _record_what_moved(registry)
        last = standing[-1]
        undone = f"rolled back the promotion of version {last.version} at {last.at}"
        previous = last.previous
        for earlier in reversed([None, *(one.previous for one in standing)]):
            previous = earlier
            if previous is None or registry.look_up(str(previous)) is not None:
                break
            undone += f"; version {previous} was deleted"
        registry.set_alias(Alias.CHAMPION, previous)
        registry.record(Decision("rollback", previous, last.version, now(), undone, who=who(), stated=why))
        if registry.look_up(Alias.CHALLENGER) is None and registry.look_up(str(last.version)) is not None:
            registry.set_alias(Alias.CHALLENGER, last.version)
        return Outcome(previous, last.version, undone, changed=True)


def _record_what_moved(registry: ModelRegistry) -> None:
    """Keep the ledger true where the alias was moved by hand, went with a deleted version, or a process was killed."""
    decisions, champion = registry.decisions(), _number(registry.champion())
    last = decisions[-1].version if decisions else None
    if champion != last:
        reason = "found so: neither medfake promote nor medfake rollback recorded it"
        registry.record(Decision("moved", champion, last, now(), reason))


def _standing(decisions: Sequence[Decision]) -> list[Decision]:
    """Promotions that were not rolled back, oldest first."""
    standing: list[Decision] = []
    for decision in decisions:
        if decision.action == "promote":
            standing.append(decision)
        elif decision.action == "rollback" and standing:
            standing.pop()
            if decision.version in [one.version for one in standing]:
                while standing[-1].version != decision.version:  # versions that were deleted, and passed over
                    standing.pop()
    return standing


def _number(version: Version | None) -> int | None:
    return version.number if version else None


def _listed(parts: Sequence[str]) -> str | None:
    """One part as it is, several one a line."""
    return parts[0] if len(parts) == 1 else "".join(f"\n    {part}" for part in parts) or None
