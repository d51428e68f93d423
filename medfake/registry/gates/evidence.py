"""Are its figures worth as much as the champion's?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.vocabulary import Evidence


@gate("evidence")
def no_weaker_evidence(case: Case) -> Ruling:
    """Refuse what learnt from the phantom where the champion learnt from real scans; no flag overrules it.

    A better figure on easier data proves nothing, and real scans would be judged by what has seen none.
    """
    own = case.card.evidence
    if case.champion is None:
        return Ruling(True, f"its evidence is {own}; there was no champion")
    if case.champion.evidence not in list(Evidence):
        return Ruling(True, f"its evidence is {own}; that of the champion is not known")
    other = Evidence(case.champion.evidence)
    both = f"its evidence is {own}, that of version {case.champion.number} ({case.champion.detector}) {other}"
    if not own.is_less_than(other):
        return Ruling(True, both)
    return Ruling(
        False,
        f"{both}, which is worth more",
        "keep the champion; train on real scans: medfake study use own-scans, then dvc repro",
    )
