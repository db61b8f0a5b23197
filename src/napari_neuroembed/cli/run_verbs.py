"""The verbs that make results: preprocess, train, embed, evaluate."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project, add_set, settings, table
from napari_neuroembed.cli.map_lines import map_lines
from napari_neuroembed.cli.new_animal_table import new_animal_lines
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.cli.score_table import score_lines
from napari_neuroembed.config import with_settings
from napari_neuroembed.data.problems import counted
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.store.main_scores import warnings_of

if TYPE_CHECKING:
    from napari_neuroembed.api import Project


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one verb."""
    add_project(parser)
    {
        "preprocess": _preprocess_arguments,
        "train": _train_arguments,
        "embed": _embed_arguments,
        "evaluate": _evaluate_arguments,
    }[verb](parser)


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    from napari_neuroembed.api import Project

    project = Project.open(args.project)
    return {
        "preprocess": _preprocess,
        "train": _train,
        "embed": _embed,
        "evaluate": _evaluate,
    }[verb](project, args, report)


def _preprocess_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recordings", nargs="+", metavar="ID", help="only these; default all"
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="recordings prepared at a time; default one per core",
    )
    add_set(parser)


def _preprocess(project: Project, args: argparse.Namespace, report: VerbReport) -> int:
    if args.set:
        project.set_preprocessing(
            {
                path.removeprefix("preprocessing."): value
                for path, value in settings(args).items()
            }
        )
    done = project.preprocess(
        recordings=args.recordings, workers=args.workers, report=report
    )
    counts = done["status"].value_counts().to_dict()
    text = ", ".join(f"{n} {status}" for status, n in counts.items())
    failed = done[done["status"] == "failed"]
    if len(failed):
        rows = failed[["recording", "detail"]].itertuples(index=False)
        text += "\n" + table(rows, ("recording", "what went wrong"))
    report.say(text, recordings=done.to_dict("records"))
    return ExitCode.SOME_FAILED if len(failed) else ExitCode.DONE


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG.yaml", help="a configuration"
    )
    parser.add_argument("--method", metavar="ID", help="default guenel2022")
    parser.add_argument("--run", metavar="NAME", help="default the time")
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="a time such as '10 minutes', '1 hour', 'overnight', or a preset: twin, "
        "quick, paper; default the project's",
    )
    parser.add_argument(
        "--leave-one-animal-out",
        action="store_true",
        help="one run per animal that the encoder never sees",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run named by --run"
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="say what would be done and how long it takes, and stop",
    )
    add_set(parser)


def _train(project: Project, args: argparse.Namespace, report: VerbReport) -> int:
    from napari_neuroembed.store.run_folder import new_name

    if args.resume and not args.run:
        raise ConfigError("--resume needs the run's name: --run NAME.")
    name = args.run or new_name()
    if args.resume and not args.leave_one_animal_out:
        _check_resume(project, name, args)
        runs = [project.resume(name, report=report)]
    else:
        config = project.config(
            args.config, method=args.method, budget=args.budget, settings=args.set
        )
        plan = project.plan(config, report)
        if plan is not None:
            report.say(plan.sentence(), **_plan_data(plan))
            planned = plan.config
            config = dataclasses.replace(planned, preset="default")
        if args.plan:
            return ExitCode.DONE
        report.note(run=name)
        if args.leave_one_animal_out:
            runs = project.train_leave_one_out(
                config, run=name, resume=args.resume, report=report
            )
        else:
            runs = [project.train(config, run=name, report=report)]
    for one in runs:
        info = one.info()
        report.say(
            f"Run {one.name}: {info['step']:,} steps in {info['seconds']:.0f} s on "
            f"{info['n_windows']:,} windows. Next: neuroembed evaluate "
            f"{project.path} {one.name}"
            + "".join(f"\nwarning: {text}" for text in info.get("warnings", [])),
            **info,
        )
    return ExitCode.DONE


