"""``neuroembed annotations import|export``: labels from and to files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.data.annotations.importing import LabelImport
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.readers.labels import LabelFile
    from napari_neuroembed.data.recording import TimeAxis

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
        help="import: whose labels, where the file names none; export: default all",
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
        help="the file's zero on the recording's clock, in seconds; default 0",
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
    (_import if args.action == "import" else _export)(project, args, report)
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
        help="rename an action; an empty new name leaves it out; repeatable",
    )
    group.add_argument(
        "--label-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another setting of the label reader, e.g. unit=frames; repeatable",
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


def _import(project: Project, args: argparse.Namespace, report: VerbReport) -> None:
    from napari_neuroembed.data.annotations.importing import import_labels

    accept, _ = flags.accepted(args)
    file = _read(project, args, accept)
    plan = _plan(project, args, file)
    said = [_facts(file), *(f"{p.severity}: {p.text} [{p.id}]" for p in plan.problems)]
    for (where, rater), bouts in plan.labels.items():
        said.append(f"{where} by {rater}: {len(bouts)} bouts{_examples(bouts)}")
    found = plan.n_bouts()
    if args.dry_run:
        said.append(f"{found} bouts found; nothing was written (--dry-run).")
        added = 0
    else:
        with project.annotations(app="cli") as store:
            added = import_labels(store, plan, accept)
        _keep_acceptances(project, args, {where for where, _ in plan.labels})
        said.append(f"{added} bouts added, {found - added} were there already.")
    report.say(
        "\n".join(filter(None, said)),
        found=found,
        added=added,
        dry_run=args.dry_run,
        labels=[
            {"recording": where, "rater": rater, "bouts": len(bouts)}
            for (where, rater), bouts in plan.labels.items()
        ],
        problems=[vars(problem) for problem in plan.problems],
        **file.facts,
    )


def _read(project: Project, args: argparse.Namespace, accept: Iterable[str]) -> Any:
    """Read the file on the recording's clock, or on that of the flags."""
    from napari_neuroembed.data.readers.labels import find_format, read_labels

    form = args.format or find_format(args.file)
    if form == "csv-frames" and args.recording is None:
        raise DataError(
            f"{args.file.name} has a row per frame and does not say of which "
            "recording; give --recording R."
        )
    on_own_clock = args.rate is not None or args.start is not None
    clock = None
    if args.recording is not None and not on_own_clock:
        clock = _clock_of(project, args.recording, args.labels_like)
    return read_labels(
        args.file,
        format=form,
        rate_hz=args.rate,
        start_s=args.start or 0.0,
        time=clock,
        options=_reader_options(args),
        accept=frozenset(accept),
    )


def _plan(project: Project, args: argparse.Namespace, file: LabelFile) -> LabelImport:
    """Compare the labels with the actions and the length of their recordings."""
    from contextlib import nullcontext

    from napari_neuroembed.data.annotations.importing import plan_import
    from napari_neuroembed.data.importing.labels import whole_span

    named = {args.recording} if args.recording else set(file) - {""}
    unknown = sorted(named - set(project.recording_ids()))
    if unknown:
        raise DataError(
            f"The project has no recording {', '.join(unknown)}. Recordings: "
            f"{', '.join(project.recording_ids()) or 'none yet'}. Nothing was imported."
        )
    spans = {name: whole_span(project.opened(name).streams) for name in named}
    is_known = project.annotations_path.exists()
    store = project.annotations(read_only=True) if is_known else nullcontext()
    with store as known:
        return plan_import(
            known,
            file,
            recording=args.recording,
            rater=args.rater,
            spans_s=spans,
            **({"group": None} if args.multi_label else {}),
        )


def _keep_acceptances(
    project: Project, args: argparse.Namespace, recordings: set[str]
) -> None:
    """Write to project.yaml what was accepted, by whom and why."""
    from napari_neuroembed.cli.import_verb import acceptances

    kept = [one for name in sorted(recordings) for one in acceptances(args, name)]
    if kept:
        project.accept(kept)


