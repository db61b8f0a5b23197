"""Train, judge and compare many methods on one project, or on fresh synthetic ones."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.api.compare_tasks import (
    FAILURES,
    Plan,
    Task,
    joined_scores,
    run_task,
    said,
    tasks_of,
)
from napari_neuroembed.api.project import Project
from napari_neuroembed.api.scattered import scattered
from napari_neuroembed.api.synthetic import make_synthetic_project
from napari_neuroembed.data.synthetic.files import SOURCE, TRUTH_FACTS
from napari_neuroembed.errors import Cancelled, ConfigError, DataError
from napari_neuroembed.options.base import changed, to_dict
from napari_neuroembed.options.evaluation import Profile
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.comparison import write_comparison
from napari_neuroembed.reports.rows import chosen_rows
from napari_neuroembed.store.run_folder import check_name
from napari_neuroembed.store.tables import read_scores

PLAN = "plan.json"
CHOSEN = {
    f"evaluation.{name}"
    for name in ("profile", "fractions", "leaks", "decode", "baselines")
} | {"training.held_out", "method"}
"""Settings that are the comparison's."""


@dataclass
class Outcome:
    """What became of the runs of a comparison.

    Parameters
    ----------
    scores
        Of all runs that were judged, with the columns `row` and `seed_of_data`.
    failed
        Run -> why there are no scores.
    """

    scores: pd.DataFrame
    failed: dict[str, str] = field(default_factory=dict)


def plan_of(
    name: str,
    rows: Sequence[str],
    settings: Sequence[str] = (),
    profile: Profile = "quick",
    budget: str | None = None,
) -> Plan:
    """Check what was asked for.

    Parameters
    ----------
    name
        Of the comparison.
    rows
        Names of ``reports.rows.ROWS``, or words of ``reports.rows.WORDS``.
    settings
        ``section.name=value`` of every run.
    profile
        Of the evaluations: ``quick`` or ``full``.
    budget
        A preset or a time such as ``10 minutes``, of every run.

    Raises
    ------
    ConfigError, RunFolderError
        When a row or the name is wrong.
    """
    check_name("Comparison", name)
    for setting in settings:
        path = setting.partition("=")[0].strip()
        if path in CHOSEN:
            raise ConfigError(
                f"--set {setting}: a comparison chooses {path} itself, by its rows "
                "and --profile, so that rows can be compared."
            )
    return Plan(name, tuple(chosen_rows(rows)), tuple(settings), profile, budget)


def compare(
    project: Project,
    plan: Plan,
    *,
    scheduler: str | None = None,
    report: Report = silent,
) -> Outcome:
    """Train and judge every row, skip what is finished, and write the tables.

    Parameters
    ----------
    project
        Pre-processed.
    plan
        What to compare.
    scheduler
        Address of a dask scheduler, or ``local:N`` for N processes here; None: one
        run after the other.
    report
        Told about rows and what they do; cancelling keeps what is finished.

    Raises
    ------
    ConfigError
        When there is a comparison of that name with another plan, or a row cannot be
        had with this project.
    """
    folder = project.path / "compare" / plan.name
    tasks = tasks_of(project, plan)
    keep_plan(folder, plan)
    outcome = _run_all(project, plan, tasks, scheduler, report)
    write_comparison(
        folder, {0: project.path}, outcome.scores, outcome.failed, plan.to_dict()
    )
    return outcome


def keep_plan(folder: Path, plan: Plan) -> None:
    """Write a plan, or refuse (ConfigError) another one of the same name."""
    path = folder / PLAN
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(path, plan.to_dict())
        return
    before, now = files.read_json(path), plan.to_dict()
    changed = [key for key in now if before.get(key) != now[key]]
    if changed:
        told = "; ".join(
            f"{key}: {_said(before.get(key))} then, {_said(now[key])} now"
            for key in changed
        )
        raise ConfigError(
            f"The comparison {plan.name!r} in {folder.parent} was begun with another "
            f"plan ({told}). Give the same words to go on with it, or another --name."
        )


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, dict | list) else str(value)


def _run_all(
    project: Project,
    plan: Plan,
    tasks: Sequence[Task],
    scheduler: str | None,
    report: Report,
) -> Outcome:
    failed: dict[str, str] = {}
    if scheduler is None:
        ended = _in_turn(project, plan, tasks, report)
    else:
        ended = scattered(project, plan, tasks, scheduler, report)
    for done, (task, why) in enumerate(ended, 1):
        if why:
            failed[task.label] = why
        said = f"{task.label}: {why}" if why else task.label
        report("compare", done, len(tasks), said)
    scores, unread = joined_scores(project, tasks)
    return Outcome(scores.assign(seed_of_data=0), {**failed, **unread})


