"""The figures of Guenel et al. from any project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.api.project import Project
from napari_neuroembed.api.run import Run
from napari_neuroembed.data.annotations.schema import BOUT_COLUMNS
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.derived import read_mean
from napari_neuroembed.errors import ConfigError, DataError, NeuroembedError
from napari_neuroembed.evaluation.raw import raw_signals
from napari_neuroembed.methods.randomness import numpy_generator
from napari_neuroembed.plotting.bouts import bouts
from napari_neuroembed.plotting.export import (
    DOUBLE_MM,
    KINDS,
    Sized,
    check_kinds,
    find_browser,
    write_figures,
)
from napari_neuroembed.plotting.mean_images import mean_images
from napari_neuroembed.plotting.neighbourhoods import neighbourhoods
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.side_by_side import write_side_by_side
from napari_neuroembed.store.run_folder import check_name
from napari_neuroembed.training.model import load_model

SHOWN = ("simclr", "eq3_grl", "guenel2022", "neuroembed2026")
"""Methods of Figure S4, where the project has runs of them."""

MOST_WINDOWS = 2000
PERPLEXITY = 30.0


@dataclass
class Made:
    """What became of the figures.

    Parameters
    ----------
    folder
        Where they are.
    files
        Written, in order.
    skipped
        Figure -> why it is not there.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FigureOptions:
    """What to draw.

    Parameters
    ----------
    name
        Of the folder under ``figures``.
    runs
        Runs of Figure S4; default the newest of each method of :data:`SHOWN`.
    action
        The one marked in it; default the most frequent.
    seed
        Of t-SNE and of the windows drawn for it.
    kinds
        Of files: svg, pdf, png, html.
    film
        Recording to make a film of, or None.
    span
        First and last second of the film.
    """

    name: str = "paper"
    runs: tuple[str, ...] = ()
    action: str = ""
    seed: int = 0
    kinds: tuple[str, ...] = KINDS
    film: str | None = None
    span: tuple[float, float] = (0.0, 20.0)


def make_figures(
    project: Project, options: FigureOptions | None = None, report: Report = silent
) -> Made:
    """Make S3 (mean images), S4 (t-SNE), S5 (annotations), the tables and a film.

    What the project does not have yet is left out and named. Existing files are
    replaced; every figure stands beside a CSV of what it shows.

    Raises
    ------
    ConfigError
        When a run, the action or a kind of file is unknown, or no browser is there.
    """
    options = options or FigureOptions()
    check_name("Figures", options.name)
    _check(project, options)
    made = Made(project.path / "figures" / options.name)
    made.folder.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Callable[[], tuple[Sized, pd.DataFrame]]] = {
        "s3_mean_images": lambda: _mean_images(project),
        "s4_tsne": lambda: _tsne(project, options, report),
        "s5_annotations": lambda: _annotations(project),
    }
    figures: dict[str, Sized] = {}
    for done, (name, make) in enumerate(steps.items()):
        report("figures", done, len(steps) + 1, name)
        try:
            figures[name], source = make()
        except DataError as error:
            made.skipped[name] = str(error)
            continue
        path = made.folder / f"{name}.csv"
        files.write_file(path, partial(_to_csv, source))
        made.files.append(path)
    if "s4_tsne" in figures and not options.runs:
        shown = {run.config.method for run in _chosen_runs(project, ())}
        for method in (m for m in SHOWN if m not in shown):
            made.skipped[f"{method} in s4_tsne"] = "no finished run of it"
    report("figures", len(steps), len(steps) + 1, "drawing")
    made.files += write_figures(made.folder, figures, options.kinds)
    made.files += _tables(project, made.folder)
    if options.film:
        made.files.append(_film(project, options, made.folder, report))
    report("figures", len(steps) + 1, len(steps) + 1)
    return made


def _check(project: Project, options: FigureOptions) -> None:
    """Refuse what cannot be, before minutes of work."""
    check_kinds(options.kinds)
    if set(options.kinds) - {"html"}:
        find_browser()
    if options.film is not None and options.film not in project.recording_ids():
        known = ", ".join(project.recording_ids())
        raise ConfigError(f"There is no recording {options.film!r}. Known: {known}.")
    _chosen_runs(project, options.runs)


def _mean_images(project: Project) -> tuple[Sized, pd.DataFrame]:
    images: dict[str, NDArray[np.float32]] = {}
    for recording in project.recording_ids():
        animal = project.recording(recording).animal
        if animal in images:
            continue
        image = read_mean(project.derived_folder(recording))
        if image is not None:
            images[animal] = image
    if not images:
        raise DataError("no pre-processed images; neuroembed preprocess makes them")
    parts = []
    for animal, image in images.items():
        y, x = np.indices(image.shape)
        counts = {"y": y.ravel(), "x": x.ravel(), "counts": image.ravel()}
        parts.append(pd.DataFrame({"animal": animal, **counts}))
    table = pd.concat(parts, ignore_index=True)
    return Sized(mean_images(images), DOUBLE_MM), table


