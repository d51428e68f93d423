"""50:50 in every split, by down-sampling and nothing else."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from medfake.datasets.balance import balance

COUNTS = st.dictionaries(
    st.sampled_from(["train", "val", "test"]), st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1
)


def _slices(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = [(split, label) for split, both in counts.items() for label in (0, 1) for _ in range(both[label])]
    return pd.DataFrame(rows, columns=["split", "label"])


@given(counts=COUNTS, seed=st.integers(0, 2**32))
def test_every_split_keeps_as_many_slices_of_each_class_as_the_rarer_one_has(
    counts: dict[str, tuple[int, int]], seed: int
) -> None:
    slices = _slices(counts)
    kept = balance(slices, seed)
    for split, (real, tampered) in counts.items():
        labels = kept.label[kept.split == split].tolist()
        assert sorted(labels) == [0] * min(real, tampered) + [1] * min(real, tampered)
    assert kept.index.is_monotonic_increasing
    assert kept.equals(slices.loc[kept.index])


def test_a_seed_draws_the_same_slices_again_and_another_seed_others() -> None:
    slices = _slices({"train": (50, 10)})
    assert balance(slices, 1).index.tolist() == balance(slices, 1).index.tolist()
    assert balance(slices, 1).index.tolist() != balance(slices, 2).index.tolist()
