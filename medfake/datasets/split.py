"""Protocols by which slices are dealt to train, val and test; one decorated function adds one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medfake.config import SplitParams
from medfake.errors import DataError
from medfake.vocabulary import Split

SPLITS = tuple(Split)
Draw = Callable[[pd.DataFrame, SplitParams], "pd.Series[str]"]


@dataclass(frozen=True)
class Protocol:
    """A rule by which slices are dealt.

    Attributes:
        draw: Labelled slices -> split of each slice, NaN to leave it out.
        leaky: Whether slices of one patient may be on both sides; every figure then says so.
    """

    name: str
    draw: Draw
    leaky: bool


PROTOCOLS: dict[str, Protocol] = {}  # name in params.yaml -> protocol


def protocol(name: str, *, leaky: bool = False) -> Callable[[Draw], Draw]:
    """Register a protocol."""

    def register(draw: Draw) -> Draw:
        PROTOCOLS[name] = Protocol(name, draw, leaky)
        return draw

    return register


def is_leaky(name: str) -> bool:
    """Whether slices of one patient may be on both sides under a protocol."""
    return PROTOCOLS[name].leaky


def draw_split(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Split of every slice, NaN where the protocol has no use for it.

    The papers' 85:15 is `test: 0.15`; validation is taken from the other 0.85, since the test split chooses nothing.

    Args:
        slices: Labelled, with patient_id, manipulation, generator, manufacturer and kernel.
        params: Protocol, shares and seed.

    Raises:
        DataError: A split would lack one of the classes, or nothing is known of what is held out.
    """
    split = PROTOCOLS[params.protocol].draw(slices, params)
    for name in Split:
        labels = set(slices.label[split == name])
        if labels != {0, 1}:
            has = "nothing" if not labels else "only real slices" if labels == {0} else "only tampered slices"
            tampered = slices.patient_id[slices.label == 1].nunique()
            raise DataError(
                f"the {name} split has {has}; every split needs both classes",
                where="datasets.<name>.split in params.yaml",
                received=f"{slices.patient_id.nunique()} patients, {tampered} of them with tampered slices",
                remedy="add patients, or give the split a larger share",
            )
    return split


