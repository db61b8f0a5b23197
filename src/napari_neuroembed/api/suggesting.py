"""Which stretches of a project to label next."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_neuroembed.api.run import Run
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.evaluation.collect import window_actions
from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.evaluation.next_labels import (
    STRATEGIES,
    Strategy,
    next_stretches,
    stretches,
    uncertainty,
)
from napari_neuroembed.evaluation.probes import LinearProbe, labelled
from napari_neuroembed.methods.randomness import numpy_generator

COLUMNS = ("rank", "recording", "start_s", "stop_s", "likely", "uncertainty")


def suggest(
    run: Run,
    n: int = 20,
    *,
    strategy: Strategy = "mixed",
    length_s: float = 4.0,
    set_name: str = "eval",
    seed: int = 0,
) -> pd.DataFrame:
    """Choose stretches from which a probe of the actions would learn most.

    Parameters
    ----------
    run
        With embeddings; the subspace is read where the run has it.
    n
        Stretches wanted.
    strategy
        ``mixed``, ``uncertain``, ``spread`` or ``random``; see
        :data:`~napari_neuroembed.evaluation.next_labels.STRATEGIES`.
    length_s
        Seconds of a stretch.
    set_name
        Which embeddings.
    seed
        Of ties and random choices.

    Returns
    -------
    DataFrame
        `rank`, `recording`, `start_s`, `stop_s`, `likely` (what the probe of the
        present labels takes it for, '' without one) and `uncertainty` (mean entropy, 0
        to 1; NaN without a probe). Stretches that hold a label are left out.

    Raises
    ------
    ConfigError
        When the strategy is unknown, or `n` is not positive.
    """
    if strategy not in STRATEGIES:
        raise ConfigError(
            f"Unknown strategy {strategy!r}. Known: {', '.join(STRATEGIES)}."
        )
    if n < 1:
        raise ConfigError(f"At least one stretch must be wanted, found {n}.")
    streams = run.folder.embedding_streams(set_name)
    stream = "neural_subspace" if "neural_subspace" in streams else "neural"
    windows, h = run.embedding(stream, set_name)
    used = list(dict.fromkeys(windows["recording"]))
    known = {r.id: r for r in run.project.prepared_recordings(used)}
    action = window_actions(windows, known, run.config.windows, 0.0)
    recording = windows["recording"].factorize()[0].astype(np.int64)
    times = windows["center_s"].to_numpy(dtype=np.float64)
    stretch = stretches(recording, times, length_s)
    names, p = _read(run, h, action)
    chosen = next_stretches(
        h,
        stretch,
        action != "",
        p,
        n,
        strategy=strategy,
        generator=numpy_generator(seed, 0, "suggest"),
    )
    unsure = None if p is None else uncertainty(p, stretch)
    rows, half = [], _stride(recording, times) / 2
    for rank, number in enumerate(chosen, 1):
        own = np.flatnonzero(stretch == number)
        start = float(times[own].min() - half)
        likely = "" if p is None else names[int(p[own].mean(axis=0).argmax())]
        doubt = float("nan") if unsure is None else float(unsure[number])
        recording_id = str(windows["recording"].iloc[int(own[0])])
        stop = float(times[own].max() + half)
        rows.append((rank, recording_id, max(0.0, start), stop, likely, doubt))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _stride(recording: np.ndarray, times: np.ndarray) -> float:
    """Return the usual seconds from one window to the next."""
    steps = np.diff(times)[np.diff(recording) == 0]
    return float(np.median(steps)) if steps.size else 0.0


def _read(
    run: Run, h: np.ndarray, action: np.ndarray
) -> tuple[list[str], Floats | None]:
    """Return the actions and their probability by a probe of the present labels."""
    least = run.config.evaluation.min_windows
    counts = pd.Series(action[action != ""]).value_counts()
    names = sorted(map(str, counts.index[counts >= least]))
    if len(names) < 2:
        return names, None
    place = {name: i for i, name in enumerate(names)}
    code = np.array([place.get(a, -1) for a in action], dtype=np.int64)
    probe = LinearProbe(run.config.evaluation.linear)
    data = labelled(h[code >= 0], code[code >= 0], len(names))
    probe.fit(data, np.random.default_rng(0))
    return names, probe.probabilities(np.asarray(h, dtype=np.float32))
