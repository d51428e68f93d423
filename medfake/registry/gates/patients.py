"""How many patients decided?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.vocabulary import Split


@gate("patients", overrule="--despite-few-patients", flag_help="Although few validation patients decided.")
def enough_patients(case: Case) -> Ruling:
    """Refuse figures that rest on too few validation patients to say anything of others.

    Its flag overrules it: whoever has few patients has no better figure, and the ledger keeps that it was so.
    """
    patients, floor = case.card.patients.get(Split.VAL), case.params.patients
    if patients is None:
        said = "how many validation patients decided is not known"
        return case.unmeasured(
            said, "register a detector whose card tells its patients: those that were trained here do"
        )
    counted = "a single validation patient" if patients == 1 else f"{patients} validation patients"
    if patients >= floor:
        return Ruling(True, f"{counted} decided, of at least {floor}")
    return Ruling(
        False,
        f"{counted} decided, too few to say anything of others: {floor} are wanted",
        "add patients, then dvc repro; or medfake promote --despite-few-patients",
    )
