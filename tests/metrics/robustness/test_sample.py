"""Slices are drawn from the test split alone, half of them tampered, the same for the same seed."""

from dataclasses import replace

import pandas as pd
import pytest

from medfake.config import RobustnessParams
from medfake.datasets.dataset import Dataset
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.robustness.perturb import usable
from medfake.metrics.robustness.sample import draw_sample
from medfake.regions import region_of
from medfake.robustness.registry import PERTURBATIONS
from medfake.vocabulary import Modality
from tests.metrics.robustness.conftest import MakeBright

BOOTSTRAP = Bootstrap(resamples=100)


@pytest.fixture(scope="module")
def dataset(make_bright: MakeBright) -> Dataset:
    whole = make_bright()
    whole.manifest.loc[whole.manifest.patient_id == "p0", "split"] = "val"
    copies = whole.manifest[whole.manifest.patient_id == "p1"].assign(transform="flip")
    manifest = pd.concat([whole.manifest, copies], ignore_index=True)
    return Dataset(whole.folder, whole.name, manifest, whole.sites, whole.digest, whole.evidence, whole.protocol)


def drawn(dataset: Dataset, slices: int, seed: int = 1) -> pd.DataFrame:
    return draw_sample(dataset, RobustnessParams(slices=slices, seed=seed), BOOTSTRAP).rows


def test_half_are_tampered_and_all_are_test_slices_themselves(dataset: Dataset) -> None:
    rows = drawn(dataset, 8)
    assert rows.label.value_counts().to_dict() == {0: 4, 1: 4}
    assert set(rows.split) == {"test"}
    assert set(rows["transform"]) == {""}


def test_where_there_are_fewer_all_are_taken(dataset: Dataset) -> None:
    assert len(drawn(dataset, 100)) == 5 * 4


def test_the_seed_decides(dataset: Dataset) -> None:
    assert drawn(dataset, 8).equals(drawn(dataset, 8))
    assert not drawn(dataset, 8).equals(drawn(dataset, 8, seed=2))


def test_untampered_slices_have_no_site_to_hit(dataset: Dataset) -> None:
    dataset.manifest.loc[4, ["site_y", "site_x"]] = 5.0  # a real nodule
    assert dataset.manifest[["split", "label"]].loc[4].tolist() == ["test", 0]
    sample = draw_sample(dataset, RobustnessParams(slices=100), BOOTSTRAP)
    assert (pd.notna(sample.sites).all(axis=1) == (sample.label == 1)).all()


def test_the_first_weighting_counts_every_patient_once(dataset: Dataset) -> None:
    sample = draw_sample(dataset, RobustnessParams(slices=100), BOOTSTRAP)
    assert sample.weights.shape == (101, 5)
    assert (sample.weights[0] == 1).all()
    assert (sample.weights.sum(axis=1) == 5).all()


def test_of_mr_every_slice_is_judged_and_a_lung_window_has_nothing_to_do(dataset: Dataset) -> None:
    of_mr = replace(dataset, facts={"modality": "MR"})
    sample = draw_sample(of_mr, RobustnessParams(slices=100), BOOTSTRAP)
    assert sample.region is region_of(Modality.MR)
    assert sample.shows_lung.all()
    left = usable(PERTURBATIONS["jpeg"], 10, sample, "whole", lambda _rows, _reach: iter(()), of_mr.modality)
    assert (len(left.rows), left.reason) == (0, "jpeg is of CT alone, and the data set of MR")
    assert len(usable(PERTURBATIONS["noise"], 10, sample, "whole", lambda _r, _m: iter(()), of_mr.modality).rows) == 20
