"""Verbs for the tests of jobs; run as a program it is a small `neuroembed`."""

from __future__ import annotations

import argparse
import sys
import time

from napari_neuroembed.cli import main
from napari_neuroembed.cli.flags import add_project
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.cli.verbs import Verb
from napari_neuroembed.errors import DataError

PROGRAM = (sys.executable, __file__)


def verbs(module: str = "tests.cli.work_verbs") -> tuple[Verb, ...]:
    return (
        Verb("work", module, "work for a while", job="project"),
        Verb("make", module, "make a project", job="new project"),
        Verb("look", module, "look at something"),
    )


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    del verb
    add_project(parser)
    parser.add_argument("--steps", type=int, default=3, help="how long")
    parser.add_argument("--ending", default="done", help="how it ends")
    parser.add_argument("--deaf", action="store_true", help="never report")
    parser.add_argument("--dry-run", action="store_true", help="only look")


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    report.note(run="first")
    for step in range(args.steps):
        if not args.deaf:
            report("steps", step + 1, args.steps, verb)
        time.sleep(0.01)
    if args.ending == "mistake":
        raise DataError("The stack has 3 frames, expected 4. Record it again.")
    if args.ending == "bug":
        raise TypeError("a bug")
    report.say(f"{verb} is done", verb=verb, steps=args.steps)
    return 1 if args.ending == "some" else 0


if __name__ == "__main__":
    raise SystemExit(main(verbs=verbs("__main__")))
