"""Small classifiers on frozen embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.mlp import Network, fit_network
from napari_neuroembed.evaluation.neighbours import nearest
from napari_neuroembed.evaluation.scaling import Array, Scaler
from napari_neuroembed.options.evaluation import (
    EvaluationOptions,
    KnnOptions,
    LinearOptions,
    MlpOptions,
)


@dataclass(frozen=True)
class Labelled:
    """Windows with known classes, to fit a probe on.

    Parameters
    ----------
    x
        Features, shape (n, dim), float32.
    y
        Class codes 0 to `n_classes` - 1, shape (n,).
    n_classes
        Number of classes; some may be absent from `y`.
    weights
        Weight of each window, shape (n,), at least 0.
    groups
        Recording (or block) of each window: what early stopping may set aside.

    Raises
    ------
    DataError
        When nothing is left to fit on, lengths differ, or values are not finite.
    """

    x: Array
    y: Codes
    n_classes: int
    weights: Floats
    groups: Codes

    def __post_init__(self) -> None:
        n = self.x.shape[0]
        lengths = {self.y.size, self.weights.size, self.groups.size, n}
        if lengths != {n} or n == 0:
            raise DataError(
                f"A probe needs one class, weight and group per window, found "
                f"{n} windows, {self.y.size} classes, {self.weights.size} weights and "
                f"{self.groups.size} groups."
            )
        if not np.isfinite(self.x).all():
            bad = int((~np.isfinite(self.x).all(axis=1)).sum())
            raise DataError(
                f"A probe reads finite features only; {bad} of {n} windows hold NaN or "
                f"infinity. Mask those frames before embedding."
            )
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise DataError("The weights of a probe must be finite and at least 0.")
        if not self.weights.sum() > 0:
            raise DataError(f"All {n} windows have weight 0, so nothing can be fitted.")


def labelled(
    x: NDArray[Any],
    y: NDArray[Any],
    n_classes: int,
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> Labelled:
    """Put windows and classes together; equal weights and one group by default."""
    n = x.shape[0]
    return Labelled(
        np.asarray(x, dtype=np.float32),
        np.asarray(y, dtype=np.int64),
        n_classes,
        np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64),
        np.zeros(n, dtype=np.int64)
        if groups is None
        else np.asarray(groups, dtype=np.int64),
    )


class Probe(Protocol):
    """A classifier that is fitted once and then names the class of windows."""

    def fit(self, data: Labelled, generator: np.random.Generator) -> None:
        """Fit; windows of weight 0 have no influence."""

    def probabilities(self, x: Array) -> Floats:
        """Return the probability of every class, shape (n, n_classes)."""


def predict(probe: Probe, x: Array) -> tuple[Codes, Floats]:
    """Return the most probable class of each window, and that probability."""
    probable = probe.probabilities(x)
    best = probable.argmax(axis=1)
    return best.astype(np.int64), probable[np.arange(best.size), best]


class LinearProbe:
    """Logistic regression (L-BFGS, float32) on standardised features."""

    def __init__(self, options: LinearOptions | None = None) -> None:
        self.options = options or LinearOptions()

    def fit(self, data: Labelled, generator: np.random.Generator) -> None:
        """Fit; `generator` is not used, the optimum is unique."""
        del generator
        data = _weighty(data)
        self._n_classes = data.n_classes
        self._scaler = Scaler.fit(data.x)
        self._classes = np.unique(data.y)
        if self._classes.size == 1:
            return
        model = LogisticRegression(
            C=self.options.c, max_iter=self.options.max_iterations, tol=1e-3
        )
        weights = (data.weights / data.weights.mean()).astype(np.float32)
        with warnings.catch_warnings():
            # Stopping early moves a separable fit by less than its sampling error.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self._scaler.apply(data.x), data.y, sample_weight=weights)
        self._model = model

    def probabilities(self, x: Array) -> Floats:
        """Return the probability of every class, shape (n, n_classes)."""
        out = np.zeros((x.shape[0], self._n_classes))
        if self._classes.size == 1:
            out[:, self._classes[0]] = 1.0
        else:
            out[:, self._classes] = self._model.predict_proba(self._scaler.apply(x))
        return out


class KnnProbe:
    """Weighted vote of the windows nearest by cosine, on standardised features."""

    def __init__(self, options: KnnOptions | None = None) -> None:
        self.options = options or KnnOptions()

    def fit(self, data: Labelled, generator: np.random.Generator) -> None:
        """Remember the windows; `generator` is not used."""
        del generator
        self._data = _weighty(data)
        self._scaler = Scaler.fit(self._data.x)
        self._known = self._scaler.apply(self._data.x)

    def probabilities(self, x: Array) -> Floats:
        """Return each class's share of the votes, shape (n, n_classes)."""
        near, similarity = nearest(self._scaler.apply(x), self._known, self.options.k)
        votes = self._data.weights[near]
        votes = votes / self._data.weights.max() + 1e-6 * similarity  # breaks ties
        n, n_classes = x.shape[0], self._data.n_classes
        place = np.arange(n)[:, None] * n_classes + self._data.y[near]
        total = np.bincount(place.ravel(), votes.ravel(), minlength=n * n_classes)
        total = np.maximum(total.reshape(n, n_classes), 0.0)
        return np.asarray(total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12))