def _export(project: Project, args: argparse.Namespace, report: VerbReport) -> None:
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.writers.labels import LABEL_WRITERS

    table = _bouts(project, args)
    by_rater = {
        (str(where), str(rater)): Bouts.from_table(rows)
        for (where, rater), rows in table.groupby(["recording", "rater"])
    }
    notes = LABEL_WRITERS[args.format](
        args.file,
        by_rater,
        time=_export_clock(project, args, table),
        replace=args.replace,
        spreadsheet_safe=args.spreadsheet_safe,
    )
    lines = [f"note: {line}" for line in notes]
    report.say(
        "\n".join([*lines, f"{len(table)} bouts written to {args.file}."]),
        bouts=len(table),
        file=str(args.file),
        notes=notes,
    )


def _bouts(project: Project, args: argparse.Namespace) -> pd.DataFrame:
    path = project.annotations_path
    whose = f"{f' of {args.recording!r}' if args.recording else ''}" + (
        f" by {args.rater!r}" if args.rater else ""
    )
    nothing = DataError(f"{path} holds no bouts{whose}; nothing was written.")
    if not path.exists():
        raise nothing
    with project.annotations(app="cli", read_only=True) as store:
        table = store.bouts(
            args.recording, raters=None if args.rater is None else [args.rater]
        )
    if table.empty:
        raise nothing
    return table


def _export_clock(
    project: Project, args: argparse.Namespace, table: pd.DataFrame
) -> TimeAxis | None:
    """Return the clock of a frame-wise file: the flags', else the recording's."""
    from napari_neuroembed.data.recording import TimeAxis

    start_s = args.start or 0.0
    if args.rate is not None:
        last = float(table["stop_s"].max())
        n = args.frames or max(1, round((last - start_s) * args.rate))
        return TimeAxis(n, start_s, args.rate)
    if args.start is not None or args.frames is not None:
        raise ConfigError("--start and --frames are of a camera of its own: --rate HZ.")
    recordings = list(dict.fromkeys(table["recording"]))
    if args.format != "csv-frames" or len(recordings) > 1:
        return None
    return _clock_of(project, recordings[0], args.labels_like)


def _clock_of(project: Project, recording: str, like: str | None) -> TimeAxis:
    """Return the clock of the frames that people look at when they label."""
    from napari_neuroembed.data.importing.labels import clock_stream

    streams = project.opened(recording).streams
    return streams[clock_stream(streams, like)].time


def _reader_options(args: argparse.Namespace) -> dict[str, Any]:
    from napari_neuroembed.data.project.yaml_text import read_yaml

    options: dict[str, Any] = {
        key: read_yaml(f"value: {text}", "--label-option")["value"]
        for key, text in _pairs(args.label_option, "--label-option").items()
    }
    if args.names:
        options["names"] = args.names
    if args.column:
        options["columns"] = _pairs(args.column, "--column")
    if args.map:
        options["rename"] = _pairs(args.map, "--map")
    return options


def _pairs(values: Iterable[str], flag: str) -> dict[str, str]:
    """Split ``OLD=NEW``; the new one may be empty."""
    found = {}
    for text in values:
        old, equals, new = text.partition("=")
        if not equals or not old:
            raise ConfigError(f"{flag} {text!r}: expected OLD=NEW.")
        found[old] = new
    return found


def _facts(file: LabelFile) -> str:
    shown = {name: value for name, value in file.facts.items() if value not in ("", {})}
    return "; ".join(f"{name}: {value}" for name, value in shown.items())


def _examples(bouts: Bouts) -> str:
    """Return the first three bouts in real times."""
    rows = list(zip(bouts.action, bouts.start_s, bouts.stop_s, strict=True))
    said = [f"{name} {start:.3f}-{stop:.3f} s" for name, start, stop in rows[:3]]
    more = " ..." if len(rows) > 3 else ""
    return f" ({', '.join(said)}{more})" if said else ""
