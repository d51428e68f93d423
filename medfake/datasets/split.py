"""Protocols by which patients are dealt to train, val and test; one decorated function adds one."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from medfake.config import SplitParams
from medfake.errors import DataError

SPLITS = ("train", "val", "test")
Draw = Callable[[pd.DataFrame, SplitParams], "pd.Series[str]"]
PROTOCOLS: dict[str, Draw] = {}  # name in params.yaml -> labelled slices -> split of each slice


def protocol(name: str) -> Callable[[Draw], Draw]:
    """Register a protocol."""

    def register(draw: Draw) -> Draw:
        PROTOCOLS[name] = draw
        return draw

    return register


def draw_split(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """Split of every slice.

    Raises:
        DataError: A split would lack one of the classes.
    """
    split = PROTOCOLS[params.protocol](slices, params)
    for name in SPLITS:
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


@protocol("grouped")
def grouped(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[str]":
    """No patient in two splits; patients with and without tampered slices are dealt apart, in the same shares.

    The draw depends on the order of patients and the seed, never on their pseudonyms.
    """
    labels = slices.groupby("patient_id", sort=False).label.agg(["min", "max"])
    has = {patient: set(range(int(low), int(high) + 1)) for patient, low, high in labels.itertuples()}
    wanted = {"train": 1 - params.val - params.test, "test": params.test, "val": params.val}
    rng = np.random.default_rng(params.seed)
    of_patient: dict[str, str] = {}
    lacking = {name: {0, 1} for name in wanted}
    for strata in (({0, 1}, {1}), ({0},)):
        dealt = dict.fromkeys(wanted, 0)
        total = sum(own in strata for own in has.values())
        for stratum in strata:
            for patient in rng.permutation([patient for patient, own in has.items() if own == stratum]):
                first = min(
                    wanted,
                    key=lambda name: (not lacking[name] & stratum, dealt[name] - wanted[name] * total),
                )
                of_patient[str(patient)] = first
                lacking[first] -= stratum
                dealt[first] += 1
    return slices.patient_id.map(of_patient)
