"""One training as a scientist uses it: embed, evaluate, plot."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from napari_neuroembed.api.choice import chosen_ids
from napari_neuroembed.api.plots import RunPlots
from napari_neuroembed.config import (
    RunConfig,
    load_config,
)
from napari_neuroembed.data.annotations.schema import BOUT_COLUMNS
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import (
    DataError,
)
from napari_neuroembed.evaluation.collect import build_sample
from napari_neuroembed.evaluation.embed import Embedded, embed, left_out
from napari_neuroembed.evaluation.evaluate import evaluate
from napari_neuroembed.evaluation.imported import with_notes
from napari_neuroembed.evaluation.maps import action_maps
from napari_neuroembed.evaluation.new_animal import NewAnimal
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.evaluation.transformed import (
    CALIBRATED,
    calibrated,
    fitted_transforms,
    noted_calibration,
    transformed,
)
from napari_neuroembed.evaluation.unseen import Unseen, judge_unseen, seen_animals
from napari_neuroembed.methods.randomness import numpy_generator
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.bundle import write_bundle
from napari_neuroembed.store.history import read_history
from napari_neuroembed.store.map_folder import read_maps, write_maps
from napari_neuroembed.store.run_folder import CONFIG, HISTORY, RunFolder
from napari_neuroembed.store.tables import read_distances
from napari_neuroembed.training.model import Model, load_model
from napari_neuroembed.transforms import find_transform

if TYPE_CHECKING:
    from napari_neuroembed.api.project import Project


OCCLUSION = "occlusion"
"""How maps are made."""


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
        animals: Sequence[str] | None = None,
        stride_s: float | None = None,
        transforms: Sequence[str] | None = None,
        replace: bool = False,
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
        animals
            Only recordings of these; also animals that the training never saw, see
            :meth:`new_animals`.
        stride_s
            Seconds between windows, instead of the set's.
        transforms
            What is kept beside the embedding, as ``neural_<transform>``; default
            ``config.transforms``. A transform is fitted once, on fit recordings.
        replace
            Make a set again that exists.
        report
            Told about every recording.

        Returns
        -------
        windows, embedding
            Of the neural stream.
        """
        if set_name == "dense" and stride_s is None:
            stride_s = self.config.windows.stride_s
        self.folder.refuse_imported("embedding other windows with it")
        self.folder.check_free(set_name, replace=replace)
        names = self.config.transforms if transforms is None else transforms
        for name in names:
            find_transform(name)  # before hours of work, not after
        model = load_model(self.folder)
        chosen = self.project.prepared_recordings(
            chosen_ids(self.project, recordings, animals)
        )
        made = embed(model, chosen, stride_s=stride_s, report=report)
        if made.windows.empty:
            raise DataError(
                f"Set {set_name!r}: no window fits into the chosen recordings"
                f"{left_out(made.facts['dropped'])}. Choose longer recordings, or a "
                "shorter --stride."
            )
        unseen = self._unseen(model, made, chosen)
        extra, absent = self._transformed(model, made, names, report)
        facts, tables = {**made.facts, "transforms_absent": absent}, {}
        if unseen is not None:
            facts["new_animals"] = [one.to_dict() for one in unseen.animals]
            tables["distances"] = unseen.distances
        self.folder.write_embeddings(
            set_name,
            made.windows,
            {**made.arrays, **extra},
            facts,
            tables=tables,
            replace=replace,
        )
        return self.embedding("neural", set_name)

    def _transformed(
        self, model: Model, made: Embedded, names: Sequence[str], report: Report
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
        """Return the embedding after each transform, and why one is missing."""
        if not names:
            return {}, {}
        known = self.project.prepared_recordings(self.project.recording_ids())
        fits, absent = fitted_transforms(self.folder, model, known, names, report)
        animal = made.windows["animal"].to_numpy(dtype=object)
        arrays, others = transformed(fits, made.arrays["neural"], animal)
        named = {f"neural_{name}": rows for name, rows in arrays.items()}
        return named, {**absent, **others}

    def calibrate(
        self,
        animal: str,
        *,
        set_name: str | None = None,
        replace: bool = False,
        report: Report = silent,
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Correct the subspace for one animal by its unlabelled neural data and poses.

        Parameters
        ----------
        animal
            Usually one that the training never saw. Its fit recordings are used, or all
            of them when it came to the project after the training.
        set_name
            Of the embeddings of all recordings that are kept, with the arrays
            ``neural_subspace`` and, this animal's rows corrected,
            ``neural_subspace_calibrate``; default ``calibrated-ANIMAL``.
        replace
            Make a set again that exists.
        report
            Told about every recording.

        Returns
        -------
        windows, embedding
            The corrected one, shape (n_windows, directions).
        """
        set_name = set_name or f"calibrated-{animal}"
        self.folder.refuse_imported("calibrating it")
        self.folder.check_free(set_name, replace=replace)
        chosen_ids(self.project, None, [animal])
        model = load_model(self.folder)
        known = self.project.prepared_recordings(self.project.recording_ids())
        made = embed(model, known, report=report)
        plain, corrected, n = calibrated(
            self.folder, model, known, made, animal, report
        )
        h, whose = made.arrays["neural"], made.windows["animal"].to_numpy(dtype=object)
        s = plain.apply(h, whose).astype(np.float32)
        is_own = (whose == animal)[:, None]
        own = np.where(is_own, corrected.apply(h, whose), s).astype(np.float32)
        facts = {**made.facts, "calibrated": {"animal": animal, "n_windows": n}}
        arrays = {**made.arrays, "neural_subspace": s, CALIBRATED: own}
        self.folder.write_embeddings(
            set_name, made.windows, arrays, facts, replace=replace
        )
        return self.embedding(CALIBRATED, set_name)

    def new_animals(self, set_name: str) -> pd.DataFrame:
        """Say of each animal that the training never saw whether it can be trusted.

        Returns
        -------
        DataFrame
            One row per such animal of the set, the fields of ``NewAnimal``; empty when
            the training saw all of them.
        """
        rows = self.folder.embedding_facts(set_name).get("new_animals", [])
        names = [field.name for field in dataclasses.fields(NewAnimal)]
        return pd.DataFrame(rows, columns=names)

    def _unseen(
        self, model: Model, made: Embedded, chosen: Sequence[Recording]
    ) -> Unseen | None:
        """Compare animals that the training never saw with those it saw."""
        seen = seen_animals(self.folder, model)
        if set(made.windows["animal"]) <= set(seen):
            return None
        known = self.project.recording_ids()
        prepared = {r.id: r for r in chosen}
        prepared |= {
            name: self.project.prepared(name)
            for name in known
            if self.project.recording(name).animal in seen and name not in prepared
        }
        neural = made.arrays["neural"]
        return judge_unseen(self.folder, model, prepared, made.windows, neural)

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
        if name is not None:
            self.folder.check_evaluation(name)  # before hours of work, not after
        options = options or self.config.evaluation
        windows, _ = self.embedding("neural", set_name)
        used = list(dict.fromkeys(windows["recording"]))
        bouts = pd.DataFrame(columns=list(BOUT_COLUMNS))
        if self.project.annotations_path.exists():
            with self.project.annotations(read_only=True) as store:
                bouts = store.snapshot(
                    used, raters=options.labels.raters, sources=options.labels.sources
                )
        sample = build_sample(
            self.folder,
            self.project.prepared_recordings(used),
            self.project.covariates(),
            set_name=set_name,
            baselines=options.baselines,
            report=report,
        )
        result = evaluate(
            sample,
            options,
            identity=self._facts(),
            generator=numpy_generator(self.config.seed, 0, "evaluate"),
            report=report,
        )
        scores = noted_calibration(result.scores, self.folder.embedding_facts(set_name))
        if self.folder.is_imported:
            scores = with_notes(scores, self._facts(), self.info())
        self.folder.write_evaluation(
            name,
            yaml.safe_dump(to_dict(options), sort_keys=False),
            bouts,
            {"predictions": result.predictions, "distances": result.distances},
            scores,
        )
        return scores

    def map_actions(
        self,
        options: EvaluationOptions | None = None,
        *,
        set_name: str = "eval",
        report: Report = silent,
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Find where a probe of each animal reads each of its actions, and keep it.

        `options`: of the probe, default those of the run's configuration.

        Returns what :meth:`maps` does.
        """
        windows, _ = self.embedding("neural", set_name)
        used = list(dict.fromkeys(windows["recording"]))
        recordings = self.project.prepared_recordings(used)
        found = action_maps(
            self.folder,
            recordings,
            options or self.config.evaluation,
            set_name=set_name,
            report=report,
        )
        name = f"{set_name}_{OCCLUSION}"
        write_maps(self.folder.path, name, found.table, found.values)
        return self.maps(set_name)

    def maps(self, set_name: str = "eval") -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Return where actions are read: a row per animal and action, and its map.

        Shape (n_maps, y, x) in pixels of the training cache, log odds lost where a
        place is hidden; NaN where nothing is seen.
        """
        return read_maps(self.folder.path, f"{set_name}_{OCCLUSION}")

    def scores(self, name: str | None = None) -> pd.DataFrame:
        """Return the scores of an evaluation, by default the latest."""
        return self.folder.scores(name)

    def distances(self, name: str | None = None) -> pd.DataFrame:
        """Return how far animals lie apart, pair by pair, by default of the latest.

        Empty unless the evaluation had ``distances`` (those of profile ``full`` do).
        """
        return read_distances(self.folder.evaluation_folder(name))

    def history(self) -> pd.DataFrame:
        """Return loss and throughput by step."""
        return read_history(self.folder.path / HISTORY)

    def bundle(self, out: Path | None = None, *, report: Report = silent) -> Path:
        """Write this run into one zip file for a colleague.

        See :func:`~napari_neuroembed.reports.bundle.write_bundle`.
        """
        return write_bundle(self.project, self.name, out, report)

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
