"""``neuroembed preview``: the process that a window computes its previews with."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.running import VerbReport


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    parser.add_argument(
        "project",
        nargs="?",
        type=Path,
        metavar="PROJECT",
        help="the project folder; default none, for given arrays only",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Answer JSON lines from standard input on standard output, until it ends."""
    del verb, report
    from napari_neuroembed.data.project import Project

    if args.project is not None:
        Project.open(args.project)  # a mistyped folder is told at once
    # Libraries are no garbage: not to look through them saves a second at either end.
    gc.disable()
    from napari_neuroembed.api.previewing import own_output, serve

    gc.freeze()
    gc.enable()
    with own_output() as out:
        serve(sys.stdin.buffer, out, args.project)
    return ExitCode.DONE
