"""``neuroembed bundle`` and ``unbundle``: one run as one file, and back."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project
from napari_neuroembed.cli.running import VerbReport


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one verb."""
    if verb == "unbundle":
        parser.add_argument("file", type=Path, metavar="FILE", help="the bundle")
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="the folder to make"
        )
        return
    add_project(parser)
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the file to make; default bundles/RUN.zip in the project",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    return _unbundle(args, report) if verb == "unbundle" else _bundle(args, report)


def _bundle(args: argparse.Namespace, report: VerbReport) -> int:
    from napari_neuroembed.api import Project

    path = Project.open(args.project).run(args.run).bundle(args.out, report=report)
    size = path.stat().st_size
    report.say(
        f"{size / 1e6:,.1f} MB: {path}. To open it: neuroembed unbundle {path.name} "
        f"{args.run}",
        file=str(path),
        bytes=size,
    )
    return ExitCode.DONE


def _unbundle(args: argparse.Namespace, report: VerbReport) -> int:
    from napari_neuroembed.api import Project

    project = Project.from_bundle(args.file, args.folder, report=report)
    names = list(project.runs()["name"])
    report.say(
        f"Run {', '.join(names)} of {project.spec.name}: {project.path}",
        folder=str(project.path),
        runs=names,
    )
    return ExitCode.DONE