def draw_folds(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[int]":
    """Fold of every slice of train and val, null in test and when `folds` is null.

    No patient is in two folds, except under `replica`; classes are spread evenly (scikit-learn's stratified folds).

    Args:
        slices: With `split`, label and patient_id.
        params: Number of folds and seed.

    Raises:
        DataError: There are fewer patients than folds.
    """
    folds = pd.Series(pd.NA, index=slices.index, dtype="Int32")
    if params.folds is None:
        return folds
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    learnt = slices[slices.split.isin([Split.TRAIN, Split.VAL])]
    groups = pd.factorize(learnt.patient_id)[0]  # in order of appearance: pseudonyms decide nothing
    if groups.max() + 1 < params.folds:
        raise DataError(
            "there are fewer patients than folds", where="datasets.<name>.split.folds in params.yaml",
            received=f"{groups.max() + 1} patients in train and val, {params.folds} folds",
            remedy="ask for fewer folds",
        )  # fmt: skip
    kind = StratifiedKFold if is_leaky(params.protocol) else StratifiedGroupKFold
    dealer = kind(n_splits=params.folds, shuffle=True, random_state=params.seed)
    for number, (_, held) in enumerate(dealer.split(learnt, learnt.label, groups)):
        folds[learnt.index[held]] = number
    return folds


@protocol("grouped")
def grouped(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """No patient in two splits; patients with and without tampered slices are dealt apart, in the same shares.

    So are patients with other manipulations. The draw depends on the order of patients and the seed, not on pseudonyms.
    """
    wanted = {Split.TRAIN: 1 - params.val - params.test, Split.TEST: params.test, Split.VAL: params.val}
    return slices.patient_id.map(_deal(_slices_of(slices), wanted, params.seed))


@protocol("replica", leaky=True)
def replica(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Slices dealt at random within each class, patients on both sides: the papers' protocol, and leaky."""
    rng = np.random.default_rng(params.seed)
    split = pd.Series(Split.TRAIN.value, index=slices.index, dtype=object)
    for _, rows in slices.groupby("label", sort=True):
        order = rng.permutation(rows.index.to_numpy())
        test, val = round(params.test * len(order)), round(params.val * len(order))
        split[order[:test]] = Split.TEST.value
        split[order[test : test + val]] = Split.VAL.value
    return split


@protocol("leave-generator-out")
def leave_generator_out(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Fakes of the held-out generator are in test and nowhere else, fakes of the others never in test.

    Patients stay apart: one with fakes of both kinds is dealt by the shares and keeps only those that fit its split.
    """
    tampered = slices.label == 1
    held = tampered & (slices.generator == params.held_out)
    _require_known(params.held_out, slices.generator[tampered], "generator")
    return _leave_out(slices, params, held, tampered & ~held)


@protocol("leave-scanner-out")
def leave_scanner_out(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Slices of the held-out scanner, told apart as `manufacturer/kernel`, are in test and nowhere else."""
    scanner = slices.manufacturer + "/" + slices.kernel
    _require_known(params.held_out, scanner, "scanner")
    held = scanner == params.held_out
    return _leave_out(slices, params, held, ~held)


def _leave_out(
    slices: pd.DataFrame, params: SplitParams, held: "pd.Series[bool]", other: "pd.Series[bool]"
) -> "pd.Series[str]":
    """Deal patients so that `held` rows are only in test and `other` rows never; rows that are neither go anywhere."""
    patient = slices.patient_id
    with_held, with_other = set(patient[held]), set(patient[other])
    only_held, only_other = with_held - with_other, with_other - with_held
    rest = ~patient.isin(only_held | only_other)
    all_shares = {Split.TRAIN: 1 - params.val - params.test, Split.TEST: params.test, Split.VAL: params.val}
    learnt = {Split.TRAIN: all_shares[Split.TRAIN] / (1 - params.test), Split.VAL: params.val / (1 - params.test)}
    of_patient: dict[str, str] = dict.fromkeys(only_held, Split.TEST.value)
    of_patient |= _deal(_slices_of(slices[patient.isin(only_other)]), learnt, params.seed)
    of_patient |= _deal(_slices_of(slices[rest]), all_shares, params.seed)
    split: pd.Series[str] = patient.map(of_patient)
    return split.mask((held & (split != Split.TEST)) | (other & (split == Split.TEST)))


def _require_known(held_out: str | None, known: Iterable[str], word: str) -> None:
    counts = pd.Series(list(known)).value_counts()
    there = ", ".join(f"{name!r} ({count} slices)" for name, count in counts.items())
    if held_out not in counts.index:
        raise DataError(
            f"no slice is of the {word} that is to be held out", where="datasets.<name>.split.held_out in params.yaml",
            received=held_out, remedy=f"choose among {there}",
        )  # fmt: skip


@dataclass(frozen=True)
class _Has:
    """What slices a patient has: classes, and words of manipulations."""

    classes: frozenset[int]
    kinds: tuple[str, ...]


def _slices_of(slices: pd.DataFrame) -> dict[str, _Has]:
    """What each patient has, patients in order of appearance."""
    return {
        str(patient): _Has(frozenset(own.label.astype(int)), tuple(sorted(set(own.manipulation))))
        for patient, own in slices.groupby("patient_id", sort=False)
    }


def _deal(patients: Mapping[str, _Has], wanted: Mapping[Split, float], seed: int) -> dict[str, str]:
    """Deal patients to splits in the wanted shares (Sainte-Lague), first those that a split still lacks a class for."""
    rng = np.random.default_rng(seed)
    of_patient: dict[str, str] = {}
    lacking = {name: {0, 1} for name in wanted}
    for strata in (([0, 1], [1]), ([0],)):
        dealt = dict.fromkeys(wanted, 0)
        for stratum in strata:
            shuffled = rng.permutation([one for one, has in patients.items() if sorted(has.classes) == stratum])
            for patient in sorted(map(str, shuffled), key=lambda one: patients[one].kinds):
                first = min(
                    wanted,
                    key=lambda name: (not lacking[name] & set(stratum), (dealt[name] + 0.5) / wanted[name]),
                )
                of_patient[patient] = first.value
                lacking[first] -= set(stratum)
                dealt[first] += 1
    return of_patient


LEAKY = frozenset(name for name in PROTOCOLS if is_leaky(name))
