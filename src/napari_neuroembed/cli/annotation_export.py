"""``neuroembed annotations export``: the labels of a project into a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_neuroembed.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.recording import TimeAxis


def export_file(project: Project, args: argparse.Namespace, report: VerbReport) -> None:
    """Write bouts, and tell what the format cannot hold."""
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.readers.labels import LABEL_READERS
    from napari_neuroembed.data.writers.labels import LABEL_WRITERS

    table = _bouts(project, args)
    by_rater = {
        (str(where), str(rater)): Bouts.from_table(rows)
        for (where, rater), rows in table.groupby(["recording", "rater"])
    }
    if LABEL_READERS[args.format].zero == "camera":
        by_rater = _from_camera(project, args, by_rater)
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


def _from_camera(
    project: Project,
    args: argparse.Namespace,
    by_rater: Mapping[tuple[str, str], Bouts],
) -> dict[tuple[str, str], Bouts]:
    """Return bouts in seconds since the camera's first frame, or since ``--start``."""
    from napari_neuroembed.data.importing.labels import camera_clock

    moved = {}
    for (recording, rater), bouts in by_rater.items():
        zero = args.start
        if zero is None:
            zero = camera_clock(project, recording, args.labels_like).start_s
        moved[recording, rater] = bouts.shift(-zero)
    return moved


def _export_clock(
    project: Project, args: argparse.Namespace, table: pd.DataFrame
) -> TimeAxis | None:
    """Return the clock of a frame-wise file: the flags', else the recording's."""
    from napari_neuroembed.data.importing.labels import camera_clock
    from napari_neuroembed.data.readers.labels import LABEL_READERS
    from napari_neuroembed.data.recording import TimeAxis

    if LABEL_READERS[args.format].zero == "camera" and args.frames is None:
        return None
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
    return camera_clock(project, recordings[0], args.labels_like)