class MlpProbe:
    """Network with one hidden layer and dropout; stops early on windows set aside."""

    def __init__(self, options: MlpOptions | None = None) -> None:
        self.options = options or MlpOptions()

    def fit(self, data: Labelled, generator: np.random.Generator) -> None:
        """Fit; start, order, dropout and what is set aside follow from `generator`."""
        data = _weighty(data)
        self._scaler = Scaler.fit(data.x)
        aside = set_aside(data.y, data.groups, generator)
        self._network: Network = fit_network(
            self._scaler.apply(data.x),
            data.y,
            (data.weights / data.weights.mean()).astype(np.float32),
            aside,
            n_classes=data.n_classes,
            options=self.options,
            seed=int(generator.integers(2**62)),
        )

    def probabilities(self, x: Array) -> Floats:
        """Return the probability of every class, shape (n, n_classes)."""
        return self._network.probabilities(self._scaler.apply(x))


PROBES: dict[str, Callable[[EvaluationOptions], Probe]] = {
    "linear": lambda options: LinearProbe(options.linear),
    "knn": lambda options: KnnProbe(options.knn),
    "mlp": lambda options: MlpProbe(options.mlp),
}
"""Probes by name, built from the evaluation's options."""


def set_aside(
    y: Codes, groups: Codes, generator: np.random.Generator, share: float = 0.2
) -> NDArray[np.bool_]:
    """Choose about a fifth of the groups, whole ones, for early stopping.

    Groups are taken in turn from each commonest class, so that a class that fills
    whole groups (an animal and its recordings) keeps most of them for the fit. With
    one group only, its last fifth of windows is set aside.

    Returns
    -------
    array of bool, shape (n,)
        True for windows set aside.
    """
    names, group = np.unique(groups, return_inverse=True)
    if names.size == 1:
        last = np.zeros(y.size, dtype=bool)
        last[y.size - int(share * y.size) :] = True
        return last
    common = np.array([np.bincount(y[group == g]).argmax() for g in range(names.size)])
    chosen: list[int] = []
    for label in np.unique(common):
        members = generator.permutation(np.flatnonzero(common == label))
        n = int(np.ceil(share * members.size)) if members.size > 1 else 0
        chosen.extend(int(g) for g in members[:n])
    if not chosen:
        chosen = [int(generator.integers(names.size))]
    return np.isin(group, chosen)


def _weighty(data: Labelled) -> Labelled:
    """Drop the windows of weight 0, so that they cannot shift the scaling."""
    kept = data.weights > 0
    if kept.all():
        return data
    return Labelled(
        data.x[kept],
        data.y[kept],
        data.n_classes,
        data.weights[kept],
        data.groups[kept],
    )
