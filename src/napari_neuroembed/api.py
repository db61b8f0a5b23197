"""What a scientist types: Project, Run, make_synthetic_project; thin, no logic."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import yaml
from numpy.typing import NDArray

from napari_neuroembed.config import (
    PRESETS,
    RunConfig,
    budget_seconds,
    load_config,
    preset_config,
    with_settings,
)
from napari_neuroembed.data import project as data_project
from napari_neuroembed.data.import_plan import run_plans
from napari_neuroembed.data.import_table import plan_table
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.synthetic_files import write_twin
from napari_neuroembed.errors import (
    ConfigError,
    DataError,
    NeuroembedError,
    raise_all,
)
from napari_neuroembed.evaluation.collect import build_sample
from napari_neuroembed.evaluation.embed import embed
from napari_neuroembed.evaluation.evaluate import evaluate
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.methods import METHODS, as_defined
from napari_neuroembed.methods.randomness import numpy_generator
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.preprocessing import project as preprocessing
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.history import read_history
from napari_neuroembed.store.run_folder import CONFIG, HISTORY, RUN, RunFolder
from napari_neuroembed.training.budget import Plan, plan_budget
from napari_neuroembed.training.model import load_model
from napari_neuroembed.training.run import common_mask, train

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Project(data_project.Project):
    """A project folder: recordings, labels, runs.

    Examples
    --------
    >>> project = Project.open("flies")  # doctest: +SKIP
    >>> project.preprocess()  # doctest: +SKIP
    >>> run = project.train(method="guenel2022", run="first")  # doctest: +SKIP
    """

    def preprocess(
        self,
        *,
        recordings: Sequence[str] | None = None,
        report: Report = silent,
    ) -> pd.DataFrame:
        """Make ``derived/`` of every recording that has none, or an outdated one.

        Parameters
        ----------
        recordings
            Only these; default all.
        report
            Told about every chunk.

        Returns
        -------
        DataFrame
            One row per recording: recording, status (made, kept, failed), detail.
        """
        return preprocessing.preprocess_project(
            self, recordings=recordings, report=report
        )

    def config(
        self,
        config: Path | None = None,
        *,
        method: str | None = None,
        budget: str | None = None,
        settings: Iterable[str] = (),
    ) -> RunConfig:
        """Return the configuration a training would have.

        Parameters
        ----------
        config
            A YAML file; default: the project's preset.
        method
            Id of the method; default that of the file or ``guenel2022``.
        budget
            A preset or a time such as ``10 minutes``, instead of the project's.
        settings
            ``section.name=value``, applied last.

        Raises
        ------
        ConfigError
            When a setting contradicts what defines the method.
        """
        if config is not None:
            chosen = load_config(config)
        else:
            chosen = preset_config(budget or self.spec.preset)
        chosen = as_defined(chosen, method or chosen.method)
        changed = with_settings(chosen, settings)
        if as_defined(changed, changed.method) != changed:
            fixed = ", ".join(
                f"{k}={v}" for k, v in METHODS[changed.method].fixed.items()
            )
            raise ConfigError(
                f"{changed.method} is defined by {fixed}. Choose another method "
                f"instead of changing that. Known: {', '.join(METHODS)}."
            )
        return changed

    def plan(self, config: RunConfig, report: Report = silent) -> Plan | None:
        """Turn the time budget of a configuration into steps; None without a budget."""
        if config.preset in PRESETS:
            return None
        return plan_budget(
            self.prepared_recordings(),
            config,
            budget_seconds(config.preset),
            common_mask(self),
            report,
        )

    def train(
        self,
        config: RunConfig | None = None,
        *,
        method: str | None = None,
        run: str | None = None,
        budget: str | None = None,
        settings: Iterable[str] = (),
        group: str = "",
        report: Report = silent,
    ) -> Run:
        """Train one run, and embed the windows its evaluation needs.

        Parameters
        ----------
        config
            A whole configuration; default what :meth:`config` gives.
        method, budget, settings
            See :meth:`config`.
        run
            Name of the run.
        group
            Id shared by runs that belong together.
        report
            Told about every logged step.

        Returns
        -------
        Run
            Finished, with the embeddings ``eval``.
        """
        chosen = config or self.config(method=method, budget=budget, settings=settings)
        plan = self.plan(chosen, report)
        if plan is not None:
            report("plan", 1, 1, plan.sentence())
            chosen = plan.config
        folder = train(self, chosen, run=run, group=group, report=report)
        made = Run(self, folder)
        made.embed(report=report)
        return made

    def train_leave_one_out(
        self,
        config: RunConfig,
        *,
        run: str | None = None,
        resume: bool = False,
        report: Report = silent,
    ) -> list[Run]:
        """Train one run per held-out animal, all of one group.

        Parameters
        ----------
        config
            Of every run, apart from the held-out animal.
        run
            Name of the group, and the beginning of the names of the runs.
        resume
            Go on with the runs that exist, by their own configuration.
        report
            Told about every logged step.

        Raises
        ------
        ConfigError
            With fewer than two animals.
        """
        animals = self.animals()
        if len(animals) < 2:
            raise ConfigError(
                "--leave-one-animal-out needs at least 2 animals; this project has "
                f"{len(animals)}."
            )
        group = run or secrets.token_hex(4)
        begun = sorted(self.runs_folder.glob(f"{group}-*/{RUN}")) if resume else []
        if begun:  # one calibration for all: the runs of a group must be comparable
            config = self.run(begun[0].parent.name).config
        runs = []
        for animal in animals:
            training = dataclasses.replace(config.training, held_out=(animal,))
            held_out = dataclasses.replace(config, training=training)
            name = f"{group}-{animal}"
            if resume and (self.runs_folder / name).is_dir():
                runs.append(self.resume(name, report))
                continue
            runs.append(self.train(held_out, run=name, group=group, report=report))
        return runs

    def resume(self, run: str, report: Report = silent) -> Run:
        """Go on with an interrupted run from its last whole checkpoint.

        One that was stopped after its training is embedded; one that is complete is
        returned as it is.
        """
        made = self.run(run)
        if made.info()["status"] != "finished":
            train(self, made.config, run=run, resume=True, report=report)
        if "eval" not in made.folder.embedding_sets():
            made.embed(report=report)
        return made

    def run(self, name: str) -> Run:
        """Open a run by its name."""
        return Run(self, RunFolder.open(self.runs_folder / name))

    def runs(self) -> pd.DataFrame:
        """Return one row per run: name, method, status, seed, group, created."""
        rows = []
        if self.runs_folder.is_dir():
            for path in sorted(self.runs_folder.glob(f"[!.]*/{RUN}")):
                rows.append(RunFolder.open(path.parent).info())
        columns = ["name", "method", "status", "seed", "mode", "group", "created_utc"]
        return pd.DataFrame(rows).reindex(columns=columns)

    def prepared_recordings(self, ids: Sequence[str] | None = None) -> list[Recording]:
        """Return pre-processed recordings, by default all."""
        return [self.prepared(i) for i in ids or self.recording_ids()]


class Run:
    """One training of a project, with its embeddings and scores.

    Parameters
    ----------
    project
        The project it belongs to.
    folder
        Its folder.
    """

    def __init__(self, project: Project, folder: RunFolder) -> None:
        self.project, self.folder = project, folder
        self.name = folder.name

    @cached_property
    def config(self) -> RunConfig:
        """Configuration the run was trained with."""
        return load_config(self.folder.path / CONFIG)

    def info(self) -> dict[str, Any]:
        """Return what ``run.json`` says."""
        return self.folder.info()

    def embed(
        self,
        set_name: str = "eval",
        *,
        recordings: Sequence[str] | None = None,
        stride_s: float | None = None,
        report: Report = silent,
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Embed windows of recordings and keep them as a set.

        Parameters
        ----------
        set_name
            ``eval`` (windows every ``eval_stride_s``), ``dense`` (every
            ``windows.stride_s``), or a name of your own for new recordings.
        recordings
            Default all of the project.
        stride_s
            Seconds between windows, instead of the set's.
        report
            Told about every recording.

        Returns
        -------
        windows, embedding
            Of the neural stream.
        """
        if set_name == "dense" and stride_s is None:
            stride_s = self.config.windows.stride_s
        model = load_model(self.folder)
        chosen = self.project.prepared_recordings(recordings)
        made = embed(model, chosen, stride_s=stride_s, report=report)
        if made.windows.empty:
            raise DataError(
                f"Set {set_name!r}: no window fits into the chosen recordings. Left "
                f"out: {made.facts['dropped']}."
            )
        self.folder.write_embeddings(set_name, made.windows, made.arrays, made.facts)
        return self.embedding("neural", set_name)

    def embedding(
        self, stream: str = "neural", set_name: str = "eval"
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Return the window table and the embedding, float32 (n_windows, dim)."""
        return self.folder.read_embedding(stream, set_name)

    def evaluate(
        self,
        options: EvaluationOptions | None = None,
        *,
        name: str | None = None,
        set_name: str = "eval",
        report: Report = silent,
    ) -> pd.DataFrame:
        """Judge a set of embeddings: actions, decoding, identity leakage.

        Parameters
        ----------
        options
            Default those of the run's configuration.
        name
            Name of the evaluation; default the time.
        set_name
            Which embeddings.
        report
            Told about every part.

        Returns
        -------
        DataFrame
            Tidy scores, the columns of ``store.schema.SCORE_COLUMNS``.
        """
        options = options or self.config.evaluation
        windows, _ = self.embedding("neural", set_name)
        used = list(dict.fromkeys(windows["recording"]))
        with self.project.annotations(read_only=True) as store:
            bouts = store.snapshot(
                used, raters=options.labels.raters, sources=options.labels.sources
            )
        sample = build_sample(
            self.folder,
            self.project.prepared_recordings(used),
            self.project.covariates(),
            set_name=set_name,
            report=report,
        )
        result = evaluate(
            sample,
            options,
            identity=self._facts(),
            generator=numpy_generator(self.config.seed, 0, "evaluate"),
            report=report,
        )
        self.folder.write_evaluation(
            name,
            yaml.safe_dump(to_dict(options), sort_keys=False),
            bouts,
            {"predictions": result.predictions},
            result.scores,
        )
        return result.scores

    def scores(self, name: str | None = None) -> pd.DataFrame:
        """Return the scores of an evaluation, by default the latest."""
        return self.folder.scores(name)

    def history(self) -> pd.DataFrame:
        """Return loss and throughput by step."""
        return read_history(self.folder.path / HISTORY)

    @property
    def plot(self) -> RunPlots:
        """Figures of this run."""
        return RunPlots(self)

    def _facts(self) -> RunFacts:
        info, training = self.info(), self.config.training
        return RunFacts(
            run=self.name,
            group=str(info.get("group", "")),
            method=self.config.method,
            mode="inductive" if training.held_out else "transductive",
            held_out_animal=", ".join(training.held_out),
            normalise=self.config.normalise,
            seed=self.config.seed,
        )


class RunPlots:
    """Figures of a run: ``run.plot.embedding(color="action").show()``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def embedding(
        self, color: str = "action", *, stream: str = "neural", set_name: str = "eval"
    ) -> go.Figure:
        """Return the first principal components, coloured by a window column."""
        from napari_neuroembed.plotting.embedding import embedding
        from napari_neuroembed.plotting.projection import pca

        windows, h = self._run.embedding(stream, set_name)
        points, labels = pca(h)
        title = f"{self._run.name}: {stream}"
        return embedding(windows, points, color, axis_labels=labels, title=title)

    def leakage(self, name: str | None = None) -> go.Figure:
        """Return how well probes tell which animal it was, beside chance."""
        from napari_neuroembed.plotting.leakage import leakage

        return leakage(self._run.scores(name))

    def actions(self, name: str | None = None) -> go.Figure:
        """Return action recognition within and across animals, beside chance."""
        from napari_neuroembed.plotting.actions import actions

        return actions(self._run.scores(name))

    def history(self) -> go.Figure:
        """Return loss and throughput by step."""
        from napari_neuroembed.plotting.history import history

        return history(self._run.history())


def make_synthetic_project(
    path: str | Path,
    *,
    n_animals: int = 4,
    seed: int = 0,
    options: SyntheticOptions | None = None,
    report: Report = silent,
) -> Project:
    """Make a project of synthetic animals, through real files and the real import.

    Parameters
    ----------
    path
        Folder to make; must not hold a project yet.
    n_animals, seed
        The two options most often changed.
    options
        All options of the generator, instead of the two.
    report
        Told about every recording.

    Returns
    -------
    Project
        Imported, not yet pre-processed, with preset ``twin``.
    """
    options = options or SyntheticOptions(n_animals=n_animals, seed=seed)
    project = Project.create(Path(path), preset="twin")
    project.set_preprocessing(
        {"dff.offset": float(options.offset), "resize.height": 16, "resize.width": 16}
    )
    source = write_twin(project.path, options, report=report)
    plans = plan_table(project, source / "recordings.csv")
    results = run_plans(project, plans, report=report)
    failed = [
        f"{result.plan.name}: {result.error}" for result in results if result.error
    ]
    raise_all(failed, DataError, str(project.path))
    return project


def versions() -> dict[str, str]:
    """Return the versions a bug report needs.

    Examples
    --------
    >>> {"python", "torch", "device"} <= set(versions())
    True
    """
    import platform
    from importlib.metadata import version

    names = (
        "napari-neuroembed",
        "torch",
        "numpy",
        "pandas",
        "tifffile",
        "av",
        "napari",
    )
    found = {name: version(name) for name in names}
    return {
        "python": platform.python_version(),
        **found,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
    }


__all__ = ["NeuroembedError", "Project", "Run", "make_synthetic_project"]