def _annotations(project: Project) -> tuple[Sized, pd.DataFrame]:
    table = pd.DataFrame(columns=list(BOUT_COLUMNS))
    if project.annotations_path.exists():
        with project.annotations(read_only=True) as store:
            table = store.snapshot(project.recording_ids())
    table = table[table["state"] == 1]  # 0 says that an action is absent
    if table.empty:
        raise DataError(
            "nothing is labelled; neuroembed annotations import reads files"
        )
    animal = {r: project.recording(r).animal for r in project.recording_ids()}
    table = table.assign(animal=table["recording"].map(animal))
    shown = table[["animal", "recording", "action", "start_s", "stop_s"]]
    return Sized(bouts(shown), DOUBLE_MM), shown


def _tsne(
    project: Project, options: FigureOptions, report: Report
) -> tuple[Sized, pd.DataFrame]:
    from sklearn.manifold import TSNE

    runs = _chosen_runs(project, options.runs)
    if not runs:
        raise DataError("no finished run; neuroembed train or compare makes them")
    windows, arrays = _same_windows(project, runs)
    generator = numpy_generator(options.seed, 0, "figures")
    rows = np.sort(generator.permutation(len(windows))[:MOST_WINDOWS])
    windows = windows.iloc[rows].reset_index(drop=True)
    action = _marked(windows, options.action)
    points: dict[str, NDArray[np.float32]] = {}
    for done, (name, x) in enumerate(arrays.items()):
        report("t-SNE", done, len(arrays), name)
        tsne = TSNE(
            init="pca",
            perplexity=min(PERPLEXITY, (len(rows) - 1) / 3),
            random_state=options.seed,
        )
        points[name] = tsne.fit_transform(np.asarray(x[rows], dtype=np.float64))
    table = windows[["window_id", "recording", "animal", "center_s", "action"]].copy()
    for name, xy in points.items():
        table[f"{name}_1"], table[f"{name}_2"] = xy[:, 0], xy[:, 1]
    return Sized(neighbourhoods(windows, points, action), DOUBLE_MM), table


def _chosen_runs(project: Project, names: Sequence[str]) -> list[Run]:
    known = project.runs()
    known = known[(known["status"] == "finished") & (known["mode"] != "inductive")]
    if names:
        unknown = sorted(set(names) - set(known["name"]))
        if unknown:
            raise ConfigError(
                f"No finished run {', '.join(unknown)}. Known: "
                f"{', '.join(known['name']) or 'none'}."
            )
        return [project.run(name) for name in names]
    found = []
    for method in SHOWN:
        own = known[known["method"] == method].sort_values("created_utc")
        if len(own):
            found.append(project.run(str(own["name"].iloc[-1])))
    return found


def _same_windows(
    project: Project, runs: Sequence[Run]
) -> tuple[pd.DataFrame, dict[str, NDArray[np.float32]]]:
    """Return the windows all runs share, and every embedding of them."""
    windows, _ = runs[0].embedding("neural")
    used = list(dict.fromkeys(windows["recording"]))
    model = load_model(runs[0].folder)
    recordings = project.prepared_recordings(used)
    arrays = {"raw": raw_signals(model, recordings, windows)["raw_neural"]}
    keys = ["recording", "neural_first"]
    for run in runs:
        others, h = run.embedding("neural")
        if not others[keys].equals(windows[keys]):
            raise ConfigError(
                f"Runs {runs[0].name} and {run.name} embedded different windows, so "
                "they cannot be drawn side by side. Choose others by --runs."
            )
        arrays[run.config.method if run.config.method not in arrays else run.name] = h
    return windows, arrays


def _marked(windows: pd.DataFrame, action: str) -> str:
    counts = windows.loc[windows["action"] != "", "action"].value_counts()
    if action and action not in counts.index:
        known = ", ".join(map(str, counts.index)) or "none"
        raise ConfigError(f"No window shows the action {action!r}. Known: {known}.")
    return action or (str(counts.index[0]) if len(counts) else "no action")


def _to_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False)


def _copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def _tables(project: Project, folder: Path) -> list[Path]:
    """Copy the tables of comparisons beside the figures."""
    written = []
    for table in sorted(project.path.glob("compare/*/tables/table.md")):
        target = folder / f"tables_{table.parents[1].name}.md"
        files.write_file(target, partial(_copy, table))
        written.append(target)
    return written


def _film(
    project: Project, options: FigureOptions, folder: Path, report: Report
) -> Path:
    name = str(options.film)
    prepared = project.prepared(name)
    neural = next(iter(prepared.of_kind("neural").values()), None)
    if neural is None:
        raise ConfigError(f"Recording {name!r} has no images to make a film of.")
    camera = None
    try:
        camera = next(iter(project.raw_streams(name).of_kind("video").values()), None)
    except NeuroembedError as error:
        report("film", 0, 1, f"without the camera: {error}")
    target = folder / f"film_{name}.mp4"
    shown = prepared.bouts or Bouts.empty()
    files.write_file(
        target,
        lambda p: write_side_by_side(p, neural, camera, shown, options.span, report),
    )
    return target
