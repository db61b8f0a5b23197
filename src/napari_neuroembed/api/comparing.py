"""Train, judge and compare many methods on one project, or on fresh synthetic ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.api.project import Project
from napari_neuroembed.api.synthetic import make_synthetic_project
from napari_neuroembed.errors import ConfigError, NeuroembedError
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.comparison import write_comparison
from napari_neuroembed.reports.rows import Row, chosen_rows
from napari_neuroembed.reports.summary import GUESSES
from napari_neuroembed.store.run_folder import RUN, check_name
from napari_neuroembed.store.schema import SCORE_COLUMNS

EVALUATION = "compare"
PLAN = "plan.json"


@dataclass(frozen=True)
class Plan:
    """What a comparison consists of.

    Parameters
    ----------
    name
        Of the comparison, the group of its runs and the beginning of their names.
    rows
        In the order of the table.
    settings
        ``section.name=value`` of every row.
    profile
        Of the evaluation.
    """

    name: str
    rows: tuple[Row, ...]
    settings: tuple[str, ...] = ()
    profile: str = "quick"

    def to_dict(self) -> dict[str, Any]:
        """Return what ``plan.json`` says."""
        rows = {
            row.name: {"method": row.method, "settings": list(row.settings)}
            for row in self.rows
        }
        return {"rows": rows, "settings": list(self.settings), "profile": self.profile}

    def options(self, base: EvaluationOptions, *, baselines: bool) -> EvaluationOptions:
        """Return how rows are judged: half and all of the labels, no decoding."""
        shares = (0.5, 1.0) if self.profile == "quick" else None
        return dataclasses.replace(
            base,
            profile=self.profile,
            fractions=shares,
            decode=False,
            baselines=baselines,
        )


@dataclass
class Outcome:
    """What became of the rows of one project.

    Parameters
    ----------
    scores
        Of all runs that were judged, with the columns `row` and `seed_of_data`.
    failed
        Row -> why there are no scores.
    """

    scores: pd.DataFrame
    failed: dict[str, str] = field(default_factory=dict)


def plan_of(
    name: str, methods: Sequence[str], settings: Sequence[str], profile: str
) -> Plan:
    """Check what was asked for.

    Raises
    ------
    ConfigError, RunFolderError
        When a method or the name is wrong.
    """
    check_name("Comparison", name)
    return Plan(name, tuple(chosen_rows(methods)), tuple(settings), profile)


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
        row after the other.
    report
        Told about rows and what they do; cancelling keeps what is finished.

    Raises
    ------
    ConfigError
        When there is a comparison of that name with another plan.
    """
    folder = project.path / "compare" / plan.name
    keep_plan(folder, plan)
    outcome = _rows_of(project, plan, scheduler, report)
    scores = outcome.scores.assign(seed_of_data=0)
    outcome.scores = scores
    write_comparison(folder, [project.path], scores, outcome.failed, plan.to_dict())
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
            f"{key}: {before.get(key)} then, {now[key]} now" for key in changed
        )
        raise ConfigError(
            f"The comparison {plan.name!r} in {folder.parent} was begun with another "
            f"plan ({told}). Give the same words to go on with it, or another --name."
        )


def run_row(project: Project, plan: Plan, number: int, report: Report) -> None:
    """Train and judge one row, as far as that is not done.

    Raises
    ------
    NeuroembedError
        Why it cannot be done.
    """
    row = plan.rows[number]
    name = f"{plan.name}-{row.name}"
    if (project.runs_folder / name / RUN).exists():
        run = project.resume(name, report)
    else:
        words = [*plan.settings, *row.settings]
        config = project.config(method=row.method, settings=words)
        run = project.train(config, run=name, group=plan.name, report=report)
    if (run.folder.path / "evaluation" / EVALUATION).exists():
        return
    first_of_its_input = [_input_of(one) for one in plan.rows].index(_input_of(row))
    options = plan.options(
        run.config.evaluation, baselines=first_of_its_input == number
    )
    run.evaluate(options, name=EVALUATION, report=report)


