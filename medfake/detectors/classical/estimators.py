"""Estimators of our own, as scikit-learn has them; modules of this name are imported where they are used alone."""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, LinearSVC

_BLOCK: Final = 256  # slices at once

Pixels = NDArray[np.float32]


class PlaneSVC(LinearSVC):
    """LIBSVM on the scalar products of all pairs of slices (Chang and Lin 2011), which gives a plane back.

    It takes the pixels once and then a square of slices, where LIBLINEAR copies every pixel in double precision with
    its index and goes through all of them in each iteration. Three classes are told apart one against the rest. What is
    subtracted from all pixels alike changes no plane, so the mean slice is, for precision.
    """

    def fit(self, X: Pixels, y: NDArray[Any], sample_weight: None = None) -> Self:  # noqa: N803  # scikit-learn's name
        """Fit a plane for each class, or one for two.

        Args:
            X: (slices, pixels) float32.
            y: (slices,) classes.
            sample_weight: Not known here.
        """
        del sample_weight
        middle = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        products = _products(X, middle)
        self.classes_ = np.unique(y)
        planes, offsets = [], []
        for one in self.classes_[1:] if len(self.classes_) == 2 else self.classes_:
            machine = SVC(C=self.C, kernel="precomputed", max_iter=self.max_iter).fit(products, y == one)
            plane = _weighted(X, middle, machine.support_, machine.dual_coef_[0])
            planes.append(plane)
            offsets.append(machine.intercept_[0] - plane @ middle)
        self.coef_, self.intercept_ = np.array(planes), np.array(offsets)
        self.n_features_in_, self.n_iter_ = X.shape[1], 0
        return self


def as_linear_svc(model: PlaneSVC) -> LinearSVC:
    """The same planes as a plain LinearSVC, which converters to ONNX know."""
    plain = LinearSVC(C=model.C)
    for name in ("classes_", "coef_", "intercept_", "n_features_in_", "n_iter_"):
        setattr(plain, name, getattr(model, name))
    return plain


def _products(table: Pixels, middle: Pixels) -> NDArray[np.float64]:
    """(slices, slices) scalar products of slices less the middle one."""
    count = len(table)
    products = np.empty((count, count))
    for down in range(0, count, _BLOCK):
        rows = table[down : down + _BLOCK] - middle
        for across in range(0, down + 1, _BLOCK):
            part = rows @ (table[across : across + _BLOCK] - middle).T
            products[down : down + _BLOCK, across : across + _BLOCK] = part
            products[across : across + _BLOCK, down : down + _BLOCK] = part.T
    return products


def _weighted(
    table: Pixels, middle: Pixels, places: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(pixels,) weighted sum of some slices less the middle one."""
    total = np.zeros(table.shape[1])
    for at in range(0, len(places), _BLOCK):
        total += weights[at : at + _BLOCK] @ (table[places[at : at + _BLOCK]] - middle)
    return total
