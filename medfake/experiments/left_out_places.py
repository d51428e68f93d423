"""Places of a bank's slices, each by itself, measured by judges that never saw their patient."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.dense.judged import JudgedSlices
from medfake.detectors.dense.statistics import nearest_sites, place_labels
from medfake.experiments.left_out_rows import Members, family_row
from medfake.experiments.unseen import JudgesOf
from medfake.files import write_atomic
from medfake.metrics.bootstrap import Bootstrap, cluster
from medfake.metrics.within_slice import auc_figure
from medfake.progress import track
from medfake.reports.leave_out import NOTHING, LeaveOut, LeaveOutMatrix
from medfake.tamper.bank import Bank, SliceKind

ALL: Final = "all"
"""Column of manipulations of all families."""
_UNTOUCHED_OF_A_SLICE: Final = 100
_MANIPULATION: Final = "manipulation"


@dataclass(frozen=True)
class MeasuredPlaces:
    """What was said of places of one slice.

    Attributes:
        patient: Pseudonym.
        manipulation: (places,) names, "" for an untouched place.
        logits: (places,) by name of the judge.
    """

    patient: str
    manipulation: NDArray[np.str_]
    logits: Mapping[str, NDArray[np.float32]]


def slices_for_places(bank: Bank, most: int, seed: int) -> list[int]:
    """Manipulated slices, and half as many untouched ones, drawn by turns of patients.

    Args:
        bank: The bank.
        most: Manipulated slices.
        seed: Same seed, same slices.
    """
    drawn: list[int] = []
    for kind, share in ((SliceKind.FORGED, most), (SliceKind.UNTOUCHED, -(-most // 2))):
        own = bank.slices[bank.slices.kind == kind].sample(frac=1, random_state=seed)
        turns = own.groupby("patient_id").cumcount()
        drawn += own.number[turns.sort_values(kind="stable").index[:share]].tolist()
    return sorted(drawn)


def measure_places(
    bank: Bank, numbers: Sequence[int], judges_of: JudgesOf, front: JudgedSlices, kept: Path
) -> Iterator[MeasuredPlaces]:
    """What judges that have not seen a slice's patient say of its places.

    Args:
        bank: That the slices are of.
        numbers: Of slices.
        judges_of: Judges by name.
        front: Makes features of places.
        kept: Folder where what was measured is kept; it stands for the bank and the judges.

    Yields:
        Slice by slice; those without any place that counts are left out.
    """
    for number in track(numbers, "measuring places", len(numbers)):
        path = kept / f"places-{number:06d}.npz"
        patient = str(bank.slices.loc[number, "patient_id"])
        if not path.exists():
            with write_atomic(path, "wb") as file:
                np.savez(file, **_said_of(bank, number, judges_of(patient), front))
        with np.load(path, allow_pickle=False) as stored:
            said = {name: stored[name] for name in stored.files}
        manipulation = said.pop(_MANIPULATION)
        if len(manipulation):
            yield MeasuredPlaces(patient, manipulation, said)


def _said_of(bank: Bank, number: int, judges: Mapping[str, Any], front: JudgedSlices) -> dict[str, Any]:
    said = front.score(bank.hu(number)[None], judges)
    counts = next(iter(said.values())).place_counts
    if counts is None:
        message = "judges of places give maps"
        raise ValueError(message)
    labels = place_labels(bank.change(number))[: counts.shape[1], : counts.shape[2]]
    labels = np.where(counts[0] > 0, labels, -1)
    untouched, tampered = np.argwhere(labels == 0), np.argwhere(labels == 1)
    rng = np.random.default_rng(number)
    untouched = untouched[rng.permutation(len(untouched))[:_UNTOUCHED_OF_A_SLICE]]
    owners = nearest_sites(tampered, bank.sites[bank.sites.number == number])
    names = bank.sites.manipulation.reindex(owners).fillna("").to_numpy(dtype=str)
    places = np.concatenate([untouched, tampered])
    maps = {name: one.place_logit[0][tuple(places.T)] for name, one in said.items() if one.place_logit is not None}
    return {_MANIPULATION: np.concatenate([np.full(len(untouched), ""), names]).astype(str), **maps}


def families_of_places(
    places: Sequence[MeasuredPlaces],
    tested: Members,
    rows: Sequence[str],
    real_only: Sequence[str],
    bootstrap: Bootstrap,
) -> LeaveOutMatrix:
    """Manipulated places of a column's family against all untouched ones.

    Args:
        places: Slice by slice.
        tested: Manipulations by family.
        rows: Families that were left out.
        real_only: Detectors that have seen real slices alone.
        bootstrap: How intervals are made.
    """
    manipulation = np.concatenate([one.manipulation for one in places])
    patients = np.repeat([one.patient for one in places], [len(one.manipulation) for one in places])
    columns = {**{name: np.isin(manipulation, own) for name, own in tested.items()}, ALL: manipulation != ""}
    named = {NOTHING: NOTHING, **{name: family_row(name) for name in rows}, **{name: name for name in real_only}}
    cells = []
    for row, judge in named.items():
        logits = np.concatenate([one.logits[judge] for one in places])
        for column, tampered in columns.items():
            if not tampered.any():
                continue
            kept = tampered | (manipulation == "")
            clusters = cluster(patients[kept], patients[kept])
            figure = auc_figure(tampered[kept].astype(float), logits[kept], clusters, bootstrap)
            low, high = (figure.interval.low, figure.interval.high) if figure.interval else (None, None)
            untouched = int(kept.sum() - tampered.sum())
            cells.append(LeaveOut(
                row, column, figure.value, low, high, int(tampered.sum()), untouched, real_only=row in real_only,
            ))  # fmt: skip
    return LeaveOutMatrix.of("Place AUC by family, slices of the bank", cells, "places")
