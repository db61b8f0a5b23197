"""``neuroembed report``: one page of a project, and whether it still holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project, table
from napari_neuroembed.cli.running import VerbReport
from napari_neuroembed.data.problems import counted
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.api import Project

MOST_SHOWN = 50


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    add_project(parser)
    parser.add_argument(
        "--runs", metavar="A,B", help="names of the runs in it; default all"
    )
    parser.add_argument(
        "--name",
        default="report",
        metavar="NAME",
        help="of the report; the same name makes it again; default report",
    )
    parser.add_argument(
        "--kinds",
        default="svg,pdf",
        metavar="A,B",
        help="of drawings of every figure, 89 and 183 mm wide: svg, pdf, png, html; "
        "they need Chromium or Chrome; none for no drawings; default svg,pdf",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="write nothing; compute the hashes of the report and of all it was made "
        "of again, and say what changed or is missing",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    del verb
    from napari_neuroembed.api import Project

    project = Project.open(args.project)
    if args.verify:
        if args.runs is not None:
            raise ConfigError("--runs has no effect beside --verify; leave it out.")
        return _verify(project, args.name, report)
    runs = None if args.runs is None else _words(args.runs)
    kinds = [] if args.kinds == "none" else _words(args.kinds)
    written = project.report(name=args.name, runs=runs, kinds=kinds, report=report)
    text = f"{counted(len(written.runs), 'run')}: {written.page}"
    if written.unread:
        text += "\n" + table(written.unread.items(), ("run", "why it is not in it"))
    text += f"\nwarning: {written.problem}" if written.problem else ""
    report.say(
        text,
        page=str(written.page),
        runs=list(written.runs),
        unread=dict(written.unread),
        problem=written.problem,
    )
    is_whole = not written.unread and not written.problem
    return ExitCode.DONE if is_whole else ExitCode.SOME_FAILED


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _verify(project: Project, name: str, report: VerbReport) -> int:
    found = project.verify_report(name, report=report)
    counts = found["status"].value_counts().to_dict()
    wrong = found[found["status"] != "intact"]
    lines = [", ".join(f"{n:,} {status}" for status, n in counts.items())]
    if len(wrong):
        shown = wrong.head(MOST_SHOWN)
        lines.append(table(shown.itertuples(index=False), list(found.columns)))
        if len(wrong) > MOST_SHOWN:
            lines.append(f"and {len(wrong) - MOST_SHOWN:,} more")
    report.say("\n".join(lines), counts=counts, wrong=wrong.to_dict("records"))
    return ExitCode.SOME_FAILED if len(wrong) else ExitCode.DONE
