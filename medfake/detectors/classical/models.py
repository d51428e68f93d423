"""Classical models on raw pixels (Solaiyappan and Wen), stored as ONNX only; each builder returns one untrained."""

from typing import Any

from medfake.detectors.classical.options import DecisionTreeOptions, RandomForestOptions, SVMOptions
from medfake.detectors.registry import detector

FAMILY = "classical"
_SVM_ITERATIONS = 100_000


@detector("RandomForest", family=FAMILY, options=RandomForestOptions, paper="solaiyappan")
def build_random_forest(options: RandomForestOptions, seed: int) -> Any:
    """A forest that takes (slices, pixels) float32."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=options.trees,
        max_depth=options.max_depth,
        max_features=options.max_features,
        n_jobs=-1,
        random_state=seed,
    )


@detector("DecisionTree", family=FAMILY, options=DecisionTreeOptions, paper="solaiyappan")
def build_decision_tree(options: DecisionTreeOptions, seed: int) -> Any:
    """A tree that takes (slices, pixels) float32."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        max_depth=options.max_depth, min_samples_leaf=options.min_samples_leaf, random_state=seed
    )


@detector("SVM", family=FAMILY, options=SVMOptions, paper="solaiyappan")
def build_svm(options: SVMOptions, seed: int) -> Any:
    """A machine that takes (slices, pixels) float32 and knows no probabilities."""
    from sklearn.svm import SVC

    if options.kernel == "linear":
        from medfake.detectors.classical.estimators import PlaneSVC

        return PlaneSVC(C=options.c, max_iter=_SVM_ITERATIONS, random_state=seed)
    return SVC(C=options.c, kernel="rbf", gamma=options.gamma)
