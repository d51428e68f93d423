"""Is the challenger what stage `nominate` said?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.nomination import read_nomination
from medfake.registry.stored_files import NOMINATE_AGAIN


@gate("nominated")
def is_what_was_nominated(case: Case) -> Ruling:
    """Compare the alias with what stage `nominate` wrote.

    DVC brings back files, not what a stage did to the registry.
    """
    challenger = case.challenger
    if case.asked_for:
        return Ruling(True, f"version {challenger.number} was asked for by its number")
    file = "/".join(case.project.nomination.parts[-2:])  # the ledger keeps no paths of this machine
    if not case.project.nomination.exists():
        return Ruling(True, "no nomination lies here to compare with")
    nomination = read_nomination(case.project.nomination)
    if nomination and (nomination.version, nomination.package_sha256) == (challenger.number, challenger.package_sha256):
        return Ruling(True, f"it is the version that {file} names")
    named = f"version {nomination.version} ({nomination.detector})" if nomination else "no detector"
    return Ruling(
        False,
        f"{file} names {named}, the registry's challenger is version {challenger.number} ({challenger.detector})",
        f"{NOMINATE_AGAIN}, then medfake promote; or medfake promote {challenger.number}",
    )
