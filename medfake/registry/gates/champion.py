"""Does it beat the champion?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.versions import Version
from medfake.remedies import Stage, make


@gate("champion")
def beats_the_champion(case: Case) -> Ruling:
    """Compare the validation figure of the same data set; a champion of other data is scored anew on the challenger's.

    The test split decides nothing.
    """
    challenger, champion, metric = case.challenger, case.champion, case.challenger.metric
    value = _figure(challenger, metric)
    own = f"version {challenger.number} ({challenger.detector}) has validation {metric} {_text(value)}"
    if champion is None:
        return Ruling(True, f"{own}; there was no champion")
    other = f"version {champion.number} ({champion.detector}) has {metric}"
    if champion.dataset_sha256 == challenger.dataset_sha256:
        best = _figure(champion, metric)
        both = f"{own}; {other} {_text(best)}"
    else:
        from medfake.registry.rescore import data_of, validation_figure

        dataset = data_of(challenger, case.project.slices)
        if dataset is None:
            return Ruling(
                False,
                "challenger and champion were measured on different data, and the challenger's is not in "
                f"{case.project.slices / challenger.dataset}: challenger on {_data(challenger)}; "
                f"champion on {_data(champion)}",
                f"{make(Stage.SLICES, challenger.dataset)} (or dvc pull), then medfake promote",
            )
        best = validation_figure(champion, dataset, metric, case.registry)
        both = f"{own}; {other} {_text(best)} on the same slices, scored anew (it may know some of them)"
    if value is None or (best is not None and value <= best):
        remedy = "keep the champion; `medfake registry list` shows all versions"
        return Ruling(False, f"the challenger does not beat the champion: {both}", remedy)
    return Ruling(True, both)


def _figure(version: Version, metric: str) -> float | None:
    return version.figures.get(metric, version.value if version.metric == metric else None)


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _data(version: Version) -> str:
    return f"{version.dataset} {version.dataset_sha256[:12]}"
