"""Does it beat the champion?"""

from dataclasses import dataclass

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.versions import Version
from medfake.remedies import Stage, make
from medfake.vocabulary import Evidence, PositiveClass


@gate("champion")
def beats_the_champion(case: Case) -> Ruling:
    """Compare the validation figure of the same data set; one of other data is scored anew on the other's.

    A champion of lesser evidence is not compared: its figure is of an easier task. The test split decides nothing.
    """
    challenger, champion = case.challenger, case.champion
    value = _figure(challenger, challenger.metric)
    own = f"{_name(challenger)} has validation {challenger.metric} {_text(value)}"
    if champion is None:
        return Ruling(True, f"{own}; there was no champion")
    if champion.evidence in list(Evidence) and Evidence(champion.evidence).is_less_than(case.card.evidence):
        apart = f"its {case.card.evidence} evidence is not compared with the champion's {champion.evidence} evidence"
        return Ruling(True, f"{own}; {apart}")
    duel = _compare(challenger, champion, case)
    if duel is None:
        makes = [make(Stage.SLICES, one.dataset) for one in (challenger, champion)]
        return Ruling(
            False,
            f"challenger and champion were measured on different data, and neither is in {case.project.slices}: "
            f"challenger on {_data(challenger)}; champion on {_data(champion)}",
            f"{' or '.join(dict.fromkeys(makes))} (or dvc pull), then medfake promote",
        )
    if duel.value is None or (duel.best is not None and duel.value <= duel.best):
        remedy = "keep the champion; `medfake registry list` shows all versions"
        return Ruling(False, f"the challenger does not beat the champion: {duel.sentence}", remedy)
    return Ruling(True, duel.sentence)


@dataclass(frozen=True)
class _Duel:
    """The figure of both on the same slices; `value` is the challenger's, `best` the champion's."""

    value: float | None
    best: float | None
    sentence: str


def _compare(challenger: Version, champion: Version, case: Case) -> _Duel | None:
    """Both on one data set: the one that they share, the challenger's, or the champion's; None when neither is here."""
    from medfake.metrics.binary import OF_POSITIVE

    metric = challenger.metric
    value, best = _figure(challenger, metric), _figure(champion, metric)
    own, other = f"{_name(challenger)} has validation {metric}", f"{_name(champion)} has {metric}"
    alike = metric not in OF_POSITIVE or champion.positive == challenger.positive
    if alike and champion.dataset_sha256 == challenger.dataset_sha256:
        return _Duel(value, best, f"{own} {_text(value)}; {other} {_text(best)}")
    from medfake.registry.rescore import data_of, validation_figure

    anew = "on the same slices, scored anew (it may know some of them)"
    registry, positive = case.registry, challenger.positive
    dataset = data_of(challenger, case.project.slices)
    if dataset is not None:
        best = validation_figure(champion, dataset, metric, registry, positive)
        return _Duel(value, best, f"{own} {_text(value)}; {other} {_text(best)} {anew}")
    dataset = data_of(champion, case.project.slices)
    if dataset is not None:
        value = validation_figure(challenger, dataset, metric, registry, positive)
        best = best if alike else validation_figure(champion, dataset, metric, registry, positive)
        return _Duel(value, best, f"{other} {_text(best)}; {own} {_text(value)} {anew}")
    return None


def _name(version: Version) -> str:
    return f"version {version.number} ({version.detector})"


def _figure(version: Version, metric: str) -> float | None:
    return version.figures.get(metric, version.value if version.metric == metric else None)


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _data(version: Version) -> str:
    of = "" if version.positive == PositiveClass.TAMPERED else f", figures of the class {version.positive}"
    return f"{version.dataset} {version.dataset_sha256[:12]}{of}"
