"""Where in the brain an action is read from: one map per animal and action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.config import load_config
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.collect import window_actions
from napari_neuroembed.evaluation.embed import neural_bank
from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.evaluation.occlusion import Reader, ablation, occlusion
from napari_neuroembed.evaluation.probes import LinearProbe, labelled
from napari_neuroembed.methods.randomness import numpy_generator
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.run_folder import CONFIG, RunFolder
from napari_neuroembed.store.schema import MAP_COLUMNS
from napari_neuroembed.training.data import window_frames
from napari_neuroembed.training.model import Model, load_model

WINDOWS = 24
"""Windows of an action that a map is made of, and as many that check it."""


@dataclass(frozen=True)
class ActionMaps:
    """Maps of a run.

    Parameters
    ----------
    table
        One row per animal and action, the columns of ``maps.parquet``.
    values
        Map i belongs to row i, float32, shape (n_maps, y, x), or (n_maps, neuron); NaN
        where nothing is seen, and throughout where there is no map.
    """

    table: pd.DataFrame
    values: NDArray[np.float32]


def action_maps(
    run: RunFolder,
    recordings: Sequence[Recording],
    options: EvaluationOptions,
    *,
    set_name: str = "eval",
    report: Report = silent,
) -> ActionMaps:
    """Find where a probe of each animal reads each of its actions.

    A linear probe per animal is fitted on its fit windows. Places of its fresh windows
    are replaced by the animal's mean frame, and the loss of evidence (log odds of the
    action) is mapped. Half of the fresh recordings make the map, the others check it
    (the later half of its windows where there is only one): the most important 5 % of
    the pixels are hidden, and as many random ones.

    Parameters
    ----------
    run
        A trained run with the set `set_name`.
    recordings
        Prepared recordings of the set, with the bouts that count.
    options
        Of the probe, and the fewest windows of an action.
    set_name
        Which embeddings.
    report
        Told about every map.

    Raises
    ------
    DataError
        When nothing is labelled.
    RunFolderError
        For imported embeddings, which have no encoder.
    """
    run.refuse_imported("finding where it reads actions")
    model = load_model(run)
    windows, h = run.read_embedding("neural", set_name)
    table = _labelled_windows(run, model, recordings, windows)
    actions = sorted(set(table["action"]) - {""})
    if not actions:
        raise DataError(
            "No window of this run is labelled, so there is no action to look for. "
            "Label some bouts, or import labels: neuroembed annotations import."
        )
    animals = list(dict.fromkeys(table["animal"]))
    rows, maps, shape = [], [], model.parts.method.shapes.neural[1:]
    seed = load_config(run.path / CONFIG).seed
    for i, animal in enumerate(animals):
        own = _Animal(model, recordings, table, h, animal, options)
        for j, action in enumerate(actions):
            place = i * len(actions) + j
            report("maps", place, len(animals) * len(actions), f"{animal}, {action}")
            generator = numpy_generator(seed, place, "maps")
            row, found = own.look(action, generator)
            rows.append(row)
            maps.append(np.full(shape, np.nan) if found is None else found)
    report("maps", len(rows), len(rows))
    table = pd.DataFrame(rows, columns=list(MAP_COLUMNS))
    return ActionMaps(table, np.stack(maps).astype(np.float32))


def _labelled_windows(
    run: RunFolder,
    model: Model,
    recordings: Sequence[Recording],
    windows: pd.DataFrame,
) -> pd.DataFrame:
    known = {r.id: r for r in recordings}
    options = model.config.windows
    first = known[str(windows["recording"].iloc[0])]
    length = window_seconds(options, first, model.streams["neural"])
    table = windows.copy()
    table["action"] = window_actions(windows, known, options, length)
    table["role"] = window_roles(table, Split.from_dict(run.splits()), length)
    return table


class _Animal:
    """One animal's probe, mean frame and windows."""

    def __init__(
        self,
        model: Model,
        recordings: Sequence[Recording],
        table: pd.DataFrame,
        h: NDArray[np.float32],
        animal: str,
        options: EvaluationOptions,
    ) -> None:
        self.model, self.animal, self.options = model, animal, options
        self.recordings = {r.id: r for r in recordings if r.animal == animal}
        self.table = table[table["animal"] == animal]
        fit = (self.table["role"] == "fit") & (self.table["action"] != "")
        self.fit = self.table[fit]
        counts = self.fit["action"].value_counts()
        often = counts.index[counts >= options.min_windows]
        self.known = sorted(map(str, often))
        self.probe: LinearProbe | None = None
        if len(self.known) > 1:
            used = self.fit[self.fit["action"].isin(self.known)]
            rows = table.index.get_indexer(used.index)
            code = [self.known.index(a) for a in used["action"]]
            self.probe = LinearProbe(options.linear)
            data = labelled(h[rows], np.array(code), len(self.known))
            self.probe.fit(data, np.random.default_rng(0))
        self.seen = model.parts.normaliser.mask.cpu().numpy() > 0
        if self.seen.ndim == 1:  # traces are padded to the most neurons of any animal
            one = next(iter(self.recordings.values()))
            n_neurons = one.streams[model.streams["neural"]].data.shape[1]
            self.seen[n_neurons:] = False
        self._usual: Tensor | None = None

    def look(
        self, action: str, generator: np.random.Generator
    ) -> tuple[dict[str, object], Floats | None]:
        """Return the row of one action and its map; None with the reason in the row."""
        row: dict[str, object] = {"animal": self.animal, "action": action}
        fresh = self.table[
            (self.table["role"] == "fresh") & (self.table["action"] == action)
        ]
        why = self._missing(action, len(fresh))
        if why or self.probe is None:
            return {**row, "n_windows": len(fresh), "note": why}, None
        index = tuple(self.model.parts.method.shapes.animals)
        number = index.index(self.animal) if self.animal in index else 0
        code = self.known.index(action)
        reader = Reader(self.model.parts.method, self.probe, code, number)
        making, checking = self._halves(fresh, generator)
        found = occlusion(reader, self._windows(making), self.usual, self.seen)
        checked = ablation(
            reader, self._windows(checking), self.usual, found, generator
        )
        told = {f"drop_{k}": v for k, v in asdict(checked).items() if k != "n_pixels"}
        row |= {"n_windows": len(making), "n_checked": len(checking), **told}
        return {**row, "n_pixels": checked.n_pixels, "note": ""}, found

    @property
    def usual(self) -> Tensor:
        """Mean frame of the animal's fit windows, as the encoder sees it."""
        if self._usual is None:
            rows = self.table[self.table["role"] == "fit"]
            self._usual = self._windows(rows.iloc[:: max(1, len(rows) // 200)]).mean(
                dim=(0, 1)
            )
        return self._usual

    def _missing(self, action: str, n_fresh: int) -> str:
        least = self.options.min_windows
        if self.probe is None:
            return f"fewer than two actions with {least} fit windows"
        if action not in self.known:
            return f"fewer than {least} fit windows"
        return f"{n_fresh} fresh windows" if n_fresh < max(2, least) else ""

    def _halves(
        self, fresh: pd.DataFrame, generator: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return windows for the map and for its check, of different recordings."""
        names = list(dict.fromkeys(fresh["recording"]))
        if len(names) > 1:
            first = fresh["recording"].isin(names[::2]).to_numpy()
        else:
            first = np.arange(len(fresh)) < len(fresh) // 2
        halves = []
        for rows in (fresh[first], fresh[~first]):
            chosen = np.sort(generator.permutation(len(rows))[:WINDOWS])
            halves.append(rows.iloc[chosen])
        return halves[0], halves[1]

    def _windows(self, rows: pd.DataFrame) -> Tensor:
        parts = []
        for name, own in rows.groupby("recording", sort=False):
            recording = self.recordings[str(name)]
            frames = window_frames(own, [recording.id], [recording.animal])
            bank = neural_bank(self.model, recording)
            parts.append(bank.gather(frames.recording, frames.neural))
        return torch.cat(parts)
