"""The neighbours of pose swapping, beside scikit-learn's brute force and faiss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from benchmarks.measure import (
    Result,
    Row,
    Settings,
    interleaved,
    measured,
    missing,
    ratio,
    skipped,
)
from napari_neuroembed.augmentation.neighbours import CHUNK, neighbour_table

OURS, BRUTE, FAISS = "neighbour_table", "scikit-learn, brute", "faiss, flat"
FEATURES, LATENT, NEIGHBOURS = 60, 8, 128
LARGEST = 1e-3
"""Largest difference of a distance, as a share of it."""

Found = tuple[NDArray[np.int32], NDArray[np.float32]]


def run(settings: Settings) -> Result:
    """Look for 128 neighbours among 200,000 poses of 60 numbers.

    4,096 queries at once, as in a training: with fewer faiss takes a slower way.
    """
    return compare(settings, 20_000 if settings.quick else 200_000, CHUNK)


def compare(settings: Settings, n_poses: int, n_queries: int) -> Result:
    """Compare the library that the training uses with others; none is written here.

    Parameters
    ----------
    settings
        Repeats, threads.
    n_poses, n_queries
        Poses of the other animal, and of the own one.
    """
    rows: list[Row] = []
    ratios = []
    for kind in ("clustered", "spread"):
        poses, queries = _poses(kind, n_poses), _poses(kind, n_queries, seed=1)
        found: dict[str, Found] = {}
        ways = {OURS: neighbour_table, BRUTE: _brute}
        if not missing("faiss"):
            ways[FAISS] = _faiss(settings.threads)
        times = interleaved(
            {
                f"{name}, {kind}": _keeping(found, name, way, queries, poses)
                for name, way in ways.items()
            },
            settings,
        )
        far = found[BRUTE][1]
        for name in ways:
            error = float((np.abs(found[name][1] - far) / far).max())
            rows.append(
                measured(
                    f"{name}, {kind}",
                    times,
                    n_queries,
                    "queries per CPU s",
                    (error, "of the distance"),
                    is_peer=name != OURS,
                    error_limit=LARGEST if name == OURS else None,
                )
            )
        work = dict.fromkeys(times, float(n_queries))
        peers = [name for name in ways if name != OURS]
        ours = f"{OURS}, {kind}"
        ratios += [ratio(ours, f"{name}, {kind}", times, work) for name in peers]
    if missing("faiss"):
        rows.append(skipped(FAISS, missing("faiss")))
    parameters = {"poses": n_poses, "queries": n_queries, "features": FEATURES}
    return Result(rows, ratios, {**parameters, "neighbours": NEIGHBOURS})


def _keeping(
    found: dict[str, Found],
    name: str,
    way: Callable[[NDArray[np.float32], NDArray[np.float32], int], Found],
    queries: NDArray[np.float32],
    poses: NDArray[np.float32],
) -> Callable[[], None]:
    def search() -> None:
        found[name] = way(queries, poses, NEIGHBOURS)

    return search


def _poses(kind: str, n: int, seed: int = 0) -> NDArray[np.float32]:
    """Draw poses of eight hidden dimensions and noise, about 100 centres or one."""
    shared = np.random.default_rng(7)
    mixing = shared.standard_normal((LATENT, FEATURES))
    centres = 4 * shared.standard_normal((100, LATENT))
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, LATENT))
    if kind == "clustered":
        hidden += centres[rng.integers(len(centres), size=n)]
    noise = 0.1 * rng.standard_normal((n, FEATURES))
    return (hidden @ mixing + noise).astype(np.float32)


def _brute(
    query: NDArray[np.float32], candidates: NDArray[np.float32], n: int
) -> Found:
    search = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(candidates)
    distance, index = search.kneighbors(query)
    return index.astype(np.int32), distance.astype(np.float32)


def _faiss(
    threads: int,
) -> Callable[[NDArray[np.float32], NDArray[np.float32], int], Found]:
    import faiss

    faiss.omp_set_num_threads(threads)

    def search(
        query: NDArray[np.float32], candidates: NDArray[np.float32], n: int
    ) -> Found:
        flat = faiss.IndexFlatL2(candidates.shape[1])
        flat.add(candidates)
        squared, index = flat.search(query, n)
        return index.astype(np.int32), np.sqrt(np.maximum(squared, 0))

    return search
