"""How many patients decided?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.vocabulary import Split


@gate("patients")
def validation_patients(case: Case) -> Ruling:
    """Say on how many validation patients the figure rests; a single one is said aloud and refuses nothing.

    Whoever has few patients has no better figure, and the sentence stays in the ledger.
    """
    patients = case.card.patients.get(Split.VAL)
    if patients is None:
        return Ruling(True, "how many validation patients decided is not known")
    if patients == 1:
        return Ruling(True, "WARNING: a single validation patient decided")
    return Ruling(True, f"{patients} validation patients decided")
