"""``neuroembed annotations import|export``: labels from and to files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.annotations import AnnotationStore
    from napari_neuroembed.data.recording import TimeAxis

FORMATS = ("csv-frames", "csv-intervals")
ROLES = ("start", "stop", "action", "recording", "rater", "state")


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the verb ``annotations`` to the command line.

    Parameters
    ----------
    subparsers
        What ``ArgumentParser.add_subparsers`` returned.
    """
    verb = subparsers.add_parser("annotations", help="labels from and to files")
    verbs = verb.add_subparsers(dest="annotations_verb", required=True)
    _add_import(verbs)
    _add_export(verbs)


def run_import(args: argparse.Namespace) -> int:
    """Import a label file into the project's annotations; return the exit code."""
    from napari_neuroembed.data.annotation_import import import_labels, plan_import
    from napari_neuroembed.data.annotations import AnnotationStore
    from napari_neuroembed.data.readers.labels import read_labels

    known = _recording_ids(args.project)
    path = args.project / "annotations.sqlite"
    file = read_labels(
        args.file,
        format=args.format,
        rate_hz=args.rate,
        start_s=args.start,
        options=_reader_options(args),
        accept=args.accept,
    )
    with AnnotationStore.open(path, app="cli") as store:
        plan = plan_import(
            store,
            file,
            recording=args.recording,
            rater=args.rater,
            group=None if args.multi_label else "actions",
        )
        _check_recordings({where for where, _ in plan.labels}, known)
        _say_facts(file.facts)
        for problem in plan.problems:
            print(f"{problem.severity}: {problem.text} [{problem.id}]")
        for (where, rater), bouts in plan.labels.items():
            print(f"{where} by {rater}: {len(bouts)} bouts{_examples(bouts)}")
        if args.dry_run:
            print(f"{plan.n_bouts()} bouts found; nothing was written (--dry-run).")
            return 0
        added = import_labels(store, plan, args.accept)
    print(f"{added} bouts added, {plan.n_bouts() - added} were there already.")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Export the project's annotations to a label file; return the exit code."""
    from napari_neuroembed.data.annotations import AnnotationStore
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.writers.labels import LABEL_WRITERS

    _recording_ids(args.project)
    path = args.project / "annotations.sqlite"
    with AnnotationStore.open(path, app="cli", read_only=True) as store:
        table = store.bouts(
            args.recording, raters=None if args.rater is None else [args.rater]
        )
        clock = _clock(args, store)
    by_rater = {
        (str(where), str(rater)): Bouts.from_table(rows)
        for (where, rater), rows in table.groupby(["recording", "rater"])
    }
    if not by_rater:
        raise DataError(
            f"{path} holds no bouts"
            f"{f' of {args.recording!r}' if args.recording else ''}"
            f"{f' by {args.rater!r}' if args.rater else ''}; nothing was written."
        )
    report = LABEL_WRITERS[args.format](
        args.file,
        by_rater,
        time=clock,
        replace=args.replace,
        spreadsheet_safe=args.spreadsheet_safe,
    )
    for line in report:
        print(f"note: {line}")
    print(f"{len(table)} bouts written to {args.file}.")
    return 0


def _add_import(verbs: argparse._SubParsersAction[Any]) -> None:
    verb = verbs.add_parser("import", help="add the labels of a file")
    verb.add_argument("project", type=Path, metavar="PROJECT", help="project folder")
    verb.add_argument("file", type=Path, metavar="FILE", help="file of labels")
    verb.add_argument("--format", choices=FORMATS, help="default: by its content")
    verb.add_argument("--recording", metavar="R", help="where the file names none")
    verb.add_argument("--rater", metavar="NAME", help="who labelled")
    verb.add_argument("--rate", type=float, metavar="HZ", help="camera frames per s")
    verb.add_argument(
        "--start",
        type=float,
        default=0.0,
        metavar="S",
        help="the file's zero on the recording's clock, in seconds",
    )
    verb.add_argument(
        "--names", metavar="FILE", help="names of the codes, or the word codes"
    )
    verb.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help=f"which column is what; roles: {', '.join(ROLES)}",
    )
    verb.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="rename an action; an empty new name leaves it out",
    )
    verb.add_argument(
        "--multi-label",
        action="store_true",
        help="new actions may happen at the same time",
    )
    verb.add_argument(
        "--accept", action="append", default=[], metavar="ID", help="accept a check"
    )
    verb.add_argument("--dry-run", action="store_true", help="look, write nothing")
    verb.set_defaults(run=run_import)


