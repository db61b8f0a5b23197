"""Whether the embedding of an animal that the training never saw can be trusted.

Nobody has labels of a new animal, so its actions cannot be scored. Two things can be
looked at without them, each beside what the animals of the training show when each of
them in turn is treated as the new one:

- **distance**: how far its windows lie from those of other animals, each animal's mean
  taken off first. (With the means an unseen animal looks near whatever its images show,
  because training pushes the animals it knows apart.)
- **read-out**: how well its own second stream (poses, speed) follows from its neural
  embedding by what was fitted on other animals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.evaluation.neighbours import nearest

K = 15
PENALTY = 10.0
"""Ridge penalty of the read-out, for standardised features and summed squares."""

MOST_WINDOWS = 3000
"""Windows of one animal that are looked at, evenly spread."""

FEWEST_WINDOWS = 30
"""A verdict on fewer windows of an animal would be a guess."""

FAR = 1.2
"""Distance, in those of the training's animals, from which on an animal is far."""

LEAST_REFERENCE = 0.1
"""A read-out that is no better than this in the training says nothing."""

POOR_READOUT = 0.6
"""Read-out, in that of the training's animals, below which it is poor."""


@dataclass(frozen=True)
class Windows:
    """Embedded windows of one animal.

    Parameters
    ----------
    h
        Neural embedding, shape (n, dim).
    pose
        Second stream around each window, shape (n, k), or None without one.
    rows
        Where these windows were before they were prepared, shape (n,).
    """

    h: Floats
    pose: Floats | None = None
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.h)

    def prepared(self, most: int = MOST_WINDOWS) -> Windows:
        """Return finite windows, at most `most`, with their mean taken off."""
        good = np.isfinite(self.h).all(axis=1)
        if self.pose is not None:
            good &= np.isfinite(self.pose).all(axis=1)
        rows = np.flatnonzero(good)
        if len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).astype(int)]
        pose = None if self.pose is None else _centred(self.pose[rows])
        return Windows(_centred(self.h[rows]), pose, rows)


@dataclass(frozen=True)
class Familiarity:
    """How one animal looks from the others.

    Parameters
    ----------
    distance
        Median over its windows of the mean cosine distance to the 15 nearest windows
        of other animals, 0 to 2.
    readout
        Mean correlation of its second stream with what is read from its embedding,
        -1 to 1; NaN without a second stream.
    each
        Distance of every window, shape (n,).
    """

    distance: float
    readout: float
    each: NDArray[np.float64]


def familiarity(query: Windows, others: Windows) -> Familiarity:
    """Measure how one animal looks from the windows of others, all of them prepared.

    Notes
    -----
    Every dimension is divided by its spread over the others. The read-out is ridge
    regression from h to the second stream, fitted on the others; correlations leave
    each animal its own offset and scale of poses, which differ with its size.
    """
    spread = others.h.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    own, known = query.h / spread, others.h / spread
    _, similarity = nearest(own.astype(np.float32), known.astype(np.float32), K)
    each = 1.0 - similarity.mean(axis=1)
    readout = float("nan")
    if query.pose is not None and others.pose is not None:
        readout = _readout(own, query.pose, known, others.pose)
    return Familiarity(float(np.median(each)), readout, each)


def references(training: Mapping[str, Windows]) -> dict[str, Familiarity]:
    """Treat every animal of the training in turn as the new one."""
    return {
        name: familiarity(own, _join([w for n, w in training.items() if n != name]))
        for name, own in training.items()
    }


def compare(new: Windows, training: Mapping[str, Windows]) -> Familiarity:
    """Measure a new animal as the references are: always one animal left out.

    The means over which animal is left out, so that the number of animals to be near
    to is the same as for the references.
    """
    found = [
        familiarity(new, _join([w for n, w in training.items() if n != name]))
        for name in training
    ]
    each = np.mean([one.each for one in found], axis=0)
    return Familiarity(
        float(np.mean([one.distance for one in found])),
        float(np.mean([one.readout for one in found])),
        each,
    )


