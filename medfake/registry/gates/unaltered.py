"""Are its files those that were registered?"""

from medfake.registry.gates.gate import UNALTERED, Case, Ruling, gate
from medfake.registry.stored_files import NOMINATE_AGAIN, alteration, altered_files


@gate(UNALTERED)
def files_are_unaltered(case: Case) -> Ruling:
    """Compare every stored file with its digest at registration; asked before all others, which believe the files.

    Versions of old kept the digests of their graphs alone.
    """
    altered = altered_files(case.package, case.challenger)
    if not altered:
        return Ruling(True, "its files are those that were registered")
    return Ruling(
        False,
        alteration(altered),
        f"put the files back ({case.package}), or register the detector anew: {NOMINATE_AGAIN}",
    )
