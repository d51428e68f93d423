"""Protocols by which slices are dealt to train, val and test; one decorated function adds one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from medfake.by_name import Registry
from medfake.config import SplitParams, with_options
from medfake.errors import DataError
from medfake.vocabulary import Split, Task


@dataclass(frozen=True)
class HeldOut:
    """What only the test split sees.

    Attributes:
        name: As params.yaml names it.
        held: Slices that are in test and nowhere else.
        other: Slices that are never in test.
    """

    name: str
    held: "pd.Series[bool]"
    other: "pd.Series[bool]"


Draw = Callable[[pd.DataFrame, Any], "pd.Series[str]"]  # labelled slices, options -> split of each, NaN to leave it out
HoldsOut = Callable[[pd.DataFrame, Any], HeldOut]


@dataclass(frozen=True)
class Protocol:
    """A rule by which slices are dealt.

    Attributes:
        options: Model of the `split` block in params.yaml.
        leaky: Whether slices of one patient may be on both sides; every figure then says so.
        holds_out: What only the test split sees; None for nothing.
    """

    name: str
    draw: Draw
    options: type[SplitParams]
    leaky: bool
    holds_out: HoldsOut | None


PROTOCOLS: Registry[Protocol] = Registry("protocol", room=__name__, where="datasets.<name>.split in params.yaml")


class NoOptions(SplitParams, extra="forbid"):
    """The block of a protocol that has no options of its own."""


class LeaveOut(SplitParams, extra="forbid"):
    """The block of a protocol that holds something out."""

    held_out: str | Annotated[list[str], Field(min_length=1)] = Field(
        description="generator or maker/kernel that only the test split sees; or a list, such as a family of generators"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """What is held out, each by its name."""
        return (self.held_out,) if isinstance(self.held_out, str) else tuple(self.held_out)


def protocol(
    name: str, options: type[SplitParams] = NoOptions, *, leaky: bool = False, holds_out: HoldsOut | None = None
) -> Callable[[Draw], Draw]:
    """Register a protocol.

    Args:
        name: Its word in params.yaml, unique.
        options: Model of the `split` block: a `SplitParams` that forbids other keys.
        leaky: Whether slices of one patient may be on both sides.
        holds_out: Tells which slices only the test split may see, so that a guard can look.

    Example:
        >>> import medfake
        >>> import pandas as pd
        >>> @medfake.protocol("every-fourth-patient")
        ... def every_fourth_patient(slices, params):
        ...     number = pd.factorize(slices.patient_id, sort=True)[0] % 4
        ...     return pd.Series(number, slices.index).map({0: "train", 1: "train", 2: "val", 3: "test"})
        >>> every_fourth_patient(pd.DataFrame({"patient_id": ["a", "a", "b", "c", "d"]}), None).tolist()
        ['train', 'train', 'train', 'val', 'test']
    """

    def register(draw: Draw) -> Draw:
        PROTOCOLS.add(name, Protocol(name, draw, options, leaky, holds_out), draw)
        return draw

    return register


def is_leaky(name: str) -> bool:
    """Whether slices of one patient may be on both sides under a protocol.

    Raises:
        ConfigError: No protocol has this name.
    """
    return PROTOCOLS[name].leaky


def split_options(params: SplitParams, at: tuple[str, ...] = ("split",)) -> SplitParams:
    """A `split` block with the options of its protocol, checked.

    Args:
        params: As params.yaml has it, or checked before.
        at: Key path of the block in params.yaml.

    Raises:
        ConfigError: No protocol has this name, or an option is wrong; key, value and near match are told.
    """
    options = PROTOCOLS.require(params.protocol, ".".join([*at, "protocol"])).options
    return with_options(params, options, at)


def held_out(slices: pd.DataFrame, params: SplitParams) -> HeldOut | None:
    """What only the test split sees of these slices; None under a protocol that holds nothing out."""
    tell = PROTOCOLS[params.protocol].holds_out
    return tell(slices, split_options(params)) if tell else None


def draw_split(slices: pd.DataFrame, params: SplitParams, task: Task = Task.TAMPERING) -> "pd.Series[str]":
    """Split of every slice, NaN where the protocol has no use for it.

    The papers' 85:15 is `test: 0.15`; validation is taken from the other 0.85, since the test split chooses nothing.
    With `test: 0` there is no test split: folds test every patient.

    Args:
        slices: Labelled, with patient_id, manipulation, generator, manufacturer and kernel.
        params: Protocol, shares and seed.
        task: What labels mean.

    Raises:
        DataError: A split would lack one of the classes, or nothing is known of what is held out.
    """
    split = PROTOCOLS[params.protocol].draw(slices, split_options(params))
    for name in wanted_splits(params, split):
        labels = set(slices.label[split == name])
        if labels != {0, 1}:
            has = f"slices of one class alone, {task.yes if 1 in labels else task.no}" if labels else "nothing"
            tampered = slices.patient_id[slices.label == 1].nunique()
            raise DataError(
                f"the {name} split has {has}; every split needs both classes",
                where="datasets.<name>.split in params.yaml",
                received=f"{slices.patient_id.nunique()} patients, {tampered} of them with slices of class {task.yes}",
                remedy="add patients, or give the split a larger share",
            )
    return split


def wanted_splits(params: SplitParams, split: "pd.Series[str]") -> tuple[Split, ...]:
    """Splits that a data set must have: no test split where its share is 0 and the protocol puts nothing into it."""
    return tuple(name for name in Split if name is not Split.TEST or params.test > 0 or bool((split == name).any()))


@protocol("grouped")
def grouped(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """No patient in two splits; patients with and without tampered slices are dealt apart, in the same shares.

    So are patients with other manipulations. The draw depends on the order of patients and the seed, not on pseudonyms.
    """
    wanted = {Split.TRAIN: 1 - params.val - params.test, Split.TEST: params.test, Split.VAL: params.val}
    return slices.patient_id.map(_deal(_slices_of(slices), wanted, params.seed))


@protocol("replica", leaky=True)
def replica(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Slices dealt at random within each class, patients on both sides, as Alsabbagh and Al-Kadi: leaky."""
    rng = np.random.default_rng(params.seed)
    split = pd.Series(Split.TRAIN.value, index=slices.index, dtype=object)
    for _, rows in slices.groupby("label", sort=True):
        order = rng.permutation(rows.index.to_numpy())
        test, val = round(params.test * len(order)), round(params.val * len(order))
        split[order[:test]] = Split.TEST.value
        split[order[test : test + val]] = Split.VAL.value
    return split


