"""A data set of noise whose tampered slices are a little brighter, and a small pretrained network to learn it with."""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

PRETRAINED = Path("../shared/weights/mobilenet_2_5_224_tf_no_top.h5")
"""ImageNet weights of MobileNet with a quarter of its channels; without the file the network is a random one."""
EDGE = 512  # px


@lru_cache(maxsize=2)
def noise_set(train: int, val: int, edge: int = EDGE) -> Any:
    """Dataset of `train` and `val` slices of some pixels, half of each tampered."""
    import numpy as np
    import pandas as pd

    from medfake.datasets.dataset import Dataset
    from medfake.vocabulary import Evidence, Manipulation, Split

    folder, count = Path(tempfile.mkdtemp(prefix="medfake-bench-")), train + val
    rng = np.random.default_rng(1)
    pixels = np.lib.format.open_memmap(folder / "shard-000.npy", "w+", np.int16, (count, edge, edge))
    for row in range(count):
        pixels[row] = rng.integers(-1000, 100, (edge, edge)) + 20 * (row % 2)
    pixels.flush()
    manifest = pd.DataFrame(
        {
            "shard": "shard-000.npy",
            "row": range(count),
            "label": [row % 2 for row in range(count)],
            "manipulation": [(Manipulation.NONE, Manipulation.INJECTED)[row % 2] for row in range(count)],
            "split": [Split.TRAIN] * train + [Split.VAL] * val,
            "rows": edge,
            "cols": edge,
        }
    )
    return Dataset(folder, "noise", manifest, pd.DataFrame(), "0" * 64, Evidence.PHANTOM, "grouped")


def small_network() -> tuple[Any, Any]:
    """Spec and options of MobileNet with a quarter of its channels, 512 px, the paper's head."""
    from medfake.detectors.backbone.options import BackboneOptions, FineTune
    from medfake.detectors.backbone.spec import BackboneSpec

    def build(shape: tuple[int, int, int], weights: str | None) -> Any:
        from keras import applications

        return applications.MobileNet(input_shape=shape, alpha=0.25, include_top=False, weights=weights)

    spec = BackboneSpec(name="MobileNet-0.25", build=build, contract="tf", feature_width=256, gradcam_layer="relu")
    weights = str(PRETRAINED) if PRETRAINED.exists() else "none"
    return spec, BackboneOptions(weights=weights, input_size=EDGE, fine_tune=FineTune(epochs=0))
