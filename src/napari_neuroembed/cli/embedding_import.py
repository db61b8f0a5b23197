"""``neuroembed import --embedding``: somebody else's embedding as a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import accepted
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.api import Project
    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.evaluation.imported import EmbeddingPlan

OWN = (
    "row_offset",
    "row_frames",
    "embedding_like",
    "embedding_key",
    "run",
    "embedding_method",
)
SHARED = frozenset({"project", "animal", "recording", "accept", "why", "by", "dry_run"})
"""Flags of ``import`` that mean something for an embedding as well."""


def add_embedding_flags(parser: argparse.ArgumentParser) -> None:
    """Add what names an embedding and the frames of its rows."""
    group = parser.add_argument_group(
        "an embedding made elsewhere, as a run",
        "Of recordings that are in the project: by --animal or --recording, or one "
        "--embedding RECORDING=F for each.",
    )
    group.add_argument(
        "--embedding",
        action="append",
        default=[],
        metavar="[RECORDING=]F",
        help="npy, npz or text with a row per frame; repeatable",
    )
    group.add_argument(
        "--row-offset",
        type=int,
        metavar="N",
        help="frame that row 0 belongs to; needed where rows and frames differ",
    )
    group.add_argument(
        "--row-frames",
        type=int,
        metavar="N",
        help="frames each row was computed from, up to its own; default 1",
    )
    group.add_argument(
        "--embedding-like",
        metavar="STREAM",
        help="stream whose frames the rows are; default the neural one, else the trace",
    )
    group.add_argument(
        "--embedding-key", metavar="NAME", help="array of an npz that holds several"
    )
    group.add_argument(
        "--one-space", action="store_true", help="one fit made all of them"
    )
    group.add_argument(
        "--run", metavar="NAME", help="name of the run; default the time"
    )
    group.add_argument(
        "--embedding-method", metavar="ID", help="what made it; default imported"
    )


def check_embedding_flags(
    args: argparse.Namespace, defaults: argparse.Namespace
) -> None:
    """Refuse flags that would be passed over in silence.

    Parameters
    ----------
    args, defaults
        What was given, and what would be without any flag.

    Raises
    ------
    ConfigError
        Naming them.
    """
    given = {k for k, v in vars(args).items() if v != getattr(defaults, k, v)}
    own = {*OWN, "one_space"}
    idle = given & own if not args.embedding else given - own - SHARED - {"embedding"}
    if idle:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(idle))
        how = "beside" if args.embedding else "without"
        raise ConfigError(f"{flags}: no effect {how} --embedding.")


def import_embedding(args: argparse.Namespace, report: VerbReport) -> int:
    """Import an embedding, tell what became of its rows, and return an exit code."""
    from napari_neuroembed.api import Project
    from napari_neuroembed.evaluation.imported import EmbeddingRequest
    from napari_neuroembed.store.run_folder import new_name

    project = Project.open(args.project)
    request = EmbeddingRequest(
        paths=_paths(project, args),
        row_offset=args.row_offset,
        row_frames=args.row_frames or 1,
        like=args.embedding_like,
        key=args.embedding_key,
        method=args.embedding_method or "imported",
        one_space=args.one_space,
    )
    accept, _ = accepted(args)
    name = args.run or new_name()
    if args.dry_run:
        plan = project.plan_embedding(request, accept)
        report.say(
            _text(plan, "checked, nothing was written (--dry-run)"), **_data(plan)
        )
        return ExitCode.DONE
    report.note(run=name)
    run, plan = project.import_embedding(request, run=name, accept=accept)
    done = f"run {run.name}. Next: neuroembed evaluate {project.path} {run.name}"
    report.say(_text(plan, done), run=run.name, **_data(plan))
    return ExitCode.DONE


def _paths(project: Project, args: argparse.Namespace) -> dict[str, Path]:
    """Return a file per recording."""
    found: dict[str, Path] = {}
    for text in args.embedding:
        name, equals, where = text.partition("=")
        if not equals or name not in project.recording_ids():
            name, where = _recording(project, args), text
        if name in found:
            raise ConfigError(
                f"There are two embeddings of recording {name!r}. Say whose each is: "
                "--embedding RECORDING=F."
            )
        found[name] = Path(where)
    wrong = {n for n in found if args.animal not in ("", project.recording(n).animal)}
    if wrong:
        raise ConfigError(
            f"Recording {', '.join(sorted(wrong))} is not of animal {args.animal!r}."
        )
    return found


def _recording(project: Project, args: argparse.Namespace) -> str:
    """Return the recording that --recording or --animal names.

    Raises
    ------
    ConfigError
        When it is not clear, listing the recordings.
    """
    if args.recording is not None:
        return project.recording(args.recording).id
    of = [r.id for r in project.spec.recordings if args.animal in ("", r.animal)]
    if len(of) == 1:
        return of[0]
    whose = f" of animal {args.animal!r}" if args.animal else ""
    raise ConfigError(
        f"Which recording is the embedding of? There are {len(of)}{whose}"
        f"{': ' + ', '.join(of) if of else ''}. Give --animal A, --recording R or "
        "--embedding RECORDING=F; animals: "
        f"{', '.join(project.animals()) or 'none yet'}."
    )


def _text(plan: EmbeddingPlan, done: str) -> str:
    lines = []
    for source in plan.sources:
        name = str(source["recording"])
        own = plan.windows[plan.windows["recording"] == name]
        rows, dims = source["shape"]
        left = plan.dropped[name]
        lost = ", ".join(f"{n:,} {reason}" for reason, n in left.items())
        span = f"{own['center_s'].min():.3f} to {own['center_s'].max():.3f} s"
        lines.append(
            f"{name}: {rows:,} rows of {dims} dimensions from {source['file']} at "
            f"{span} ({plan.stream}){f'; left out: {lost}' if lost else ''}"
        )
    return "\n".join([*lines, *(f"warning: {note}." for note in plan.notes), done])


def _data(plan: EmbeddingPlan) -> dict[str, object]:
    return {
        "windows": len(plan.windows),
        "sources": [dict(source) for source in plan.sources],
        "dropped": {name: dict(reasons) for name, reasons in plan.dropped.items()},
        "notes": list(plan.notes),
    }
