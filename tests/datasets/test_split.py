"""Patients dealt to splits: none in two, both classes in each, whatever the patients' pseudonyms are."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medfake.config import SplitParams
from medfake.datasets.split import PROTOCOLS, SPLITS, draw_split
from medfake.errors import DataError


def _params(val: float = 0.2, test: float = 0.3, seed: int = 1) -> SplitParams:
    return SplitParams(protocol="grouped", val=val, test=test, seed=seed)


def _slices(tampered: int, real: int, both: int = 0, prefix: str = "p") -> pd.DataFrame:
    labels = [*[(1,)] * tampered, *[(0,)] * real, *[(0, 1)] * both]
    rows = [(f"{prefix}{number}", label) for number, own in enumerate(labels) for label in own * 2]
    return pd.DataFrame(rows, columns=["patient_id", "label"])


@given(
    tampered=st.integers(3, 40),
    real=st.integers(3, 40),
    both=st.integers(0, 20),
    seed=st.integers(0, 2**32),
    shares=st.sampled_from([(0.2, 0.3), (0.1, 0.1), (0.3, 0.5), (0.05, 0.9)]),
)
def test_no_patient_is_in_two_splits_and_every_split_has_both_classes(
    tampered: int, real: int, both: int, seed: int, shares: tuple[float, float]
) -> None:
    slices = _slices(tampered, real, both)
    slices["split"] = draw_split(slices, _params(*shares, seed))
    assert slices.groupby("patient_id").split.nunique().max() == 1
    assert set(zip(slices.split, slices.label, strict=True)) == {(name, label) for name in SPLITS for label in (0, 1)}


@given(seed=st.integers(0, 2**32))
def test_three_patients_with_both_classes_are_dealt_one_to_each_split(seed: int) -> None:
    slices = _slices(0, 0, both=3)
    split = draw_split(slices, _params(seed=seed))
    assert slices.assign(split=split).groupby("split").patient_id.nunique().to_dict() == dict.fromkeys(SPLITS, 1)


@pytest.mark.parametrize(("tampered", "real", "both"), [(2, 9, 0), (9, 2, 0), (0, 0, 2)])
def test_too_few_patients_of_a_class_are_refused_with_their_number(tampered: int, real: int, both: int) -> None:
    slices = _slices(tampered, real, both)
    with pytest.raises(DataError) as caught:
        draw_split(slices, _params())
    assert f"{tampered + real + both} patients" in str(caught.value)
    assert "next:" in str(caught.value)


def test_tampered_and_real_patients_are_dealt_in_the_asked_shares() -> None:
    slices = _slices(20, 40)
    split = draw_split(slices, _params())
    dealt = slices.assign(split=split).groupby(["split", "label"]).patient_id.nunique().to_dict()
    assert dealt == {
        ("test", 0): 12,
        ("test", 1): 6,
        ("train", 0): 20,
        ("train", 1): 10,
        ("val", 0): 8,
        ("val", 1): 4,
    }


def test_the_draw_does_not_depend_on_pseudonyms() -> None:
    first, second = _slices(5, 7, prefix="p"), _slices(5, 7, prefix="zz")
    assert draw_split(first, _params()).tolist() == draw_split(second, _params()).tolist()


def test_another_seed_deals_otherwise() -> None:
    slices = _slices(10, 10)
    assert draw_split(slices, _params(seed=1)).tolist() != draw_split(slices, _params(seed=2)).tolist()


def test_every_protocol_of_params_is_registered() -> None:
    (allowed,) = [SplitParams.model_fields["protocol"].annotation.__args__]  # type: ignore[union-attr]  # a Literal
    assert set(allowed) <= set(PROTOCOLS)
