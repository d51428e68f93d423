"""The forensic detector as a family: trained on patches from scratch, so that nothing is shared by its seeds."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from medfake.detectors.cost import BACKWARD, START_S, Cost, Estimate, SplitSizes
from medfake.detectors.families import Family, family
from medfake.detectors.forensic.fit import VALIDATION_PATCHES, ForensicContext, train_forensic
from medfake.detectors.forensic.last_maps import cut_residual_cnn
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.forensic.residual_cnn import FAMILY, PATCH_PX
from medfake.detectors.last_maps import LastMaps
from medfake.detectors.registry import DetectorSpec
from medfake.detectors.stored_network import load_network
from medfake.training.adversarial import slower
from medfake.training.keras_setup import clear_session, import_keras
from medfake.training.precision import policy_of
from medfake.training.trained import Trained

_STORED_BYTES: Final = 1e6
_EDGE: Final = 512  # px of the slice that is measured
_ROUNDS: Final = 2


@family(FAMILY)
class Forensic(Family[DetectorSpec, ResidualCNNOptions]):
    """Residuals of a place against its surroundings."""

    network = True
    convolutional = True

    def fit(self, context: ForensicContext) -> Trained:
        """Train on patches, calibrate on slices."""
        return train_forensic(context)

    def policy(self, options: ResidualCNNOptions) -> str:
        """That of the convolutions; residuals and the judge are in single precision."""
        return policy_of(options.precision)

    def last_maps(self, spec: DetectorSpec, package: Path) -> LastMaps:
        """Those from which places are judged, 4 px apart."""
        del spec
        return cut_residual_cnn(load_network(package))

    def estimate(self, spec: DetectorSpec, options: ResidualCNNOptions) -> Estimate:
        """From steps on patches of noise, and from a forward pass of a whole slice."""
        keras = import_keras(1)
        patch_model, slice_model = spec.build(options.top_places)
        patch_model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
        patches = np.zeros((options.batch_size, PATCH_PX, PATCH_PX), np.int16)
        labels = (np.arange(options.batch_size) % 2).astype(np.float32)[:, None]
        step_s = _seconds(lambda: patch_model.train_on_batch(patches, labels))
        slice_s = _seconds(lambda: slice_model.predict_on_batch(np.zeros((1, _EDGE, _EDGE), np.int16)))
        clear_session()
        look_s = step_s / BACKWARD * VALIDATION_PATCHES / options.batch_size
        looks = options.presentations / options.validate_every

        def cost(sizes: SplitSizes) -> Cost:
            learning_s = (
                step_s * slower(options.adversarial) * options.presentations / options.batch_size + looks * look_s
            )
            scoring_s = (2 * sizes.val + sizes.test) * slice_s  # val is scored for the calibration, too
            training_s = learning_s + scoring_s + START_S
            return Cost(training_bytes=_STORED_BYTES, training_s=training_s, slices_per_s=1 / slice_s)

        return cost


def _seconds(step: Callable[[], object]) -> float:
    """Of one step, the first of which does not count: it compiles."""
    step()
    started = time.perf_counter()
    for _ in range(_ROUNDS):
        step()
    return (time.perf_counter() - started) / _ROUNDS
