"""What a training of a DCGAN takes, from a few of its steps."""

import time
from statistics import median
from typing import Final

import numpy as np

from medfake.config import DcganParams
from medfake.generators.gan import Gan, GanOptions
from medfake.training.keras_setup import import_keras

_WARM: Final = 2  # steps that compile
_TIMED: Final = 5


def seconds_of_a_step(plan: DcganParams) -> float:
    """Median of some steps on noise, once both networks are compiled."""
    import_keras(plan.seed)
    gan, rng, taken = Gan(GanOptions.of(plan)), np.random.default_rng(plan.seed), []
    slices = rng.uniform(-1, 1, (plan.batch_size, plan.size, plan.size, 1)).astype(np.float32)
    nodule = np.arange(plan.batch_size, dtype=np.int32)[:, None] % 2
    for _ in range(_WARM + _TIMED):
        begun = time.perf_counter()
        gan.learn(slices, nodule, rng)
        taken.append(time.perf_counter() - begun)
    return median(taken[_WARM:])
