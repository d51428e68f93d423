"""Classical models on raw pixels (Solaiyappan and Wen), stored as ONNX only."""

from typing import Any

from medfake.detectors.options import RandomForestOptions
from medfake.detectors.registry import detector


@detector("RandomForest", family="classical", options=RandomForestOptions, paper="solaiyappan")
def build_random_forest(options: RandomForestOptions, seed: int) -> Any:
    """An untrained forest that takes (slices, pixels) float32."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=options.trees,
        max_depth=options.max_depth,
        max_features=options.max_features,
        n_jobs=-1,
        random_state=seed,
    )
