"""Were patients kept apart?"""

from medfake.registry.gates.gate import Case, Ruling, gate


@gate("leakage", overrule="--despite-leakage", flag_help="Although its protocol lets patients leak between splits.")
def no_leaky_protocol(case: Case) -> Ruling:
    """Refuse figures of a protocol that has slices of one patient on both sides.

    A protocol of another package that is not installed here says of itself what it will: `promote.unmeasured` decides.
    """
    from medfake.datasets.split import PROTOCOLS, is_leaky

    protocol = case.card.protocol
    if protocol not in PROTOCOLS:
        said = f"whether its protocol {protocol} is leaky is not known: nothing here splits by it"
        return case.unmeasured(said, "install the package that the protocol is of")
    if not is_leaky(protocol):
        return Ruling(True, f"its figures are of the protocol {protocol}")
    return Ruling(
        False,
        f"its protocol {protocol} is leaky: slices of one patient are on both sides, so its figures flatter it",
        f"train on a data set with another protocol (datasets.{case.card.dataset}.split.protocol in params.yaml), "
        "or medfake promote --despite-leakage",
    )