def _in_turn(
    project: Project, plan: Plan, tasks: Sequence[Task], report: Report
) -> Iterator[tuple[Task, str]]:
    for number, task in enumerate(tasks, 1):
        place = f"{task.label}, {number} of {len(tasks)}: "

        def tell(
            stage: str, done: int, total: int, message: str = "", place: str = place
        ) -> None:
            report(place + stage, done, total, message)

        try:
            run_task(project, plan, task, tell)
        except Cancelled:
            raise
        except FAILURES as error:
            yield task, said(error)
        else:
            yield task, ""


def compare_twins(
    folder: Path,
    plan: Plan,
    seeds: Sequence[int],
    *,
    options: SyntheticOptions | None = None,
    scheduler: str | None = None,
    report: Report = silent,
) -> Outcome:
    """Compare on one fresh synthetic project per seed, and over all of them.

    Parameters
    ----------
    folder
        Gets a project ``seed<N>`` per seed (what is there is gone on with) and the
        joint tables in ``compare/<name>``.
    plan
        What to compare; the seed of the data is also that of the training.
    seeds
        Of the synthetic animals.
    options
        Of the generator, apart from the seed.
    scheduler, report
        As in :func:`compare`.

    Raises
    ------
    ConfigError
        As in :func:`compare`, or when a project is there with other options.
    """
    options = options or SyntheticOptions(video=0)
    target = folder / "compare" / plan.name
    for seed in seeds:  # before anything is written
        if (folder / f"seed{seed}").exists():
            _check_twin(folder / f"seed{seed}", dataclasses.replace(options, seed=seed))
    keep_plan(target, plan)
    earlier = _earlier(target, seeds)
    parts = [earlier] if len(earlier) else []
    kept = sorted(map(int, set(earlier["seed_of_data"]))) if len(earlier) else []
    projects = {seed: folder / f"seed{seed}" for seed in kept}
    failed: dict[str, str] = {}
    for done, seed in enumerate(seeds):
        report("seed", done, len(seeds), str(seed))
        project = _twin(folder / f"seed{seed}", options, seed, report)
        seeded = dataclasses.replace(plan, settings=(f"seed={seed}", *plan.settings))
        outcome = compare(project, seeded, scheduler=scheduler, report=report)
        parts.append(outcome.scores.assign(seed_of_data=seed))
        failed |= {f"{row}, seed {seed}": why for row, why in outcome.failed.items()}
        projects[seed] = project.path
        facts = {**plan.to_dict(), "seeds": sorted(projects)}
        scores = pd.concat(parts, ignore_index=True)
        write_comparison(target, projects, scores, failed, facts)
    report("seed", len(seeds), len(seeds))
    return Outcome(pd.concat(parts, ignore_index=True), failed)


def _earlier(target: Path, seeds: Sequence[int]) -> pd.DataFrame:
    """Return the scores of seeds that were compared before and not asked for now."""
    path = target / "tables" / "scores.csv"
    if not path.is_file():
        return pd.DataFrame(columns=["seed_of_data"])
    known = read_scores(path)
    return known[~known["seed_of_data"].isin(list(seeds))]


def _twin(path: Path, options: SyntheticOptions, seed: int, report: Report) -> Project:
    """Make, or open, the pre-processed synthetic project of one seed."""
    chosen = dataclasses.replace(options, seed=seed)
    if path.exists():
        _check_twin(path, chosen)
    else:  # moved into place when it is whole
        making = path.parent / ".making" / path.name
        shutil.rmtree(making, ignore_errors=True)
        make_synthetic_project(making, options=chosen, report=report)
        making.replace(path)
        with contextlib.suppress(OSError):  # another seed is being made there
            making.parent.rmdir()
    project = Project.open(path)
    project.preprocess(report=report)
    return project


def _check_twin(path: Path, options: SyntheticOptions) -> None:
    """Refuse a project that is no twin, or one of other options."""
    try:
        found = files.read_json(path / SOURCE / TRUTH_FACTS).get("options", {})
    except DataError as error:
        raise ConfigError(
            f"{path} is no project of synthetic animals ({error}). Choose another "
            "folder for --twin."
        ) from error
    told = ", ".join(changed(found, to_dict(options)))
    if told:
        raise ConfigError(
            f"{path} holds other synthetic animals ({told}). Give the options they "
            "were made with, or another folder."
        )