def _input_of(row: Row) -> str:
    """Return how the input of a row is normalised; baselines are read once for each."""
    given = [s for s in row.settings if s.startswith("normalise=")]
    brought = "" if row.method != "neuroembed2026" else "centre_animal"
    return given[-1] if given else brought


def _rows_of(
    project: Project, plan: Plan, scheduler: str | None, report: Report
) -> Outcome:
    n = len(plan.rows)
    failed: dict[str, str] = {}
    ways: Callable[..., Iterator[tuple[int, str]]] = _in_turn
    if scheduler is not None:
        from napari_neuroembed.api.scattered import scattered

        ways = scattered
    for done, (number, why) in enumerate(ways(project, plan, scheduler, report), 1):
        if why:
            failed[plan.rows[number].name] = why
        report(
            "compare", done, n, f"{plan.rows[number].name}{': ' if why else ''}{why}"
        )
    return Outcome(_joined(project, plan), failed)


def _in_turn(
    project: Project, plan: Plan, scheduler: None, report: Report
) -> Iterator[tuple[int, str]]:
    del scheduler
    for number, row in enumerate(plan.rows):
        place = f"{row.name}, {number + 1} of {len(plan.rows)}: "

        def tell(
            stage: str, done: int, total: int, message: str = "", place: str = place
        ) -> None:
            report(place + stage, done, total, message)

        try:
            run_row(project, plan, number, tell)
        except NeuroembedError as error:
            yield number, str(error)
        else:
            yield number, ""


def _joined(project: Project, plan: Plan) -> pd.DataFrame:
    """Return the scores of all runs that were judged, with the column `row`."""
    parts = []
    for row in plan.rows:
        folder = project.runs_folder / f"{plan.name}-{row.name}"
        if not (folder / "evaluation" / EVALUATION).exists():
            continue
        scores = project.run(folder.name).scores(EVALUATION)
        names = [
            _named(line) if line["is_baseline"] else row.name
            for line in scores[["method", "normalise", "is_baseline"]].to_dict(
                "records"
            )
        ]
        parts.append(scores.assign(row=names))
    if not parts:
        return pd.DataFrame(columns=[*SCORE_COLUMNS, "row"])
    joined = pd.concat(parts, ignore_index=True)
    guesses = joined["row"].isin(GUESSES)
    first = joined.loc[guesses, "run"].iloc[:1]
    return joined[~guesses | joined["run"].isin(first)].reset_index(drop=True)


def _named(line: dict[str, Any]) -> str:
    """Return the row of a baseline: what it is, and how its input was normalised."""
    plain = line["method"] in GUESSES or line["normalise"] in ("", "none")
    return str(line["method"]) if plain else f"{line['method']}, {line['normalise']}"


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
    """
    options = options or SyntheticOptions(video=0)
    keep_plan(folder / "compare" / plan.name, plan)
    parts, failed, projects = [], {}, []
    for done, seed in enumerate(seeds):
        report("seed", done, len(seeds), str(seed))
        path = folder / f"seed{seed}"
        chosen = dataclasses.replace(options, seed=seed)
        if not (path / "project.yaml").exists():
            make_synthetic_project(path, options=chosen, report=report)
        project = Project.open(path)
        project.preprocess(report=report)
        seeded = dataclasses.replace(plan, settings=(f"seed={seed}", *plan.settings))
        outcome = compare(project, seeded, scheduler=scheduler, report=report)
        parts.append(outcome.scores.assign(seed_of_data=seed))
        failed |= {f"{row}, seed {seed}": why for row, why in outcome.failed.items()}
        projects.append(path)
        scores = pd.concat(parts, ignore_index=True)
        target = folder / "compare" / plan.name
        facts = {**plan.to_dict(), "seeds": list(seeds[: done + 1])}
        write_comparison(target, projects, scores, failed, facts)
    report("seed", len(seeds), len(seeds))
    return Outcome(scores, failed)
