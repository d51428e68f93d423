"""Patients dealt to splits: none in two, both classes in each, whatever the patients' pseudonyms are."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medfake.config import SplitParams
from medfake.datasets.split import PROTOCOLS, draw_split, held_out, is_leaky
from medfake.errors import DataError
from medfake.vocabulary import Split


def _params(val: float = 0.2, test: float = 0.3, seed: int = 1) -> SplitParams:
    return SplitParams(protocol="grouped", val=val, test=test, seed=seed)


def _slices(tampered: int, real: int, both: int = 0, prefix: str = "p") -> pd.DataFrame:
    labels = [*[(1,)] * tampered, *[(0,)] * real, *[(0, 1)] * both]
    rows = [(f"{prefix}{number}", label) for number, own in enumerate(labels) for label in own * 2]
    slices = pd.DataFrame(rows, columns=["patient_id", "label"])
    return slices.assign(manipulation=slices.label.map({0: "none", 1: "injected"}))


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
    assert set(zip(slices.split, slices.label, strict=True)) == {(name, label) for name in Split for label in (0, 1)}


@given(seed=st.integers(0, 2**32))
def test_three_patients_with_both_classes_are_dealt_one_to_each_split(seed: int) -> None:
    slices = _slices(0, 0, both=3)
    split = draw_split(slices, _params(seed=seed))
    assert slices.assign(split=split).groupby("split").patient_id.nunique().to_dict() == dict.fromkeys(Split, 1)


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


def test_each_manipulation_is_dealt_in_the_asked_shares() -> None:
    slices = _slices(20, 5)
    injected = slices.patient_id.isin([f"p{number}" for number in range(10)])
    slices.loc[(slices.label == 1) & ~injected, "manipulation"] = "removed"
    for seed in range(5):
        split = draw_split(slices, _params(seed=seed))
        patients = slices.assign(split=split)[slices.label == 1].groupby(["split", "manipulation"]).patient_id.nunique()
        assert patients.to_dict() == {
            ("test", "injected"): 3, ("test", "removed"): 3, ("train", "injected"): 5, ("train", "removed"): 5,
            ("val", "injected"): 2, ("val", "removed"): 2,
        }  # fmt: skip


def test_the_draw_does_not_depend_on_pseudonyms() -> None:
    first, second = _slices(5, 7, prefix="p"), _slices(5, 7, prefix="zz")
    assert draw_split(first, _params()).tolist() == draw_split(second, _params()).tolist()


def test_another_seed_deals_otherwise() -> None:
    slices = _slices(10, 10)
    assert draw_split(slices, _params(seed=1)).tolist() != draw_split(slices, _params(seed=2)).tolist()


def test_a_protocol_says_itself_whether_it_is_leaky() -> None:
    assert {name: is_leaky(name) for name in PROTOCOLS} == {
        "grouped": False,
        "leave-generator-out": False,
        "leave-scanner-out": False,
        "replica": True,
    }


@pytest.mark.parametrize("protocol", ["leave-generator-out", "leave-scanner-out"])
def test_what_is_held_out_and_what_is_not_are_told_apart(protocol: str) -> None:
    slices = _fakes(generator=["", "A", "", "B"] * 3, kernel=["soft", "soft", "sharp", "sharp"] * 3)
    name = "B" if protocol == "leave-generator-out" else "m/sharp"
    out = held_out(slices, _leaving(protocol, name))
    assert out is not None
    assert out.name == name
    assert not (out.held & out.other).any()
    assert (out.held | out.other).sum() == (6 if protocol == "leave-generator-out" else 12)
    assert held_out(slices, _params()) is None


def _fakes(**columns: list[object]) -> pd.DataFrame:
    """Six patients; each has a tampered and a real slice, with the columns asked for."""
    rows = pd.DataFrame({"patient_id": [f"p{n // 2}" for n in range(12)], "label": [0, 1] * 6})
    rows["manipulation"] = ["none", "injected"] * 6
    rows["generator"], rows["manufacturer"], rows["kernel"] = "", "m", "k"
    for name, values in columns.items():
        rows[name] = values
    return rows


def _leaving(protocol: str, held_out: str | list[str]) -> SplitParams:
    return SplitParams.model_validate({"protocol": protocol, "val": 0.3, "test": 0.3, "seed": 1, "held_out": held_out})


def test_the_replica_puts_a_patient_on_both_sides_and_keeps_shares_and_classes() -> None:
    slices = pd.DataFrame({"patient_id": ["one"] * 100 + ["two"] * 100, "label": [0] * 100 + [1] * 100})
    split = draw_split(slices, SplitParams(protocol="replica", val=0.1, test=0.15, seed=1))
    assert slices.assign(split=split).groupby("patient_id").split.nunique().tolist() == [3, 3]
    assert slices.assign(split=split).groupby(["split", "label"]).size().to_dict() == {
        ("test", 0): 15, ("test", 1): 15, ("train", 0): 75, ("train", 1): 75, ("val", 0): 10, ("val", 1): 10,
    }  # fmt: skip


def test_fakes_of_the_held_out_generator_are_only_tested() -> None:
    slices = _fakes(generator=["", "a"] * 4 + ["", "b"] * 2)
    slices["split"] = draw_split(slices, _leaving("leave-generator-out", "b"))
    tampered = slices[slices.label == 1]
    assert set(tampered.split[tampered.generator == "b"]) == {"test"}
    assert set(tampered.split[tampered.generator == "a"]) == {"train", "val"}
    assert slices.groupby("patient_id").split.nunique().max() == 1


def test_a_family_of_generators_is_held_out_by_their_names() -> None:
    slices = _fakes(generator=["", "injection", "", "removal"] * 2 + ["", "poisson", "", "copy-move"])
    paste = _leaving("leave-generator-out", ["copy-move", "poisson"])
    slices["split"] = draw_split(slices, paste)
    tampered = slices[slices.label == 1]
    assert set(tampered.split[tampered.generator.isin(["poisson", "copy-move"])]) == {"test"}
    assert set(tampered.split[tampered.generator.isin(["injection", "removal"])]) == {"train", "val"}
    out = held_out(slices, paste)
    assert out is not None
    assert out.name == "copy-move + poisson"


def test_a_patient_with_fakes_of_both_kinds_keeps_those_that_fit_its_split() -> None:
    slices = pd.concat([_fakes(generator=["", "a"] * 6), _fakes(generator=["", "b"] * 6)], ignore_index=True)
    slices["split"] = draw_split(slices, _leaving("leave-generator-out", "b"))
    assert slices.groupby("patient_id").split.nunique().max() == 1
    used = slices[(slices.label == 1) & slices.split.notna()]
    assert set(zip(used.generator, used.split, strict=True)) == {("a", "train"), ("a", "val"), ("b", "test")}


def test_the_held_out_scanner_is_only_tested() -> None:
    slices = _fakes(kernel=["soft"] * 8 + ["sharp"] * 4)
    slices["split"] = draw_split(slices, _leaving("leave-scanner-out", "m/sharp"))
    assert set(slices.split[slices.kernel == "sharp"]) == {"test"}
    assert set(slices.split[slices.kernel == "soft"]) == {"train", "val"}


@pytest.mark.parametrize(
    ("protocol", "known"),
    [("leave-generator-out", "'a'"), ("leave-scanner-out", "'m/k'")],
)
def test_what_is_held_out_must_exist_and_those_that_do_are_named(protocol: str, known: str) -> None:
    with pytest.raises(DataError) as caught:
        draw_split(_fakes(generator=["", "a"] * 6), _leaving(protocol, "absent"))
    assert f"choose among {known}" in str(caught.value)


def test_a_generator_that_only_one_split_could_have_is_refused() -> None:
    with pytest.raises(DataError, match="the train split has nothing"):
        draw_split(_fakes(generator=["", "a"] * 6), _leaving("leave-generator-out", "a"))


@given(seed=st.integers(0, 2**32))
def test_without_a_share_there_is_no_test_split_and_the_others_have_both_classes(seed: int) -> None:
    slices = _slices(5, 5)
    params = SplitParams(protocol="grouped", val=0.2, test=0.0, seed=seed, folds=5)
    slices["split"] = draw_split(slices, params)
    assert set(zip(slices.split, slices.label, strict=True)) == {(n, lab) for n in ("train", "val") for lab in (0, 1)}
