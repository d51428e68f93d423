"""Does it beat the champion?"""

from medfake.errors import MedfakeError
from medfake.registry.compared import Compared
from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.versions import Version
from medfake.remedies import Stage, make
from medfake.vocabulary import Evidence, PositiveClass, Split

_KEEP = "keep the champion; `medfake registry list` shows all versions"
_LOSES = "the challenger does not beat the champion"


@gate("champion")
def beats_the_champion(case: Case) -> Ruling:
    """Test both on the same validation slices, paired over their patients; a tie is refused.

    A difference whose interval reaches 0 may be chance, and a champion that changes by chance helps nobody. Predictions
    that were stored with the versions are compared; what was not stored is scored anew where the data lie. A champion
    of lesser evidence is not compared: its figure is of an easier task. On one patient, or where no data are shared,
    the challenger is refused: a champion is not replaced by what nobody compared with it, nor by a detector of another
    modality, whatever its evidence. The test split decides
    nothing, and no flag overrules this gate.
    """
    challenger, champion = case.challenger, case.champion
    if champion is None:
        own = _own(case)
        return Ruling(True, f"{_name(challenger)} has validation {own.sentence}; there was no champion", figures=own)
    if champion.modality != case.card.modality:
        return Ruling(
            False,
            f"{_LOSES}: {_name(challenger)} judges {case.card.modality}, and {_name(champion)} {champion.modality}: "
            "whoever scans with the champion would have these scans refused",
            "give each modality a registry of its own: another tracking.uri, or another project",
        )
    if champion.evidence in list(Evidence) and Evidence(champion.evidence).is_less_than(case.card.evidence):
        own = _own(case)
        apart = f"its {case.card.evidence} evidence is not compared with the champion's {champion.evidence} evidence"
        return Ruling(True, f"{_name(challenger)} has validation {own.sentence}; {apart}", figures=own)
    return _duel(challenger, champion, case)


def _duel(challenger: Version, champion: Version, case: Case) -> Ruling:
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.registry.duel import both_sides, compare

    evaluation = case.project.evaluation
    bootstrap = Bootstrap.of(evaluation) if evaluation else Bootstrap()
    try:
        sides = both_sides(challenger, champion, case.registry, case.project)
        if sides is None:
            return _nothing_shared(challenger, champion)
        found = compare(sides, challenger, champion, case.registry, bootstrap)
    except MedfakeError as error:  # files that are gone or altered, or slices that one of them does not take
        said = f"challenger and champion cannot be compared: {error.what}"
        return Ruling(False, said, f"{error.remedy}; or medfake rollback, then medfake promote")
    if found is None:
        said = "the validation slices that both scored do not define the figure: a class is missing, or none is shared"
        return Ruling(False, f"{_LOSES}: {said}", "give the data set a validation split with both classes, or " + _KEEP)
    of = f"{_name(challenger)} and {_name(champion)}: validation {found.sentence}"
    of += _anew(sides.anew, shared=challenger.dataset_sha256 == champion.dataset_sha256)
    if found.interval is None:
        more = "add patients to the data set, or let another split seed put more of them into val, then dvc repro"
        if found.patients == 1:
            return Ruling(False, f"{_LOSES}: one patient says nothing of others; {of}", more, found)
        return Ruling(False, f"{_LOSES}: too few resamples define the difference; {of}", more, found)
    low, high = found.interval
    if low > 0:
        return Ruling(True, of, figures=found)
    verdict = "it is worse" if high < 0 else "a tie, the interval of the difference reaches 0"
    return Ruling(False, f"{_LOSES}: {verdict}; {of}", _KEEP, found)


def _nothing_shared(challenger: Version, champion: Version) -> Ruling:
    makes = [make(Stage.SLICES, one.dataset) for one in (challenger, champion)]
    remedy = f"{' or '.join(dict.fromkeys(makes))} (or dvc pull), then medfake promote"
    if challenger.dataset_sha256 == champion.dataset_sha256:
        said = "challenger and champion cannot be compared: one was registered without its predictions, and their data"
        return Ruling(False, f"{said} {_data(challenger)} are not in data/slices", remedy)
    return Ruling(
        False,
        "challenger and champion were measured on different data, and neither is in data/slices: "
        f"challenger on {_data(challenger)}; champion on {_data(champion)}",
        remedy,
    )


def _own(case: Case) -> Compared:
    """The challenger's figure by itself, with the interval that its card has."""
    version, card = case.challenger, case.card
    value = version.figures.get(version.metric, version.value)
    interval = card.intervals.get(Split.VAL, {}).get(version.metric) if value is not None else None
    return Compared(
        metric=version.metric or "auc", value=value, interval=interval, confidence=card.confidence,
        patients=card.patients.get(Split.VAL),
    )  # fmt: skip


def _name(version: Version) -> str:
    return f"version {version.number} ({version.detector})"


def _anew(numbers: tuple[int, ...], *, shared: bool) -> str:
    """Who was scored just now; of another's data a version may have learnt some patients."""
    if not numbers:
        return ""
    which = " and ".join(f"version {one}" for one in numbers)
    return f"; {which} scored these slices anew{'' if shared else ' and may know some of them'}"


def _data(version: Version) -> str:
    of = "" if version.positive == PositiveClass.TAMPERED else f", figures of the class {version.positive}"
    return f"{version.dataset} {version.dataset_sha256[:12]}{of}"
