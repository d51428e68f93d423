"""Where each modality is looked at: the same places in a slice and in a stored graph, for training and for scoring."""

from pathlib import Path

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.typing import NDArray

from medfake.config import DatasetParams
from medfake.config.datasets import ViewParams
from medfake.datasets.chosen import validate_chosen
from medfake.datasets.views.localized import LocalizedView
from medfake.datasets.views.registry import VIEWS, Place, require_view_for, view_of
from medfake.dicom.normalised import normalise
from medfake.errors import ConfigError
from medfake.lungs import lungs_in_slice, place_shares
from medfake.phantom.head_scan import scan_head
from medfake.phantom.mr_scanners import MR_SCANNERS
from medfake.regions import LEAST_UNITS, TISSUE, region_of, tissue_in_slice, tissue_pixels
from medfake.vocabulary import Modality
from tests.fixtures.bodies import chest

SPACING = 0.94
Units = NDArray[np.int16]


@pytest.fixture(scope="module")
def head() -> Units:
    return normalise(scan_head(SeedSequence(3), MR_SCANNERS["Phantom MR A"], 16, 0).volume[6], None, Path())


def test_ct_looks_at_lungs() -> None:
    region, hu = region_of(Modality.CT), chest(0.7, 1)
    assert (region.name, region.finds_copies) == ("lung", True)
    assert region.in_view(hu, 0.7)
    assert not region.in_view(np.full((128, 128), 40, np.int16), 0.7)
    np.testing.assert_array_equal(region.in_slice(hu, 0.7), lungs_in_slice(hu, 0.7))


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
def test_others_look_at_whatever_is_no_open_air(modality: Modality) -> None:
    region = region_of(modality)
    units = np.random.default_rng(0).normal(-960, 40, (96, 96)).astype(np.int16)
    units[20:70, 30:80] = 300
    units[40:50, 50:60] = -980  # a ventricle
    mask = region.in_slice(units, 1.0)
    assert region.in_view(units, 1.0)
    assert mask[22:68, 32:78].all()
    assert not mask[[*range(15), *range(75, 96)]].any()
    assert not region.finds_copies


def test_air_alone_holds_no_tissue() -> None:
    assert not region_of(Modality.MR).in_slice(np.full((32, 32), -1000, np.int16), 1.0).any()


@pytest.mark.parametrize(("units", "tissue"), [(LEAST_UNITS, False), (LEAST_UNITS + 1, True)])
def test_tissue_is_brighter_than_air_up_to_the_border(units: int, tissue: bool) -> None:
    image = np.full((12, 9), units, np.int16)
    assert (tissue_in_slice(image, 1.0) == tissue).all()
    image[:, ::2] += 1 if tissue else -1  # noise
    assert (tissue_pixels(image) == tissue).all()


def test_what_has_one_value_is_no_tissue() -> None:
    image = np.random.default_rng(0).integers(300, 700, (64, 64)).astype(np.int16)
    image[:, :20] = 900  # a collimator
    tissue = tissue_pixels(image)
    assert not tissue[:, :16].any()
    assert tissue[:, 24:].all()


def test_the_graph_judges_the_places_that_numpy_says(head: Units) -> None:
    from medfake.training.keras_setup import import_keras

    import_keras(0)
    from medfake.detectors.forensic.tissue_layers import FORMS
    from medfake.detectors.layers import Hounsfield

    collimated = head.copy()
    collimated[:60, :] = 800
    for image in (head, head[:191, 30:230], collimated):
        graph = np.asarray(FORMS[Modality.MR].share()(Hounsfield()(image[None])))[0, :, :, 0]
        shares = place_shares(tissue_pixels(image), TISSUE.step_px, TISSUE.place_px)
        np.testing.assert_allclose(graph, shares, atol=1e-3)
        near = np.abs(shares - TISSUE.least_in_place) <= 1e-3
        np.testing.assert_array_equal(graph[~near] >= TISSUE.least_in_place, shares[~near] >= TISSUE.least_in_place)


def test_every_modality_has_layers_of_its_places() -> None:
    from medfake.detectors.forensic.tissue_layers import FORMS

    assert set(FORMS) == set(Modality)
    for modality, forms in FORMS.items():
        region = region_of(modality)
        assert (region.place_px, region.step_px) == (forms.share.PLACE_PX, forms.share.STEP_PX)
        assert (region.place_px, region.step_px) == (forms.strongest.PLACE_PX, forms.strongest.STEP_PX)


def test_places_of_a_head_are_judged_and_those_of_skin_and_air_are_not(head: Units) -> None:
    places = TISSUE.judged(head)
    assert {tuple(place) for place in places} >= {(128, 128)}
    assert len(places) > 40
    for y, x in places:
        assert (head[y - 24 : y + 24, x - 24 : x + 24] < -900).mean() < 0.1
    assert not TISSUE.judged(np.full((128, 128), -1000, np.int16)).size


def test_a_matched_square_of_a_head_moves_into_the_head(head: Units) -> None:
    kind = view_of(LocalizedView(name="localized", size=32))
    cut = kind.cut(head, Place(20.0, 128.0, labelled=False, spacing_mm=SPACING, modality=Modality.MR))
    assert cut is not None
    y, x = int(cut.origin_y) + 16, int(cut.origin_x) + 16
    assert y > 20
    assert x == pytest.approx(128, abs=30)
    assert tissue_in_slice(head, SPACING)[y, x]


def test_a_view_of_lungs_is_refused_for_what_has_none() -> None:
    require_view_for(Modality.CT, ViewParams(name="delocalized"), ("view",))
    with pytest.raises(ConfigError, match="where lungs are found; the data set is of MR") as caught:
        require_view_for(Modality.MR, ViewParams(name="delocalized"), ("datasets", "heads", "view"))
    assert "localized" in str(caught.value.remedy)
    assert "delocalized" not in str(caught.value.remedy)
    assert VIEWS["whole"].modalities == tuple(Modality)


def test_params_with_such_a_view_are_refused() -> None:
    from medfake.project import Project

    root = Path(__file__).resolve().parents[1]
    params = Project(root).read_params(root / "studies" / "modalities.yaml")
    heads = params.datasets["heads"].model_dump() | {"view": {"name": "delocalized"}}
    wrong = params.model_copy(update={"datasets": {"heads": DatasetParams.model_validate(heads)}})
    with pytest.raises(ConfigError) as caught:
        validate_chosen(wrong)
    assert str(caught.value.where) == "datasets.heads.view.name"
