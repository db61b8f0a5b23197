"""What is judged: windows, their embeddings, baselines and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError, raise_all

COLUMNS = ("window_id", "recording", "animal", "center_s", "action", "role")
"""Columns every table of windows has; others are covariates or bookkeeping."""

STREAMS = ("neural", "pose")
_BOOKKEEPING = ("_first_frame", "_first", "_step", "_count")


@dataclass(frozen=True)
class Sample:
    """Windows of one run with everything a probe may read.

    Parameters
    ----------
    windows
        One row per window: `window_id`, `recording`, `animal`, `center_s`, `action`
        (empty = unlabelled), `role` (``fit`` or ``fresh``) and covariates.
    features
        Embeddings by name (``neural``, ``pose``, ``neural_subspace``), each of shape
        (n_windows, dim).
    baselines
        What they are compared with, by name: ``raw_<stream>``, ``random_encoder``
        (or ``random_encoder_<stream>``), with ``_<transform>`` appended where one
        was applied.
    targets
        Scalars and poses at the window centres by stream, shape (n_windows, k); NaN
        where unknown.
    target_names
        Column names of `targets`; numbered when not given.
    pose_features
        Poses used to balance identity where actions are missing, (n_windows, k).
    nuisances
        What must not explain a score, by name (``motion``, ``brightness``,
        ``borders``, ``anatomical``), shape (n_windows, k).
    absent
        Why one of them is missing, by name.
    untransformed
        Why a transform that was asked for could not be fitted, by name.
    window_s
        Seconds one window lasts; half of the smallest gap between blocks.
    split_kind
        Whether fit and fresh windows are whole recordings or blocks of the same ones.
    covariates
        Columns of `windows` to audit; None takes every column that is constant
        within recordings and has at least two values.

    Raises
    ------
    DataError
        Listing missing columns, wrong lengths, unknown roles and values that are not
        finite.
    """

    windows: pd.DataFrame
    features: Mapping[str, NDArray[Any]]
    baselines: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    target_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pose_features: NDArray[Any] | None = None
    nuisances: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    untransformed: Mapping[str, str] = field(default_factory=dict)
    window_s: float = 2.0
    split_kind: Literal["recordings", "blocks"] = "recordings"
    covariates: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.windows.columns]
        if missing:
            raise DataError(
                f"The table of windows lacks {', '.join(missing)}; it has "
                f"{', '.join(map(str, self.windows.columns))}."
            )
        problems = [p for name, x in self._arrays() for p in self._check(name, x)]
        roles = sorted(set(self.windows["role"]) - {"fit", "fresh"})
        if roles:
            problems.append(f"a window's role is fit or fresh, found {roles}")
        if not (np.isfinite(self.window_s) and self.window_s > 0):
            problems.append(f"window_s must be above 0 seconds, found {self.window_s}")
        raise_all(problems, DataError, "Windows to evaluate")

    def _arrays(self) -> list[tuple[str, NDArray[Any]]]:
        return [
            *self.features.items(),
            *self.baselines.items(),
            *self.nuisances.items(),
        ]

    def _check(self, name: str, x: NDArray[Any]) -> list[str]:
        n = len(self.windows)
        if x.ndim != 2 or x.shape[0] != n:
            return [f"{name} has shape {x.shape}, expected ({n}, dim)"]
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if not bad.size:
            return []
        first = self.windows.iloc[int(bad[0])]
        problem = (
            f"{name} is not finite in {bad.size} of {n} windows, first in recording "
            f"{first['recording']} at {first['center_s']:.2f} s; mask those frames "
            f"before embedding"
        )
        return [problem]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of text as an array, missing values as ''."""
        return self.windows[name].fillna("").astype(str).to_numpy(dtype=object)

    @property
    def is_fresh(self) -> NDArray[np.bool_]:
        """Which windows no fit has seen."""
        return np.asarray(self.windows["role"] == "fresh", dtype=bool)

    @property
    def times(self) -> NDArray[np.float64]:
        """Centre of every window in seconds."""
        return self.windows["center_s"].to_numpy(dtype=np.float64)

    def animals(self) -> tuple[str, ...]:
        """Return the animals in order of their names."""
        return tuple(sorted(set(self.column("animal"))))

    def columns_of(self, stream: str) -> tuple[str, ...]:
        """Return the target names of a stream: its own name when there is one."""
        width = self.targets[stream].shape[1]
        if width == 1:
            return (stream,)
        names = self.target_names.get(stream) or tuple(str(i) for i in range(width))
        return tuple(f"{stream}:{name}" for name in names)

    def covariate_names(self) -> tuple[str, ...]:
        """Return the covariates to audit."""
        if self.covariates is not None:
            return self.covariates
        recording = self.windows["recording"]
        found = []
        for name in self.windows.columns:
            if name in COLUMNS or str(name).endswith(_BOOKKEEPING):
                continue
            values = self.windows[name].astype(str)
            constant = values.groupby(recording).nunique().le(1).all()
            if constant and values.nunique() > 1:
                found.append(str(name))
        return tuple(found)


@dataclass(frozen=True)
class Representation:
    """One array that probes read, and how its rows are named in the table."""

    key: str
    values: NDArray[np.float32]
    method: str
    stream: str
    transform: str
    is_baseline: bool


def representations(sample: Sample, method: str) -> list[Representation]:
    """Return embeddings first, then baselines, with their names taken apart.

    Examples
    --------
    >>> windows = pd.DataFrame({name: ["fit"] for name in COLUMNS})
    >>> x = np.zeros((1, 2), dtype=np.float32)
    >>> sample = Sample(windows, {"neural_subspace": x}, {"raw_pose": x})
    >>> [(r.method, r.stream, r.transform) for r in representations(sample, "simclr")]
    [('simclr', 'neural', 'subspace'), ('raw', 'pose', 'none')]
    """
    named = [
        (key, x, method, _stream_and_transform(key))
        for key, x in sample.features.items()
    ]
    for key, x in sample.baselines.items():
        name, rest = _baseline(key)
        named.append((key, x, name, _stream_and_transform(rest or "neural")))
    return [
        Representation(
            key,
            np.ascontiguousarray(x, dtype=np.float32),
            name,
            stream,
            transform,
            is_baseline=place >= len(sample.features),
        )
        for place, (key, x, name, (stream, transform)) in enumerate(named)
    ]


def _baseline(key: str) -> tuple[str, str]:
    for method in ("raw", "random_encoder"):
        if key == method or key.startswith(f"{method}_"):
            return method, key[len(method) + 1 :]
    return key, ""


def _stream_and_transform(name: str) -> tuple[str, str]:
    for stream in STREAMS:
        if name.startswith(f"{stream}_"):
            return stream, name[len(stream) + 1 :]
    return name, "none"
