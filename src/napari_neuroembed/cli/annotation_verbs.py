"""``neuroembed annotations import|export``: labels from and to files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.cli.running import VerbReport

ROLES = ("start", "stop", "action", "recording", "rater", "state")
_ONLY = {
    "import": (
        *("names", "column", "map", "label_option", "multi_label"),
        *("accept", "why", "by", "dry_run"),
    ),
    "export": ("frames", "replace", "spreadsheet_safe"),
}


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``annotations``."""
    del verb
    from napari_neuroembed.data.readers.labels import LABEL_READERS

    parser.add_argument(
        "action",
        choices=tuple(_ONLY),
        help="add the labels of a file to the project, or write its labels to a file",
    )
    flags.add_project(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="the file of labels")
    parser.add_argument(
        "--format",
        choices=tuple(LABEL_READERS),
        help="import: default by the file's content; export: needed",
    )
    parser.add_argument(
        "--recording",
        metavar="NAME",
        help="import: whose labels, where the file names none or many; export: default "
        "all",
    )
    parser.add_argument(
        "--rater",
        metavar="NAME",
        help="import: who labelled, where the file does not say; export: default all",
    )
    clock = parser.add_argument_group(
        "whose frames a frame-wise file counts",
        "Default those of the recording's video, else of its pose.",
    )
    clock.add_argument(
        "--labels-like", metavar="STREAM", help="those of this stream of the recording"
    )
    clock.add_argument(
        "--rate", type=float, metavar="HZ", help="those of a camera of its own"
    )
    clock.add_argument(
        "--start",
        type=float,
        metavar="S",
        help="the file's zero on the recording's clock, in seconds; default 0, or for "
        "BORIS that of the camera",
    )
    _add_import_flags(parser)
    _add_export_flags(parser)


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Import or export, and return an exit code."""
    del verb
    from napari_neuroembed.data.project import Project

    _refuse_foreign_flags(args)
    project = Project.open(args.project)
    if args.recording is not None:
        project.recording(args.recording)
    if args.action == "import":
        from napari_neuroembed.cli.annotation_import import import_file

        import_file(project, args, report)
    else:
        from napari_neuroembed.cli.annotation_export import export_file

        export_file(project, args, report)
    return ExitCode.DONE


def _add_import_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("import")
    group.add_argument(
        "--names", metavar="FILE", help="names of the codes, or the word codes"
    )
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help=f"which column is what; roles: {', '.join(ROLES)}; repeatable",
    )
    group.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="rename an action, now and in later imports; an empty new name leaves it "
        "out; repeatable",
    )
    group.add_argument(
        "--label-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another setting of the label reader, e.g. unit=frames or, for BORIS, "
        "observation=NAME; repeatable",
    )
    group.add_argument(
        "--multi-label",
        action="store_true",
        help="new actions may happen at the same time",
    )
    group.add_argument("--dry-run", action="store_true", help="look, write nothing")
    flags.add_accept(parser)
    parser.add_argument("--by", help="who accepts; default: the user of this computer")


def _add_export_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("export")
    group.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="with --rate: number of camera frames; default up to the last label",
    )
    group.add_argument(
        "--replace", action="store_true", help="keep a copy, then replace"
    )
    group.add_argument(
        "--spreadsheet-safe", action="store_true", help="no cell can be a formula"
    )


def _refuse_foreign_flags(args: argparse.Namespace) -> None:
    """Refuse flags that would be passed over in silence."""
    (other,) = set(_ONLY) - {args.action}
    foreign = [
        f"--{name.replace('_', '-')}" for name in _ONLY[other] if getattr(args, name)
    ]
    if foreign:
        raise ConfigError(
            f"{', '.join(foreign)} is for annotations {other}, not {args.action}."
        )
    if args.action == "export" and args.format is None:
        raise ConfigError("annotations export needs --format.")
    if args.labels_like is not None and args.rate is not None:
        raise ConfigError("Give --labels-like or --rate, not both.")
