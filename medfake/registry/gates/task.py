"""Does it tell what was tampered with?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.vocabulary import Task


@gate("task")
def tells_tampered_from_real(case: Case) -> Ruling:
    """Refuse what answers another question: its scores say nothing of tampering."""
    task = case.card.task
    if task is Task.TAMPERING:
        return Ruling(True, "it was taught to tell tampered slices from real ones")
    return Ruling(
        False,
        f"it answers another question than tampering: {task.sentence}",
        "nominate a detector of tampering (nominate.dataset in params.yaml), then medfake promote",
    )
