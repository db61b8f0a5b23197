"""The verbs for newcomers: demo and info."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import table
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.cli.score_table import score_lines


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one verb."""
    if verb == "info":
        return
    parser.add_argument(
        "project",
        nargs="?",
        type=Path,
        default=Path("neuroembed-demo"),
        metavar="DIR",
        help="folder to make; default neuroembed-demo",
    )
    parser.add_argument(
        "--animals", type=int, default=4, metavar="N", help="animals; default 4"
    )
    parser.add_argument(
        "--recordings",
        type=int,
        default=6,
        metavar="N",
        help="of every animal; default %(default)s",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=40.0,
        metavar="S",
        help="of every recording; default %(default)g",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="the same seed gives the same animals; default 0",
    )
    parser.add_argument(
        "--gap",
        type=float,
        default=1.0,
        metavar="G",
        help="how far animals differ: 0 (identical) to 1 (default)",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    return _info(report) if verb == "info" else _demo(args, report)


def _info(report: VerbReport) -> int:
    from napari_neuroembed.api import versions

    found = versions()
    report.say(table(found.items(), ("what", "version")), **found)
    return ExitCode.DONE


def _demo(args: argparse.Namespace, report: VerbReport) -> int:
    from napari_neuroembed.api import make_synthetic_project
    from napari_neuroembed.options.synthetic import SyntheticOptions

    options = SyntheticOptions(
        n_animals=args.animals,
        n_recordings=args.recordings,
        duration_s=args.seconds,
        gap=args.gap,
        seed=args.seed,
    )
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        seconds[stage] = now - clock
        clock = now

    project = make_synthetic_project(args.project, options=options, report=report)
    lap("make and import")
    project.preprocess(report=report)
    lap("preprocess")
    trained = project.train(
        method="guenel2022", run="guenel2022", budget="quick", report=report
    )
    lap("train and embed")
    scores = trained.evaluate(report=report)
    lap("evaluate")
    seconds["together"] = sum(seconds.values())
    report.note(run=trained.name)
    lines = score_lines(scores)
    timing = table(
        ((stage, f"{value:.1f}") for stage, value in seconds.items()),
        ("stage", "seconds"),
    )
    report.say(
        "\n".join([*lines, "", timing, "", f"The project is in {args.project}."]),
        seconds=seconds,
        project=str(args.project),
    )
    return ExitCode.DONE
