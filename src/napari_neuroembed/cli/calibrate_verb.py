"""``neuroembed calibrate``: correct the subspace for one animal by its own poses."""

from __future__ import annotations

import argparse

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.data.problems import counted


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    add_project(parser)
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--animal",
        required=True,
        metavar="NAME",
        help="the animal, usually one that the training never saw",
    )
    parser.add_argument(
        "--set-name", metavar="NAME", help="name of the set; default calibrated-ANIMAL"
    )
    parser.add_argument(
        "--replace", action="store_true", help="make a set again that exists"
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    del verb
    from napari_neuroembed.api import Project

    project = Project.open(args.project)
    one = project.run(args.run)
    name = args.set_name or f"calibrated-{args.animal}"
    windows, s = one.calibrate(
        args.animal, set_name=name, replace=args.replace, report=report
    )
    about = one.folder.embedding_facts(name)["calibrated"]
    report.say(
        f"Readout of {args.animal} corrected on {about['n_windows']:,} unlabelled "
        f"windows of its own; {counted(len(windows), 'window')} of all animals, "
        f"{counted(s.shape[1], 'direction')}: {one.folder.path / 'embeddings' / name}\n"
        f"Next: neuroembed evaluate {project.path} {one.name} --set-name {name}",
        windows=len(windows),
        set=name,
        **about,
    )
    return ExitCode.DONE