def _check_resume(project: Project, name: str, args: argparse.Namespace) -> None:
    """Refuse options that a run on its way does not have.

    A resumed job repeats its first command, whose options made the run what it is.
    """
    if args.job is not None or not (project.runs_folder / name).is_dir():
        return
    project.run(name).folder.refuse_imported("going on with its training")
    config = project.run(name).config
    other_method = args.method is not None and args.method != config.method
    if other_method or with_settings(config, args.set) != config:
        raise ConfigError(
            f"Run {name!r} goes on with its own configuration, which differs from what "
            "was asked (--method, --set). Leave that out, or train a new run."
        )


def _embed_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--set-name",
        metavar="NAME",
        help="name of the set; default dense (every training stride), or new-ANIMAL "
        "with --animal",
    )
    parser.add_argument(
        "--animal",
        nargs="+",
        metavar="NAME",
        help="only recordings of these; says of an animal that the training never saw "
        "whether its embedding can be trusted",
    )
    parser.add_argument(
        "--recordings", nargs="+", metavar="ID", help="only these; default all"
    )
    parser.add_argument(
        "--stride", type=float, metavar="SECONDS", help="seconds between windows"
    )
    parser.add_argument(
        "--transforms",
        nargs="+",
        metavar="NAME",
        help="keep the embedding after these as well, fitted once on fit recordings; "
        "default those of the run's configuration",
    )
    parser.add_argument(
        "--replace", action="store_true", help="make a set again that exists"
    )


def _embed(project: Project, args: argparse.Namespace, report: VerbReport) -> int:
    run = project.run(args.run)
    name = args.set_name
    if name is None:
        name = f"new-{'-'.join(args.animal)}" if args.animal else "dense"
    windows, h = run.embed(
        name,
        recordings=args.recordings,
        animals=args.animal,
        stride_s=args.stride,
        transforms=args.transforms,
        replace=args.replace,
        report=report,
    )
    folder = run.folder.path / "embeddings" / name
    report.say(
        f"{counted(len(windows), 'window')} of "
        f"{counted(windows['recording'].nunique(), 'recording')}, "
        f"{counted(h.shape[1], 'dimension')}: {folder}",
        windows=len(windows),
        folder=str(folder),
    )
    new = run.new_animals(name)
    if len(new):
        report.say(
            "\n".join(new_animal_lines(new)), new_animals=_records(new), set=name
        )
    return ExitCode.DONE


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--profile",
        choices=("quick", "full"),
        help="quick: few permutations; full: for a paper; default the run's",
    )
    parser.add_argument(
        "--set-name", default="eval", metavar="NAME", help="embeddings to judge"
    )
    parser.add_argument("--name", metavar="NAME", help="default the time")
    parser.add_argument(
        "--maps",
        action="store_true",
        help="also find where in the images each action is read",
    )
    add_set(parser)


def _evaluate(project: Project, args: argparse.Namespace, report: VerbReport) -> int:
    run = project.run(args.run)
    config = run.config
    if args.profile:
        config = with_settings(config, [f"evaluation.profile={args.profile}"])
    config = with_settings(
        config,
        [f"evaluation.{text.removeprefix('evaluation.')}" for text in args.set],
    )
    scores = run.evaluate(
        config.evaluation, name=args.name, set_name=args.set_name, report=report
    )
    lines = score_lines(scores)
    notes: list[str] = run.info().get("notes", []) if run.folder.is_imported else []
    lines += ["", *(f"warning: {note.rstrip('.')}." for note in notes)] if notes else []
    report.say(
        "\n".join(lines),
        scores=_records(scores),
        warnings=warnings_of(scores),
        notes=notes,
    )
    if args.maps:
        found, _ = run.map_actions(
            config.evaluation, set_name=args.set_name, report=report
        )
        report.say("\n".join(map_lines(found)), maps=_records(found))
    return ExitCode.DONE


def _plan_data(plan: Any) -> dict[str, Any]:
    return {
        "steps": plan.config.training.steps,
        "expected_s": plan.expected_s,
        "paper_s": plan.paper_s,
    }


def _records(scores: Any) -> list[dict[str, Any]]:
    """Return rows without NaN, which is no JSON."""
    rows: list[dict[str, Any]] = (
        scores.astype(object).where(scores.notna(), None).to_dict("records")
    )
    return rows
