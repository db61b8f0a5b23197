"""A project as a scientist uses it: pre-process, train, open runs."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Self

import pandas as pd

from napari_neuroembed.api.run import Run
from napari_neuroembed.config import (
    PRESETS,
    RunConfig,
    budget_seconds,
    load_config,
    preset_config,
    with_settings,
)
from napari_neuroembed.data import project as data_project
from napari_neuroembed.data.project.yaml_text import load_yaml
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import (
    ConfigError,
)
from napari_neuroembed.evaluation.imported import (
    EmbeddingPlan,
    EmbeddingRequest,
    plan_embedding,
    write_embedding_run,
)
from napari_neuroembed.methods import METHODS, as_brought, as_defined
from napari_neuroembed.preprocessing import project as preprocessing
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.figure_files import DRAWN
from napari_neuroembed.reports.report import Written, report_folder, write_report
from napari_neuroembed.reports.unbundle import open_bundle
from napari_neuroembed.reports.verify import verify
from napari_neuroembed.store.run_folder import RUN, RunFolder
from napari_neuroembed.training.budget import Plan, plan_budget
from napari_neuroembed.training.run import train
from napari_neuroembed.training.setup import common_mask
from napari_neuroembed.transforms import find_transform

METHOD_NAME = re.compile(r"[a-z0-9_]{1,64}")


class Project(data_project.Project):
    """A project folder: recordings, labels, runs.

    Notes
    -----
    From raw files to scores::

        project = Project.open("flies")
        project.preprocess()
        run = project.train(method="guenel2022", run="first")
        scores = run.evaluate()
    """

    def preprocess(
        self,
        *,
        recordings: Sequence[str] | None = None,
        workers: int | None = None,
        report: Report = silent,
    ) -> pd.DataFrame:
        """Make ``derived/`` of every recording that has none, or an outdated one.

        Parameters
        ----------
        recordings
            Only these; default all.
        workers
            Processes that work side by side; default one per core.
        report
            Told about every chunk.

        Returns
        -------
        DataFrame
            One row per recording: recording, status (made, kept, failed), detail.
        """
        return preprocessing.preprocess_project(
            self, recordings=recordings, workers=workers, report=report
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
        name = method or chosen.method
        written = {} if config is None else load_yaml(config)
        chosen = as_brought(chosen, name, written)
        changed = with_settings(chosen, settings)
        for transform in changed.transforms:
            find_transform(transform)  # before the training, not after
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
        made.folder.refuse_imported("going on with its training")
        if made.info()["status"] != "finished":
            train(self, made.config, run=run, resume=True, report=report)
        if "eval" not in made.folder.embedding_sets():
            made.embed(report=report)
        return made

    def import_embedding(
        self,
        request: EmbeddingRequest,
        *,
        run: str | None = None,
        accept: Collection[str] = (),
    ) -> tuple[Run, EmbeddingPlan]:
        """Keep somebody else's embedding as a run, to be judged like any other.

        Parameters
        ----------
        request
            The files, and which frames their rows belong to.
        run
            Name of the run; default the time.
        accept
            Ids of errors that are accepted.

        Returns
        -------
        run, plan
            The run, and what became of the rows.

        Raises
        ------
        DataError
            When rows cannot be matched with frames; nothing is written.
        ConfigError
            When the method has the name of one of ours, or is no name.
        """
        plan = self.plan_embedding(request, accept)
        config = preset_config(self.spec.preset)
        recordings = {name: self.raw(name) for name in request.paths}
        folder = write_embedding_run(
            self.runs_folder, run, plan, request, config, recordings
        )
        return Run(self, folder), plan

    def plan_embedding(
        self, request: EmbeddingRequest, accept: Collection[str] = ()
    ) -> EmbeddingPlan:
        """Look at an embedding as :meth:`import_embedding` does, and write nothing."""
        taken = {*METHODS, "raw", "random_encoder", "majority", "random"}
        if request.method in taken or not METHOD_NAME.fullmatch(request.method):
            raise ConfigError(
                f"--embedding-method {request.method!r} must be of small letters, "
                f"digits and _, and none of {', '.join(sorted(taken))}."
            )
        recordings = {name: self.raw(name) for name in request.paths}
        return plan_embedding(recordings, request, accept)

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

    def report(
        self,
        *,
        name: str = "report",
        runs: Sequence[str] | None = None,
        kinds: Sequence[str] = DRAWN,
        report: Report = silent,
    ) -> Written:
        """Write ``report/<name>/``: one page, figures, methods, references, hashes.

        See :func:`~napari_neuroembed.reports.report.write_report`.
        """
        return write_report(self, name=name, runs=runs, kinds=kinds, report=report)

    def verify_report(
        self, name: str = "report", *, report: Report = silent
    ) -> pd.DataFrame:
        """Say of a report, and of all it was made of, what is intact.

        See :func:`~napari_neuroembed.reports.verify.verify`.
        """
        return verify(self, report_folder(self, name), report)

    @classmethod
    def from_bundle(
        cls, path: str | Path, folder: str | Path, *, report: Report = silent
    ) -> Self:
        """Unpack a bundle into a new folder and open it.

        See :func:`~napari_neuroembed.reports.unbundle.open_bundle`.
        """
        return cls.open(open_bundle(Path(path), Path(folder), report))

    def prepared_recordings(self, ids: Sequence[str] | None = None) -> list[Recording]:
        """Return pre-processed recordings, by default all."""
        return [self.prepared(i) for i in ids or self.recording_ids()]