def _of_generator(slices: pd.DataFrame, params: LeaveOut) -> HeldOut:
    tampered = slices.label == 1
    held = tampered & slices.generator.isin(params.names)
    return HeldOut(" + ".join(params.names), held, tampered & ~held)


def _of_scanner(slices: pd.DataFrame, params: LeaveOut) -> HeldOut:
    held = _scanner(slices).isin(params.names)
    return HeldOut(" + ".join(params.names), held, ~held)


def _scanner(slices: pd.DataFrame) -> "pd.Series[str]":
    return slices.manufacturer + "/" + slices.kernel


@protocol("leave-generator-out", LeaveOut, holds_out=_of_generator)
def leave_generator_out(slices: pd.DataFrame, params: LeaveOut) -> "pd.Series[str]":
    """Fakes of the held-out generators are in test and nowhere else, fakes of the others never in test.

    Patients stay apart: one with fakes of both kinds is dealt by the shares and keeps only those that fit its split.
    """
    _require_known(params.names, slices.generator[slices.label == 1], "generator")
    return _leave_out(slices, params, _of_generator(slices, params))


@protocol("leave-scanner-out", LeaveOut, holds_out=_of_scanner)
def leave_scanner_out(slices: pd.DataFrame, params: LeaveOut) -> "pd.Series[str]":
    """Slices of the held-out scanner, told apart as `manufacturer/kernel`, are in test and nowhere else."""
    _require_known(params.names, _scanner(slices), "scanner")
    return _leave_out(slices, params, _of_scanner(slices, params))


def _leave_out(slices: pd.DataFrame, params: SplitParams, out: HeldOut) -> "pd.Series[str]":
    """Deal patients so that held rows are only in test and other rows never; rows that are neither go anywhere."""
    patient, held, other = slices.patient_id, out.held, out.other
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


def _require_known(held_out: Sequence[str], known: Iterable[str], word: str) -> None:
    counts = pd.Series(list(known)).value_counts()
    there = ", ".join(f"{name!r} ({count} slices)" for name, count in counts.items())
    unknown = [name for name in held_out if name not in counts.index]
    if unknown:
        raise DataError(
            f"no slice is of the {word} that is to be held out", where="datasets.<name>.split.held_out in params.yaml",
            received=", ".join(unknown), remedy=f"choose among {there}",
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
    wanted = {name: share for name, share in wanted.items() if share > 0}
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
