"""Challenger to champion and back; every decision goes to the ledger."""

from dataclasses import dataclass
from pathlib import Path

from medfake.config import TrackingParams
from medfake.errors import PromotionRefusedError, RegistryError
from medfake.folders import PRIVATE, PROBES, SLICES
from medfake.locks import exclusive_lock
from medfake.probes.registry import read_probes
from medfake.registry import ledger
from medfake.registry.registration import MODEL_NAME
from medfake.registry.rescore import data_of, validation_figure
from medfake.registry.versions import CHALLENGER, CHAMPION, Version, find_version, list_versions, store_exists
from medfake.tracking.runs import connect
from medfake.tracking.store_errors import translated


@dataclass(frozen=True)
class Outcome:
    """What promotion or roll-back did, or would do.

    Attributes:
        changed: False for a dry run and when there was nothing to do.
    """

    champion: int | None
    previous: int | None
    reason: str
    changed: bool


def promote(
    tracking: TrackingParams,
    version: str | None = None,
    *,
    dry_run: bool = False,
    despite_shortcuts: bool = False,
    slices: Path = SLICES,
    probes: Path = PROBES,
) -> Outcome:
    """Make the challenger champion, if there is no champion or it beats the champion.

    The two are compared by the validation figure of the same data set; the test split decides nothing. A champion that
    was measured on other data is scored anew on the challenger's validation slices.

    Args:
        tracking: The registry.
        version: Number to promote instead of the challenger.
        dry_run: Only say what would happen.
        despite_shortcuts: Promote although probes found a shortcut in the challenger's data; the ledger says so.
        slices: Folder of the data sets, where the challenger's is looked for.
        probes: Folder of the probes' reports.

    Raises:
        RegistryError: There is no challenger.
        PromotionRefusedError: It does not beat the champion, the two cannot be compared, or its data set has a
            shortcut.
        BusyError: Another promotion is under way.
    """
    with exclusive_lock(PRIVATE / "promote.lock", "another promotion"):
        challenger = find_version(tracking, version or CHALLENGER)
        champion = _champion(tracking)
        if champion is not None and champion.number == challenger.number:
            return Outcome(champion.number, None, f"version {champion.number} is the champion already", changed=False)
        reason = _reason(challenger, champion, tracking, slices)
        reason += _about_shortcuts(challenger, probes, despite=despite_shortcuts)
        previous = champion.number if champion else None
        if not dry_run:
            client = connect(tracking)
            with translated(tracking.uri):
                client.set_registered_model_alias(MODEL_NAME, CHAMPION, str(challenger.number))
                ledger.record(client, "promote", challenger.number, previous, reason)
        return Outcome(challenger.number, previous, reason, changed=not dry_run)


def rollback(tracking: TrackingParams) -> Outcome:
    """Undo the last promotion that still stands.

    Raises:
        RegistryError: Nothing was promoted, or everything was rolled back.
    """
    with exclusive_lock(PRIVATE / "promote.lock", "another promotion"):
        standing: list[ledger.Decision] = []
        for decision in history(tracking):
            if decision.action == "promote":
                standing.append(decision)
            elif standing:
                standing.pop()
        if not standing:
            raise RegistryError("there is no promotion to roll back", remedy="medfake registry history")
        last = standing[-1]
        client = connect(tracking)
        reason = f"rolled back the promotion of version {last.version} at {last.at}"
        with translated(tracking.uri):
            if last.previous is None:
                client.delete_registered_model_alias(MODEL_NAME, CHAMPION)
            else:
                client.set_registered_model_alias(MODEL_NAME, CHAMPION, str(last.previous))
            ledger.record(client, "rollback", last.previous, last.version, reason)
        return Outcome(last.previous, last.version, reason, changed=True)


def history(tracking: TrackingParams) -> list[ledger.Decision]:
    """All decisions, oldest first."""
    return ledger.read(connect(tracking)) if store_exists(tracking) else []


def _champion(tracking: TrackingParams) -> Version | None:
    return next((one for one in list_versions(tracking) if CHAMPION in one.aliases), None)


def _reason(challenger: Version, champion: Version | None, tracking: TrackingParams, slices: Path) -> str:
    metric = challenger.metric
    value = _figure(challenger, metric)
    own = f"version {challenger.number} ({challenger.detector}) has validation {metric} {_text(value)}"
    if champion is None:
        return f"{own}; there was no champion"
    other = f"version {champion.number} ({champion.detector}) has {metric}"
    if champion.dataset_sha256 == challenger.dataset_sha256:
        best = _figure(champion, metric)
        both = f"{own}; {other} {_text(best)}"
    else:
        best = _figure_on_data_of(challenger, champion, tracking, slices)
        both = f"{own}; {other} {_text(best)} on the same slices, scored anew (it may know some of them)"
    if value is None or (best is not None and value <= best):
        raise PromotionRefusedError(
            "the challenger does not beat the champion", received=both,
            remedy="keep the champion; `medfake registry list` shows all versions",
        )  # fmt: skip
    return both


def _about_shortcuts(challenger: Version, probes: Path, *, despite: bool) -> str:
    """What the probes say of the challenger's data, for the ledger."""
    path = probes / f"{challenger.dataset}.json"
    report = read_probes(path) if path.exists() else None
    if report is None or report.dataset_sha256 != challenger.dataset_sha256:
        return "; its data set was not probed for shortcuts here"
    if not report.shortcuts:
        open_ = f", but {len(report.undecided)} of {len(report.findings)} could not rule one out"
        return f"; probes found no shortcut in its data set{open_ if report.undecided else ''}"
    found = "; ".join(f"{one.name}: {one.sentence}" for one in report.findings if one.shortcut)
    if not despite:
        raise PromotionRefusedError(
            "the data set that the challenger learnt from has a shortcut", where=path, received=found,
            remedy="mend the data set, or medfake promote --despite-shortcuts",
        )  # fmt: skip
    return f"; despite a shortcut in its data set ({found})"


def _figure_on_data_of(challenger: Version, champion: Version, tracking: TrackingParams, slices: Path) -> float | None:
    dataset = data_of(challenger, slices)
    if dataset is None:
        raise PromotionRefusedError(
            "challenger and champion were measured on different data, and the challenger's is not here",
            where=slices / challenger.dataset,
            received=f"challenger on {_data(challenger)}; champion on {_data(champion)}",
            remedy=f"dvc repro slices@{challenger.dataset} (or dvc pull), then medfake promote",
        )
    return validation_figure(champion, dataset, challenger.metric, tracking)


def _figure(version: Version, metric: str) -> float | None:
    return version.figures.get(metric, version.value if version.metric == metric else None)


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _data(version: Version) -> str:
    return f"{version.dataset} {version.dataset_sha256[:12]}"
