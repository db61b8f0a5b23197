"""``neuroembed figures``: the paper's figures from any project."""

from __future__ import annotations

import argparse

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project
from napari_neuroembed.cli.running import VerbReport


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    add_project(parser)
    parser.add_argument(
        "--name", default="paper", metavar="NAME", help="of the folder; default paper"
    )
    parser.add_argument(
        "--runs",
        default="",
        metavar="A,B",
        help="runs side by side in S4; default the newest simclr, eq3_grl, guenel2022 "
        "and neuroembed2026",
    )
    parser.add_argument(
        "--action",
        default="",
        metavar="NAME",
        help="the action marked in S4; default the most frequent",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of t-SNE; default 0"
    )
    parser.add_argument(
        "--kinds",
        default="svg,pdf,png,html",
        metavar="A,B",
        help="of files; all but html need Chromium or Chrome; default svg,pdf,png,html",
    )
    parser.add_argument(
        "--video",
        metavar="RECORDING",
        help="also a film of this recording: camera, dF/F, time, action",
    )
    parser.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="of the film; default 0"
    )
    parser.add_argument(
        "--stop", type=float, metavar="S", help="of the film; default start + 20"
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    del verb
    from napari_neuroembed.api import Project
    from napari_neuroembed.api.figures import FigureOptions, make_figures

    stop = args.start + 20.0 if args.stop is None else args.stop
    options = FigureOptions(
        name=args.name,
        runs=_words(args.runs),
        action=args.action,
        seed=args.seed,
        kinds=_words(args.kinds),
        film=args.video,
        span=(args.start, stop),
    )
    made = make_figures(Project.open(args.project), options, report)
    lines = [f"{path.name}" for path in made.files]
    lines += [f"without {name}: {why}" for name, why in made.skipped.items()]
    report.say(
        "\n".join([*lines, f"In {made.folder}"]),
        folder=str(made.folder),
        files=[path.name for path in made.files],
        skipped=made.skipped,
    )
    return ExitCode.DONE


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
