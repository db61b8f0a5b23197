"""``neuroembed compare``: many methods, one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_judging, add_set
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import replace_path
from napari_neuroembed.options.synthetic import SyntheticOptions

_TWIN = "synthetic."


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    parser.add_argument(
        "project", type=Path, metavar="PROJECT", help="the project folder"
    )
    parser.add_argument(
        "--methods",
        default="all",
        metavar="A,B",
        help="rows of the table, see the methods; default all",
    )
    parser.add_argument(
        "--name",
        default="compare",
        metavar="NAME",
        help="of the comparison; the same name goes on with it; default compare",
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="of every run: a preset, or a time such as '10 minutes'; default the "
        "project's",
    )
    parser.add_argument(
        "--twin",
        action="store_true",
        help="PROJECT is a folder for fresh synthetic projects, one per seed",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="with --twin; default 5")
    parser.add_argument(
        "--first-seed", type=int, metavar="S", help="with --twin; default 0"
    )
    add_judging(parser)
    add_set(parser)


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    del verb
    from napari_neuroembed.api import Project
    from napari_neuroembed.api.comparing import compare, compare_twins, plan_of

    own = [s for s in args.set if not s.startswith(_TWIN)]
    methods = [name.strip() for name in args.methods.split(",") if name.strip()]
    plan = plan_of(args.name, methods, own, args.profile, args.budget)
    if args.twin:
        n = 5 if args.seeds is None else args.seeds
        first = args.first_seed or 0
        if n < 1 or first < 0:
            raise ConfigError("--seeds must be at least 1, --first-seed not below 0.")
        seeds = range(first, first + n)
        outcome = compare_twins(
            args.project,
            plan,
            list(seeds),
            options=_twin_options(args.set),
            scheduler=args.scheduler,
            report=report,
        )
    else:
        if len(own) < len(args.set):
            raise ConfigError("--set synthetic.* goes with --twin.")
        if args.seeds is not None or args.first_seed is not None:
            raise ConfigError("--seeds and --first-seed go with --twin.")
        outcome = compare(
            Project.open(args.project), plan, scheduler=args.scheduler, report=report
        )
    folder = args.project / "compare" / args.name / "tables"
    text = (folder / "table.md").read_text("utf-8").rstrip()
    report.say(
        f"{text}\n\nThe tables and a page to look at: {folder}",
        folder=str(folder),
        failed=outcome.failed,
    )
    return ExitCode.SOME_FAILED if outcome.failed else ExitCode.DONE


def _twin_options(settings: list[str]) -> SyntheticOptions:
    from napari_neuroembed.config import parse_value

    options = SyntheticOptions(video=0)
    for setting in settings:
        if setting.startswith(_TWIN):
            path, sign, text = setting.removeprefix(_TWIN).partition("=")
            if not sign:
                raise ConfigError(f"--set {setting}: expected synthetic.NAME=VALUE.")
            options = replace_path(options, path, parse_value(text))
    return options
