"""Which test slices are explained."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.explain.sample import sample_slices

MakeDataset = Callable[..., Dataset]


def test_they_are_manipulated_test_slices_with_a_site_one_of_each_patient_first(make_dataset: MakeDataset) -> None:
    data = make_dataset({"train": 8, "val": 4, "test": 40})
    often = data.manifest.patient_id.map(lambda one: f"p{max(0, int(one.split('-')[1]) - 16)}")  # p0 has 17 of 20
    data = replace(data, manifest=data.manifest.assign(patient_id=often))
    rows = sample_slices(data, 6, seed=1)
    assert len(rows) == 6
    assert set(rows.split) == {"test"}
    assert (rows.label == 1).all()
    assert rows.patient_id.value_counts().to_dict() == {"p0": 3, "p1": 1, "p2": 1, "p3": 1}


def test_the_seed_alone_decides(make_dataset: MakeDataset) -> None:
    data = make_dataset({"train": 8, "val": 4, "test": 40})
    one, same, other = (list(sample_slices(data, 5, seed).slice_id) for seed in (1, 1, 2))
    assert one == same != other
    assert one == sorted(one)


def test_fewer_than_wanted_are_all_of_them(make_dataset: MakeDataset) -> None:
    assert len(sample_slices(make_dataset({"train": 8, "val": 4, "test": 6}), 50, 1)) == 3


def test_without_a_site_there_are_none(make_dataset: MakeDataset) -> None:
    data = make_dataset({"train": 8, "val": 4, "test": 6})
    nowhere = replace(data, manifest=data.manifest.assign(site_y=np.nan, site_x=np.nan))
    assert sample_slices(nowhere, 5, 1).empty
