"""Are its files those that were registered?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.model_registry import NOMINATE_AGAIN
from medfake.registry.versions import card_sha256, package_sha256


@gate("unaltered")
def files_are_unaltered(case: Case) -> Ruling:
    """Compare graph and card with their digests at registration."""
    version = case.challenger
    graph = package_sha256(case.package) == version.package_sha256
    card = version.card_sha256 in ("", card_sha256(case.package))  # versions of old kept no digest of it
    if graph and card:
        return Ruling(True, "its files are those that were registered")
    altered = "its graph and its card are" if not (graph or card) else "its card is" if graph else "its graph is"
    return Ruling(
        False,
        f"{altered} not what was registered ({case.package})",
        f"put the files back, or register the detector anew: {NOMINATE_AGAIN}",
    )
