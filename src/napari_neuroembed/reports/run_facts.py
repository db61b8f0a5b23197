"""What a report says about one run: read from its folder, nothing computed anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig, load_config
from napari_neuroembed.data.project.yaml_text import load_yaml
from napari_neuroembed.data.splits import Split
from napari_neuroembed.errors import NeuroembedError, RunFolderError
from napari_neuroembed.options.base import from_dict
from napari_neuroembed.options.evaluation import EvaluationOptions, resolved
from napari_neuroembed.store.main_scores import warning_text, warnings_of
from napari_neuroembed.store.run_folder import CONFIG, RUN, SPLITS, RunFolder
from napari_neuroembed.store.schema import SCORE_COLUMNS
from napari_neuroembed.store.tables import read_distances, read_table


@dataclass(frozen=True)
class Judged:
    """One evaluation of a run.

    Parameters
    ----------
    name
        Of the evaluation.
    options
        How it was judged, every field filled in.
    scores, predictions, distances
        Its tables.
    n_bouts
        Bouts that counted.
    """

    name: str
    options: EvaluationOptions
    scores: pd.DataFrame
    predictions: pd.DataFrame
    distances: pd.DataFrame
    n_bouts: int


@dataclass(frozen=True)
class RunRecord:
    """One run as it is on disk.

    Parameters
    ----------
    folder
        Its folder.
    info
        ``run.json``.
    config
        What it was trained with.
    split
        Who was fitted on what; None before its training began.
    judged
        The latest evaluation, if there is one.
    sets
        ``embedding.json`` of every set of embeddings.
    problems
        What of the folder could not be read.
    """

    folder: RunFolder
    info: Mapping[str, Any]
    config: RunConfig
    split: Split | None = None
    judged: Judged | None = None
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.name

    @property
    def warnings(self) -> list[str]:
        """Everything that a reader of its scores must know, the worst first."""
        found = [*self.problems, *map(str, self.info.get("warnings", []))]
        if self.judged is not None:
            rows = warnings_of(self.judged.scores)
            found += dict.fromkeys(warning_text(row) for row in rows)
        if self.info.get("status") != "finished":
            found.append(f"Its training is {self.info.get('status')}, not finished.")
        if self.judged is None:
            found.append("It was never evaluated.")
        found += map(str, self.info.get("notes", []))
        return found


def chosen_runs(runs: Path, names: list[str] | None) -> list[str]:
    """Return the names of the runs a report is about, by default all.

    Raises
    ------
    RunFolderError
        When a named run is not there.
    """
    known = sorted(path.parent.name for path in runs.glob(f"[!.]*/{RUN}"))
    if names is None:
        return known
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise RunFolderError(
            f"There is no run {', '.join(missing) or 'named'} in {runs}. Known runs: "
            f"{', '.join(known) or 'none; train one first'}."
        )
    return list(dict.fromkeys(names))


def read_run(path: Path) -> RunRecord:
    """Gather the facts of a run.

    Raises
    ------
    NeuroembedError
        When ``run.json`` or ``config.yaml`` cannot be read; whatever else cannot be
        read is named in `problems`.
    """
    folder = RunFolder.open(path)
    problems: list[str] = []
    split = None
    try:
        if (path / SPLITS).is_file():
            split = Split.from_dict(folder.splits())
    except (NeuroembedError, KeyError, TypeError, ValueError) as error:
        problems.append(f"{SPLITS} cannot be read: {error}.")
    judged = None
    try:
        if (path / "evaluation" / "latest.json").is_file():
            judged = _judged(folder)
    except (NeuroembedError, KeyError, TypeError, ValueError) as error:
        problems.append(f"Its evaluation cannot be read: {error}")
    sets = {}
    for name in folder.embedding_sets():
        try:
            sets[name] = folder.embedding_facts(name)
        except NeuroembedError as error:
            problems.append(str(error))
    return RunRecord(
        folder=folder,
        info=folder.info(),
        config=load_config(path / CONFIG),
        split=split,
        judged=judged,
        sets=sets,
        problems=tuple(problems),
    )


def _judged(folder: RunFolder) -> Judged:
    place = folder.path / "evaluation"
    name = str(files.read_json(place / "latest.json")["name"])
    options = from_dict(EvaluationOptions, load_yaml(place / name / "config.yaml"))
    bouts, scores = read_table(place / name / "bouts.parquet"), folder.scores(name)
    lacking = [column for column in SCORE_COLUMNS if column not in scores]
    if lacking:
        raise RunFolderError(f"scores.csv has no column {', '.join(lacking)}.")
    return Judged(
        name=name,
        options=resolved(options),
        scores=scores,
        predictions=folder.predictions(name),
        distances=read_distances(place / name),
        n_bouts=int((bouts["state"] == 1).sum()) if "state" in bouts else len(bouts),
    )