@dataclass(frozen=True)
class NewAnimal:
    """What is known of one animal that the training never saw.

    Parameters
    ----------
    animal
        Its name.
    n_windows
        Windows looked at.
    distance, distance_reference
        Of the new animal, and the median of the training's animals.
    readout, readout_reference
        Likewise; NaN without a second stream.
    trusted
        Whether its embedding can be read by what was fitted on others; None when that
        cannot be told.
    reason
        Why not, in a sentence.
    """

    animal: str
    n_windows: int
    distance: float
    distance_reference: float
    readout: float
    readout_reference: float
    trusted: bool | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; NaN becomes None."""
        return {
            name: None if value != value else value
            for name, value in asdict(self).items()
        }


def judge(
    animal: str, new: Windows, training: Mapping[str, Windows]
) -> tuple[NewAnimal, NDArray[np.float64]]:
    """Say whether the embedding of a new animal can be trusted.

    Parameters
    ----------
    animal
        Its name.
    new
        Its windows, prepared.
    training
        Windows of every animal of the training, prepared; fresh ones, which nothing was
        fitted on.

    Returns
    -------
    NewAnimal
        The verdict and what it rests on.
    array, shape (n,)
        Distance of every window in those of the training's animals; NaN where nothing
        can be compared.

    Notes
    -----
    With a second stream the read-out decides: below POOR_READOUT, actions read from the
    new animal are mostly worth less than half of what they are worth in the training's
    (measured on synthetic animals, see ``docs/explanation/new_animal.md``). Without a
    second stream the distance decides, which misses more.
    """
    n, known = len(new), {a: w for a, w in training.items() if len(w)}
    nothing = float("nan")
    if len(known) < 2 or n < FEWEST_WINDOWS:
        reason = f"only {n} windows"
        if n >= FEWEST_WINDOWS:
            reason = f"{len(known)} animal of the training with fresh embedded windows"
        reason += ", so there is nothing to compare with"
        values = (nothing, nothing, nothing, nothing)
        unknown = np.full(n, np.nan)
        return NewAnimal(animal, n, *values, None, reason), unknown
    found, others = compare(new, known), references(known).values()
    distance = float(np.median([one.distance for one in others]))
    readout = float(np.median([one.readout for one in others]))
    unit = max(distance, 1e-9)
    trusted, reason = _verdict(found.distance / unit, found.readout, readout)
    about = NewAnimal(
        animal,
        n,
        found.distance,
        distance,
        found.readout,
        readout,
        trusted,
        reason,
    )
    return about, found.each / unit


def _verdict(far: float, readout: float, reference: float) -> tuple[bool | None, str]:
    if np.isfinite(readout) and reference < LEAST_REFERENCE:
        reason = (
            "the second stream follows from the embedding in no animal of the training "
            f"(correlation {reference:.2f}), so it says nothing here"
        )
        return None, reason
    if np.isfinite(readout):
        share = readout / reference
        poor = share < POOR_READOUT
        text = (
            f"its second stream follows from its embedding {max(share, 0.0):.2f} times "
            f"as well as in the training's animals (at least {POOR_READOUT} expected)"
        )
        return not poor, text if poor else ""
    if far > FAR:
        return False, (
            f"its windows lie {far:.2f} times as far from the training's as those lie "
            f"from each other (at most {FAR} expected)"
        )
    return True, ""


def _join(parts: list[Windows]) -> Windows:
    poses = [part.pose for part in parts]
    h = np.concatenate([part.h for part in parts])
    if any(pose is None for pose in poses):
        return Windows(h)
    return Windows(h, np.concatenate([p for p in poses if p is not None]))


def _centred(values: Floats) -> Floats:
    values = np.asarray(values, dtype=np.float64)
    return values - values.mean(axis=0) if len(values) else values


def _readout(own: Floats, pose: Floats, known: Floats, others: Floats) -> float:
    if pose.shape[1] != others.shape[1]:
        raise DataError(
            f"The second stream of the new animal has {pose.shape[1]} values per "
            f"window, that of the training {others.shape[1]}."
        )
    gram = known.T @ known + PENALTY * np.eye(known.shape[1])
    weights = np.linalg.solve(gram, known.T @ others)
    return mean_correlation(own @ weights, pose)


def mean_correlation(guess: Floats, truth: Floats) -> float:
    """Return the mean over columns of the correlation, those without change left out.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(3, 2)
    >>> mean_correlation(x, -x)
    -1.0
    """
    a = guess - guess.mean(axis=0)
    b = np.asarray(truth, dtype=np.float64)
    b = b - b.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    moving = (b**2).sum(axis=0) > 1e-12
    if not moving.any():
        return float("nan")
    products = (a * b).sum(axis=0)
    return float(np.mean(products[moving] / np.maximum(size[moving], 1e-12)))
