"""``neuroembed check``: look at a project, or at files, before work starts."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.import_verb import acceptances

if TYPE_CHECKING:
    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.data.problems import Problem

_PROJECT_FILE = "project.yaml"


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``check``."""
    del verb
    parser.add_argument(
        "path", type=Path, metavar="PROJECT|PATH", help="a project, a file or a folder"
    )
    parser.add_argument(
        "--picture", action="store_true", help="draw the clocks of every recording"
    )
    parser.add_argument(
        "--recording", metavar="NAME", help="with --accept: for this recording only"
    )
    flags.add_accept(parser)
    parser.add_argument("--by", help="who accepts; default: the user of this computer")


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Tell what was found; 1 when something must be repaired or accepted first."""
    del verb
    if (args.path / _PROJECT_FILE).is_file():
        return _check_project(args, report)
    code = _check_mc2p(args.path, report)
    if code is not None:
        return code
    from napari_neuroembed.data.project.check_files import check_path

    lines, problems = check_path(args.path)
    for line in lines:
        report.say(
            line.text(),
            path=str(line.path),
            reader=line.reader,
            kind=line.about.kind if line.about else None,
            shape=list(line.about.shape) if line.about else None,
            rate_hz=line.about.rate_hz if line.about else None,
            labels=line.labels,
            why=line.why,
        )
    _say_problems(problems, report)
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def _check_mc2p(path: Path, report: VerbReport) -> int | None:
    """Tell what recordings of the MC2P data set a folder holds; None without any."""
    from napari_neuroembed.data.importing.mc2p_checks import Mc2pRequest, look
    from napari_neuroembed.data.importing.mc2p_folder import (
        common_role,
        find_recordings,
    )
    from napari_neuroembed.data.importing.mc2p_text import looked_at
    from napari_neuroembed.data.readers.mc2p.names import IMAGES, POSES

    recordings = find_recordings(path)
    if not recordings:
        return None
    images, pose = (common_role(recordings, roles) for roles in (IMAGES, POSES))
    found = look(Mc2pRequest(folder=path, images=images, pose=pose), report=report)
    problems = [p for p in found.problems if p.id != "rate.missing"]
    lines = [looked_at(found)]
    lines += [f"{p.severity}: {p.where}: {p.text} [{p.id}]" for p in problems]
    report.say(
        "\n".join(lines),
        mc2p=[one.id for one in recordings],
        problems=[vars(problem) for problem in problems],
    )
    return 1 if problems else 0


def _check_project(args: argparse.Namespace, report: VerbReport) -> int:
    from napari_neuroembed.data.clocks import picture
    from napari_neuroembed.data.problems import counted
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.project.checks import as_json, check_project

    project = Project.open(args.path)
    accepted = acceptances(args, args.recording)
    if accepted:
        if args.recording is not None:
            project.recording(args.recording)
        project.accept(accepted)
    found = check_project(project, report=report)
    lines = []
    for line in found.lines:
        lines.append(line.text())
        doubtful = any(
            p.where == line.recording and p.id.startswith("sync.")
            for p in found.problems
        )
        if args.picture or doubtful:
            lines += [f"  {row}" for row in picture(line.spans).splitlines()]
    lines += [_text(problem) for problem in found.problems]
    lines += [f"accepted: {p.text} [{p.id}] {why!r}" for p, why in found.accepted]
    n = len(found.problems)
    lines.append(
        f"{counted(len(found.lines), 'recording')} of "
        f"{counted(len(project.animals()), 'animal')}, "
        f"{counted(n, 'finding') if n else 'no findings'}."
    )
    report.say("\n".join(lines), **as_json(found))
    return 1 if found.has_errors else 0


def _say_problems(problems: Iterable[Problem], report: VerbReport) -> None:
    for problem in problems:
        text = f"{problem.severity}: {Path(problem.where).name}: {problem.text}"
        report.say(f"{text} [{problem.id}]", problem=vars(problem))


def _text(problem: Problem) -> str:
    from napari_neuroembed.data.project.acceptance import with_option

    return f"{problem.severity}: {with_option(problem)}"
