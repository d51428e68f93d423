"""Is it good enough at all?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.vocabulary import Split


@gate("metrics")
def above_floors(case: Case) -> Ruling:
    """Refuse figures of the validation slices below the floors of the study, champion or not.

    No flag overrules it, because `promote.metrics` is the study's own word: whoever lowers a floor does so in
    params.yaml, where git keeps it. A card without the figure cannot be asked.
    """
    floors, own = case.params.metrics, case.card.metrics.get(Split.VAL, {})
    known = {name: value for name in floors if (value := own.get(name)) is not None}
    below = [name for name, value in known.items() if value < floors[name]]
    if below:
        told = ", ".join(f"{name} {known[name]:.4f} is below {floors[name]:g}" for name in below)
        return Ruling(False, f"validation {told}", "train a better one, or lower promote.metrics in params.yaml")
    unknown = [name for name in floors if name not in known]
    if unknown:
        said = f"whether it reaches the floor is not known: its card has no validation {', '.join(unknown)}"
        return case.unmeasured(said, "register a detector that was measured on a validation split")
    if not floors:
        return Ruling(True, "the study sets no floor")
    return Ruling(
        True, "validation " + ", ".join(f"{name} {known[name]:.4f} of at least {floors[name]:g}" for name in floors)
    )
