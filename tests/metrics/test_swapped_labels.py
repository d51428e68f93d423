"""Labels swap between whole scans."""

import numpy as np
import pandas as pd

from medfake.metrics.swapped_labels import swap_labels


def test_every_scan_gets_the_labels_of_one_scan() -> None:
    scans = pd.DataFrame({"scan_id": np.repeat(list("abcdef"), 4), "label": np.repeat([0, 1, 0, 1, 0, 1], 4)})
    rows = scans.sample(frac=1, random_state=1)
    swapped = rows.assign(label=swap_labels(rows, np.random.default_rng(1)))
    assert sorted(swapped.groupby("scan_id").label.mean()) == [0, 0, 0, 1, 1, 1]
    assert (swapped.label != rows.label).any()


def test_a_longer_scan_repeats_what_it_was_given() -> None:
    rows = pd.DataFrame({"scan_id": ["a"] * 5 + ["b"], "label": [0] * 5 + [1]})
    drawn = {tuple(swap_labels(rows, np.random.default_rng(seed)).tolist()) for seed in range(8)}
    assert drawn == {(0, 0, 0, 0, 0, 1), (1, 1, 1, 1, 1, 0)}
