"""The verb ``jobs``: what runs in a project, and how to stop it."""

from __future__ import annotations

import argparse
from typing import Any

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project, table
from napari_neuroembed.cli.running import PROJECT_FILE, VerbReport
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.jobs import GRACE_S, Job, find_job, list_jobs
from napari_neuroembed.options.base import to_dict


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``jobs``."""
    del verb
    parser.add_argument(
        "action",
        choices=("list", "show", "cancel", "resume"),
        help="list all, show one with the end of its log, stop one, or start a "
        "stopped one again",
    )
    add_project(parser)
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="the job's name or the end of it"
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE_S,
        metavar="SECONDS",
        help="cancel: end the process when it has not stopped by then (default "
        "%(default)g)",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """List, show, cancel or resume."""
    del verb
    if not (args.project / PROJECT_FILE).is_file():
        raise DataError(f"{args.project} is not a project: it has no {PROJECT_FILE}.")
    if args.action == "list":
        return _list(args, report)
    if args.id is None:
        raise ConfigError(f"jobs {args.action} needs the ID of a job: see jobs list.")
    job = find_job(args.project, args.id)
    if args.action == "show":
        _show(job, report)
    elif args.action == "cancel":
        status = job.end(args.grace)
        report.say(f"{job.id}: {status}", id=job.id, status=status)
    else:
        started = job.resume()
        report.say(f"{started.id}: started", id=started.id, status="created")
    return ExitCode.DONE


def _list(args: argparse.Namespace, report: VerbReport) -> int:
    rows = [_row(job) for job in list_jobs(args.project)]
    text = table((row.values() for row in rows), ("job", "status", "progress"))
    report.say(text if rows else "No jobs yet.", jobs=rows)
    return ExitCode.DONE


def _row(job: Job) -> dict[str, str]:
    try:
        status = job.status()
    except DataError:
        status = "unreadable"
    now = job.progress()
    how_far = "" if now is None else f"{now.stage} {now.done}/{now.total}"
    return {"id": job.id, "status": status, "progress": how_far}


def _show(job: Job, report: VerbReport) -> None:
    facts: dict[str, Any] = {**to_dict(job.facts()), "status": job.status()}
    shown = [(name, value) for name, value in facts.items() if value not in (None, "")]
    log = job.log()
    text = table(shown, ("fact", "value"))
    report.say("\n".join([text, "", *log]), **facts, log=log)
