"""Leaks of known size: take the animals out of an embedding, then put a known one in.

A planted leak is one offset per animal, a function of the animal and nothing else. It
is planted into the user's own embedding after labels of whole recordings were permuted
and what the animals already differ by was taken out: what is left differs from
recording to recording as the user's data do, and knows no animal.
"""

from __future__ import annotations

import numpy as np

from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.permutation import Layout
from napari_neuroembed.evaluation.scaling import Array, Scaler


def without_animals(x: Array, layout: Layout, animal: Codes) -> Array:
    """Standardise an embedding and take out what the animals differ by.

    Parameters
    ----------
    x
        Embedding of the audited windows, shape (n, dim).
    layout
        The audited windows.
    animal
        Animal of each recording, shape (R,).

    Returns
    -------
    array, shape (n, dim)
        Standardised features without the animals' means.

    Notes
    -----
    In every balance cell the animals' means are moved towards their common mean by
    ``max(0, 1 - E / B)``: B is their mean square distance from it, E the part of it
    that recordings differing within animals bring about alone. Without such
    shrinkage windows of one animal would move together even where animals are equal,
    and neighbours would tell them apart.
    """
    values = Scaler.fit(x).apply(x).astype(np.float64)
    means, counts = _recording_means(values, layout)
    moves, between, expected = [], 0.0, 0.0
    for cell in range(layout.n_cells):
        found = _animal_means(means[:, cell], counts[:, cell], animal)
        if found is None:
            continue
        moves.append((cell, found[0]))
        between += float((found[0] ** 2).sum()) / (len(found[0]) - 1)
        expected += found[1]
    share = max(0.0, 1.0 - expected / between) if between > 0 else 0.0
    for cell, offset in moves:
        inside = layout.cell == cell
        values[inside] -= share * offset[animal[layout.recording[inside]]]
    return values.astype(np.float32)


def planted(
    x: Array, animal: Codes, size: float, generator: np.random.Generator
) -> Array:
    """Add one offset per animal.

    Parameters
    ----------
    x
        Standardised embedding without animals, shape (n, dim).
    animal
        Animal of each window, shape (n,), 0 to K - 1.
    size
        Root mean square of the offsets in units of the embedding's own spread.
    generator
        Draws the directions: random mixtures of the windows, so that a leak lies
        where the embedding varies.
    """
    n_animals = int(animal.max()) + 1
    centred = x - x.mean(axis=0)
    mixture = generator.standard_normal((n_animals, x.shape[0])).astype(np.float32)
    offset = mixture @ centred
    offset -= offset.mean(axis=0)
    length = np.sqrt((offset**2).sum() / n_animals)
    spread = np.sqrt((centred**2).sum() / x.shape[0])
    offset *= size * spread / max(float(length), 1e-12)
    return np.asarray(x + offset[animal], dtype=np.float32)


def _recording_means(values: Floats, layout: Layout) -> tuple[Floats, Floats]:
    """Return means, shape (R, C, dim), and counts, shape (R, C)."""
    n_pairs = layout.n_recordings * layout.n_cells
    pair = layout.recording * layout.n_cells + layout.cell
    counts = np.bincount(pair, minlength=n_pairs).astype(np.float64)
    sums = np.zeros((n_pairs, values.shape[1]))
    np.add.at(sums, pair, values)
    shape = (layout.n_recordings, layout.n_cells)
    means = sums / np.maximum(counts, 1.0)[:, None]
    return means.reshape(*shape, -1), counts.reshape(shape)


def _animal_means(
    means: Floats, counts: Floats, animal: Codes
) -> tuple[Floats, float] | None:
    """Return each animal's distance from the common mean, and the expected square.

    None where an animal has fewer than two recordings with windows in this cell.
    """
    n_animals = int(animal.max()) + 1
    own, expected = np.zeros((n_animals, means.shape[1])), 0.0
    for a in range(n_animals):
        used = (animal == a) & (counts > 0)
        if np.count_nonzero(used) < 2:
            return None
        share = counts[used] / counts[used].sum()
        own[a] = share @ means[used]
        square = ((means[used] - own[a]) ** 2).sum(axis=1)
        weight = (share**2).sum()
        expected += float((share**2) @ square) / (1.0 - weight) / n_animals
    return own - own.mean(axis=0), expected
