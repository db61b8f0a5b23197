"""``neuroembed import``: one recording, or many by a table or a pattern."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.embedding_import import (
    add_embedding_flags,
    check_embedding_flags,
    import_embedding,
)
from napari_neuroembed.cli.import_flags import (
    add_import_flags,
    check_flags,
    pattern_of,
    request_of,
    stream_settings,
    template_of,
)
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.data.importing.plan import ImportPlan, PlanResult
    from napari_neuroembed.data.importing.thor_folder import ThorFolder
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.project.spec import Acceptance


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``import``."""
    del verb
    flags.add_project(parser)
    add_import_flags(parser)
    parser.add_argument(
        "--max-drift",
        type=float,
        metavar="PPM",
        help="largest drift between two clocks; kept in project.yaml (there 2000)",
    )
    parser.add_argument(
        "--preset",
        default="1 hour",
        help="of a project that is new: twin, quick, paper or a time budget",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="look and tell, write nothing"
    )
    flags.add_accept(parser)
    parser.add_argument("--by", help="who accepts; default: the user of this computer")
    add_embedding_flags(parser)


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Import, and return 0, or 1 when some of several recordings were refused."""
    del verb
    from napari_neuroembed.data.project import Project

    check_embedding_flags(args, _defaults())
    if args.embedding:
        return import_embedding(args, report)
    _check_ways(args)
    project = Project.draft(args.project, preset=args.preset)
    accepted = acceptances(args)
    if args.table is None and args.pattern is None:
        return _import_one(project, args, accepted, report)
    plans = _plans(project, args)
    _say_plans(plans, report)
    from napari_neuroembed.data.importing.plan import run_plans, summary

    results = run_plans(
        project,
        plans,
        accepted=accepted,
        max_drift_ppm=args.max_drift,
        dry_run=args.dry_run,
        report=report,
    )
    for result in results:
        _say_result(result, report)
    report.say(summary(results), counts=[r.status for r in results])
    return 1 if any(result.error for result in results) else 0


def _defaults() -> argparse.Namespace:
    """Return what the arguments are when no flag is given."""
    parser = argparse.ArgumentParser()
    add_arguments("import", parser)
    return parser.parse_args(["PROJECT"])


def acceptances(
    args: argparse.Namespace, recording: str | None = None
) -> list[Acceptance]:
    """Return what ``--accept``, ``--why`` and ``--by`` say."""
    from napari_neuroembed.data.project.spec import Acceptance

    ids, why = flags.accepted(args)
    by = args.by or _user()
    return [
        Acceptance(check=check, why=why, by=by, recording=recording)
        for check in sorted(ids)
    ]


def _import_one(
    project: Project,
    args: argparse.Namespace,
    accepted: Sequence[Acceptance],
    report: VerbReport,
) -> int:
    from napari_neuroembed.data.importing import import_recording
    from napari_neuroembed.data.importing.thor import complete, thor_folder

    request = request_of(args, project.roots)
    folder = thor_folder(request)
    if folder is not None:
        _say_folder(folder, report)
        request = complete(request, folder)
    found = import_recording(
        project,
        request,
        accepted=accepted,
        max_drift_ppm=args.max_drift,
        dry_run=args.dry_run,
        report=report,
    )
    report.say(
        found.text(),
        recording=found.recording,
        animal=found.animal,
        status=found.status,
        n_bouts=found.n_bouts,
        spans=[vars(span) for span in found.spans],
        problems=[vars(problem) for problem in found.problems],
    )
    return 0


def _say_folder(folder: ThorFolder, report: VerbReport) -> None:
    from napari_neuroembed.data.importing.thor_text import found_text

    found = {
        name: [str(path) for path in paths]
        for name, paths in vars(folder).items()
        if isinstance(paths, tuple)
    }
    report.say(found_text(folder), base=str(folder.base), found=found)


def _plans(project: Project, args: argparse.Namespace) -> list[ImportPlan]:
    if args.table is not None:
        from napari_neuroembed.data.importing.table import plan_table

        return plan_table(
            project,
            args.table.resolve(),
            template=template_of(args),
            settings=lambda streams: stream_settings(args, streams),
        )
    from napari_neuroembed.data.importing.pattern import plan_pattern

    return plan_pattern(project, pattern_of(args, Path.cwd()))


def _say_plans(plans: Sequence[ImportPlan], report: VerbReport) -> None:
    rows = [
        [plan.name, plan.request.animal, ", ".join(plan.request.streams), plan.status]
        for plan in plans
    ]
    text = flags.table(rows, ["recording", "animal", "found", "status"])
    doubts = [f"{plan.name}: {plan.why}" for plan in plans if plan.why]
    report.say(
        "\n".join([text, *doubts]),
        plans=[{"recording": p.name, "status": p.status, "why": p.why} for p in plans],
    )


def _say_result(result: PlanResult, report: VerbReport) -> None:
    name = result.plan.name
    if result.report is not None:
        problems = [vars(problem) for problem in result.report.problems]
        report.say(
            result.report.text(),
            recording=name,
            status=result.status,
            problems=problems,
        )
    elif result.error:
        report.say(
            f"{name}: {result.error}",
            recording=name,
            status="failed",
            error=result.error,
        )


def _check_ways(args: argparse.Namespace) -> None:
    given = {
        "SOURCE or --trace": args.source is not None or bool(args.trace),
        "--table": args.table is not None,
        "--pattern": args.pattern is not None,
    }
    ways = [name for name, is_given in given.items() if is_given]
    alone = not ways and (args.pose or args.scalar or args.video)
    if len(ways) != 1 and not alone:
        found = " and ".join(ways) or "none"
        raise ConfigError(
            f"Name what to import in one way: SOURCE (or --trace), --table or "
            f"--pattern; found {found}."
        )
    check_flags(args)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