def _add_export(verbs: argparse._SubParsersAction[Any]) -> None:
    verb = verbs.add_parser("export", help="write the labels to a file")
    verb.add_argument("project", type=Path, metavar="PROJECT", help="project folder")
    verb.add_argument("file", type=Path, metavar="FILE", help="file to write")
    verb.add_argument("--format", choices=FORMATS, required=True)
    verb.add_argument("--recording", metavar="R", help="default: all")
    verb.add_argument("--rater", metavar="NAME", help="default: all")
    verb.add_argument("--rate", type=float, metavar="HZ", help="camera frames per s")
    verb.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="opening edge of frame 0"
    )
    verb.add_argument(
        "--frames", type=int, metavar="N", help="camera frames; default: up to the end"
    )
    verb.add_argument(
        "--replace", action="store_true", help="keep a copy, then replace"
    )
    verb.add_argument(
        "--spreadsheet-safe", action="store_true", help="no cell can be a formula"
    )
    verb.set_defaults(run=run_export)


def _reader_options(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if args.names:
        options["names"] = args.names
    if args.column:
        options["columns"] = dict(_pairs(args.column, "--column"))
    if args.map:
        options["rename"] = dict(_pairs(args.map, "--map"))
    return options


def _pairs(values: Sequence[str], flag: str) -> list[tuple[str, str]]:
    wrong = [value for value in values if "=" not in value]
    if wrong:
        raise DataError(f"{flag} {wrong[0]!r} has no equals sign; expected OLD=NEW.")
    return [(value.partition("=")[0], value.partition("=")[2]) for value in values]


def _recording_ids(project: Path) -> set[str]:
    """Return the recordings that project.yaml names."""
    import yaml

    path = project / "project.yaml"
    if not path.is_file():
        raise DataError(f"{project} is no project: it has no project.yaml.")
    spec = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {str(entry["id"]) for entry in spec.get("recordings") or []}


def _check_recordings(named: set[str], known: set[str]) -> None:
    unknown = sorted(named - known)
    if unknown:
        raise DataError(
            f"The project has no recording {', '.join(unknown)}. Recordings: "
            f"{', '.join(sorted(known)) or 'none yet'}. Nothing was imported."
        )


def _clock(args: argparse.Namespace, store: AnnotationStore) -> TimeAxis | None:
    """Return the camera's clock from the flags, long enough for all bouts."""
    from napari_neuroembed.data.recording import TimeAxis

    if args.rate is None:
        return None
    n = args.frames
    if n is None:
        stops = store.bouts(args.recording)["stop_s"]
        last = float(stops.max()) if len(stops) else args.start
        n = max(1, round((last - args.start) * args.rate))
    return TimeAxis(n, args.start, args.rate)


def _say_facts(facts: Any) -> None:
    shown = {name: value for name, value in facts.items() if value not in ("", {})}
    if shown:
        print("; ".join(f"{name}: {value}" for name, value in shown.items()))


def _examples(bouts: Any) -> str:
    """Return the first three bouts in real times."""
    rows = list(zip(bouts.action, bouts.start_s, bouts.stop_s, strict=True))[:3]
    said = ", ".join(f"{name} {start:.3f}-{stop:.3f} s" for name, start, stop in rows)
    return f" ({said} ...)" if said else ""
