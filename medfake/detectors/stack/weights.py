"""How much each member of a stack counts: a logistic regression of their log odds, fitted on validation slices."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import TrainingError
from medfake.log_odds import logit, sigmoid

CLIP: Final = 1e-4
"""Of a member's probability before its log odds: no member is surer than 9.2, so that one saturated forest does not
outvote all others."""
FOLDS: Final = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StackWeights:
    """P(tampered) = sigmoid(bias + sum of weights x log odds of the members).

    Attributes:
        weights: (members,) none below 0: a stack never turns a member round (Breiman 1996, Stacked Regressions).
        bias: Added to the sum.
    """

    weights: Floats
    bias: float

    def __call__(self, p: NDArray[Any]) -> Floats:
        """P(tampered) of slices.

        Args:
            p: (slices, members) P(tampered) of each member, 0..1.

        Returns:
            (slices,) 0..1.
        """
        return sigmoid(logit(p, CLIP) @ self.weights + self.bias)


def fit_weights(p: NDArray[Any], labels: NDArray[np.integer], strength: float) -> StackWeights:
    """Fit weights and bias by maximum likelihood with an L2 penalty on the weights.

    Args:
        p: (slices, members) P(tampered) of each member, 0..1.
        labels: (slices,) 0 or 1.
        strength: Of the penalty, > 0; it pulls the weights towards equal shares of 1, which is the mean of the members'
            log odds.

    Raises:
        TrainingError: The slices lack a class.
    """
    from scipy.optimize import minimize

    if len(np.unique(labels)) < 2:
        raise TrainingError(
            "a stack cannot be fitted on one class", received=f"{len(labels)} slices of one class",
            remedy="give the val split patients of both classes in params.yaml",
        )  # fmt: skip
    said, truth = logit(p, CLIP), np.asarray(labels, dtype=np.float64)
    members = said.shape[1]
    equal = np.full(members, 1.0 / members)

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:-1], values[-1]
        z = said @ weights + bias
        away = weights - equal
        error = sigmoid(z) - truth
        fit = float(np.mean(np.logaddexp(0.0, z) - truth * z))
        slope = np.append(said.T @ error / len(truth) + strength * away, error.mean())
        return fit + 0.5 * strength * float(away @ away), slope

    found = minimize(
        loss, np.append(equal, 0.0), jac=True, method="L-BFGS-B", bounds=[(0, None)] * members + [(None, None)]
    )
    return StackWeights(found.x[:-1], float(found.x[-1]))


def cross_fitted(
    p: NDArray[Any], labels: NDArray[np.integer], patients: NDArray[Any], strength: float
) -> tuple[Floats, int]:
    """What a stack says of validation slices when it was fitted without their patients.

    Figures on slices that the weights were fitted on would flatter the stack beside its members.

    Args:
        p: (slices, members) P(tampered) of each member, 0..1.
        labels: (slices,) 0 or 1.
        patients: (slices,) whose slices they are.
        strength: As for `fit_weights`.

    Returns:
        (slices,) P(tampered), and the number of folds; 1 where there are too few patients of a class to leave one out.

    Raises:
        TrainingError: The slices lack a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(patients[labels == label])) for label in (0, 1))
    folds = min(FOLDS, fewest)
    if folds < 2:
        return fit_weights(p, labels, strength)(p), 1
    said = np.empty(len(labels))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=1)
    for others, own in splitter.split(p, labels, patients):
        if len(np.unique(labels[others])) < 2:
            return fit_weights(p, labels, strength)(p), 1
        said[own] = fit_weights(p[others], labels[others], strength)(p[own])
    return said, folds
