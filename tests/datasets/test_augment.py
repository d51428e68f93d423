"""Copies of slices, and where their sites go."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medfake.config import AugmentParams
from medfake.datasets.augment import AIR_HU, apply, expand, move, transforms

PAPER = AugmentParams()
WORDS = transforms(PAPER)


def test_the_papers_set_is_three_flips_eight_shifts_and_rotations_every_six_degrees() -> None:
    kinds = {kind: sum(word.startswith(kind) for word in WORDS) for kind in ("flip", "shift", "rotate")}
    assert kinds == {"flip": 3, "shift": 8, "rotate": 59}
    assert len(set(WORDS)) == len(WORDS)


@pytest.mark.parametrize(
    ("change", "left"),
    [({"flips": False}, 67), ({"shift_px": 0}, 62), ({"rotate_step_deg": 0}, 11), ({"rotate_step_deg": 90}, 14)],
)
def test_each_kind_can_be_left_out(change: dict[str, int], left: int) -> None:
    assert len(transforms(PAPER.model_copy(update=change))) == left


@given(word=st.sampled_from(WORDS), y=st.integers(12, 28), x=st.integers(16, 34), rows=st.just(41), cols=st.just(51))
def test_a_bright_spot_goes_where_move_says(word: str, y: int, x: int, rows: int, cols: int) -> None:
    pixels = np.zeros((rows, cols), np.int16)
    pixels[y - 1 : y + 2, x - 1 : x + 2] = 900
    copy = apply(pixels, word)
    weights = np.clip(copy.astype(float), 0, None)
    found = [(weights * grid).sum() / weights.sum() for grid in np.mgrid[:rows, :cols]]
    assert found == pytest.approx(move(y, x, word, rows, cols), abs=0.35)
    assert copy.shape == pixels.shape
    assert copy.dtype == np.int16


def test_what_comes_in_is_air() -> None:
    pixels = np.full((8, 8), 100, np.int16)
    assert (apply(pixels, "shift+4-4")[:4] == AIR_HU).all()
    assert (apply(pixels, "shift+4-4")[4:, :4] == 100).all()
    assert apply(pixels, "rotate042")[0, 0] == AIR_HU


def test_the_slice_itself_stays_as_it_is() -> None:
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4)
    assert apply(pixels, "") is pixels
    assert move(1.0, 2.0, "", 3, 4) == (1.0, 2.0)


def test_only_the_named_splits_are_augmented_both_classes_alike() -> None:
    rows = pd.DataFrame({"split": ["train", "test", "train"], "label": [0, 1, 1]}, index=[5, 7, 9])
    expanded = expand(rows, PAPER)
    assert expanded.groupby(["split", "label"]).size().to_dict() == {
        ("test", 1): 1, ("train", 0): len(WORDS) + 1, ("train", 1): len(WORDS) + 1,
    }  # fmt: skip
    first = expanded[expanded.label == 0]
    assert first["transform"].tolist() == ["", *WORDS]
    assert expanded[expanded.split == "test"]["transform"].tolist() == [""]


def test_without_augmentation_every_slice_is_itself() -> None:
    rows = pd.DataFrame({"split": ["train", "test"]})
    assert expand(rows, None)["transform"].tolist() == ["", ""]
