"""Grad-CAM (Selvaraju et al. 2017): the last maps of a network, weighed by how they move the log odds of "tampered"."""

from typing import Final

import numpy as np

from medfake.detectors.families import family_of
from medfake.detectors.registry import DETECTORS
from medfake.explain.heat_map import HeatMap, spread, stretch
from medfake.explain.registry import Explain, ExplainedPackage, ShownSlice, explanation
from medfake.package.card import KERAS_FILE
from medfake.training.gradients import gradient_of_sum

NAME: Final = "grad-cam"


def _lacks_maps(package: ExplainedPackage) -> str | None:
    name = package.name
    if name not in DETECTORS or not family_of(DETECTORS[name]).convolutional:
        return "it is no network of convolutions, so that it has no maps to weigh"
    if not (package.folder / KERAS_FILE).is_file():
        return f"its package has no {KERAS_FILE}, which gradients need"
    return None


@explanation(NAME, says="where its last maps raise its log odds of tampering", rank=20, lacks=_lacks_maps)
def grad_cam(package: ExplainedPackage) -> Explain:
    """Weights are gradients averaged over the map (equation 1); what speaks against is cut off (equation 2)."""
    spec = DETECTORS[package.name]
    network = family_of(spec).last_maps(spec, package.folder)

    def explain(shown: ShownSlice) -> HeatMap:
        slices = shown.hu[None]
        maps = np.asarray(network.front(slices), np.float32)
        gradient = gradient_of_sum(lambda values: network.logit(values, slices), maps)
        weights = gradient.mean(axis=(1, 2), dtype=np.float64)
        cam = np.maximum(maps[0].astype(np.float64) @ weights[0], 0.0)
        shape = (shown.hu.shape[0], shown.hu.shape[1])
        if network.first_px is None or network.step_px is None:
            return HeatMap(stretch(cam, shape))
        return HeatMap(spread(cam, shape, network.first_px, network.step_px))

    return explain
