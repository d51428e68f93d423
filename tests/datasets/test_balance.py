"""Equal classes in every split, by down-sampling and nothing else; matched negatives resemble the fakes."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medfake.config import BalanceParams
from medfake.datasets.balance import HOME_SHARE, NODULE_SHARE, balance

COUNTS = st.dictionaries(
    st.sampled_from(["train", "val", "test"]), st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1
)
KINDS = st.sampled_from(["matched", "random"])


def _params(seed: int = 1, negatives: str = "matched") -> BalanceParams:
    return BalanceParams.model_validate({"tolerance": 0.0, "seed": seed, "negatives": negatives})


def _slices(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = [(split, label) for split, both in counts.items() for label in (0, 1) for _ in range(both[label])]
    slices = pd.DataFrame(rows, columns=["split", "label"])
    number = pd.Series(range(len(slices)), dtype=int)
    return slices.assign(
        manipulation=slices.label.map({0: "none", 1: "injected"}),
        source="s",
        scan_id="scan" + (number % 7).astype(str),
        z_relative=number % 10 / 9,
        site_y=float("nan"),
    )


@given(counts=COUNTS, seed=st.integers(0, 2**32), negatives=KINDS)
def test_every_split_keeps_as_many_slices_of_each_class_as_the_rarer_one_has(
    counts: dict[str, tuple[int, int]], seed: int, negatives: str
) -> None:
    slices = _slices(counts)
    kept = balance(slices, _params(seed, negatives))
    for split, (real, tampered) in counts.items():
        labels = kept.label[kept.split == split].tolist()
        assert sorted(labels) == [0] * min(real, tampered) + [1] * min(real, tampered)
    assert kept.index.is_monotonic_increasing
    assert kept.index.is_unique
    assert kept.equals(slices.loc[kept.index])


@pytest.mark.parametrize("negatives", ["matched", "random"])
def test_a_seed_draws_the_same_slices_again_and_another_seed_others(negatives: str) -> None:
    slices = _slices({"train": (50, 10)})
    draws = [balance(slices, _params(seed, negatives)).index.tolist() for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_three_classes_are_kept_in_equal_parts() -> None:
    slices = _slices({"train": (50, 30), "val": (9, 20)})
    slices.loc[slices.index[slices.label == 1][::3], "manipulation"] = "removed"
    kept = balance(slices, _params(), classes=3)
    for split, rarest in (("train", 10), ("val", 7)):
        counts = kept.manipulation[kept.split == split].value_counts()
        assert counts.to_dict() == dict.fromkeys(("none", "removed", "injected"), rarest)


def test_matched_negatives_come_from_the_fakes_own_sources_too() -> None:
    slices = _slices({"train": (1000, 40)})
    slices.loc[slices.label == 1, "source"] = "fakes"
    slices.loc[slices.index[slices.label == 0][:50], "source"] = "fakes"
    real = balance(slices, _params()).query("label == 0")
    assert (real.source == "fakes").sum() == 40 * HOME_SHARE
    drawn = balance(slices, _params(negatives="random")).query("label == 0")
    assert (drawn.source == "fakes").sum() < 10


def test_a_quarter_of_matched_negatives_shows_a_real_nodule() -> None:
    slices = _slices({"train": (1000, 40)})
    slices.loc[slices.index[slices.label == 0][:60], "site_y"] = 30.0
    real = balance(slices, _params()).query("label == 0")
    assert real.site_y.notna().sum() >= 40 * NODULE_SHARE


def test_negatives_on_nodules_hold_their_centres_first_then_show_one_and_are_matched_ones_in_the_end() -> None:
    slices = _slices({"train": (1000, 40)}).assign(distance_mm=float("nan"))
    real = slices.index[slices.label == 0]
    slices.loc[real[:45], ["site_y", "distance_mm"]] = (30.0, 10.0)
    slices.loc[real[:24], "distance_mm"] = 0.0
    kept = balance(slices, _params(negatives="nodules")).query("label == 0")
    assert set(real[:24]) <= set(kept.index)
    assert kept.site_y.notna().sum() == 40
    slices.loc[real[30:45], "site_y"] = float("nan")
    kept = balance(slices, _params(negatives="nodules")).query("label == 0")
    assert (len(kept), kept.site_y.notna().sum()) == (40, 30)


def test_three_classes_have_untampered_slices_on_nodules_too() -> None:
    slices = _slices({"train": (50, 30)}).assign(distance_mm=0.0)
    slices.loc[slices.index[slices.label == 1][::3], "manipulation"] = "removed"
    slices.loc[slices.index[slices.label == 0][:10], "site_y"] = 30.0
    kept = balance(slices, _params(negatives="nodules"), classes=3).query("label == 0")
    assert kept.index.tolist() == slices.index[slices.label == 0][:10].tolist()


def test_matched_negatives_lie_where_the_tampered_slices_lie() -> None:
    slices = _slices({"train": (1000, 40)})
    slices.loc[slices.label == 1, "z_relative"] = 0.75
    real = balance(slices, _params()).query("label == 0")
    assert real.z_relative.between(0.7, 0.8).all()


def test_scans_take_turns_as_matched_negatives() -> None:
    slices = _slices({"train": (900, 20)})
    slices["z_relative"] = 0.5
    slices.loc[slices.label == 0, "scan_id"] = ["large"] * 880 + [f"small{n}" for n in range(20)]
    real = balance(slices, _params()).query("label == 0")
    assert (real.scan_id == "large").sum() == 1


def test_fakes_without_a_place_in_a_body_are_matched_by_slices_of_all_heights() -> None:
    slices = _slices({"train": (60, 20)})
    slices.loc[slices.label == 1, "z_relative"] = float("nan")
    kept = balance(slices, _params())
    real = kept[kept.label == 0]
    assert len(real) == 20
    assert (real.z_relative * 9).round().nunique() == 10
