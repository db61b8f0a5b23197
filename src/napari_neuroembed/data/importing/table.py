"""Many recordings from one table: a row per recording."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.data.importing.plan import ImportPlan, judge
from napari_neuroembed.data.importing.request import (
    ImportRequest,
    StreamRequest,
    with_shared_roots,
)
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.covariates import (
    check_key,
    parse_column,
    parse_covariate,
)
from napari_neuroembed.data.project.names import name_problem
from napari_neuroembed.data.project.roots import GLOB, is_source
from napari_neuroembed.data.readers.text_table import read_text
from napari_neuroembed.data.recording import KINDS
from napari_neuroembed.errors import ConfigError, DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

STREAM_SETTINGS = {
    "rate_hz": float,
    "start_s": float,
    "reader": str,
    "like": str,
    "sync": str,
    "sync_frames": str,
    "times": str,
    "unit": str,
    "individual": str,
}
"""What may follow the name of a stream in a column: ``pose_rate_hz`` ..."""
_OPTIONS = ("unit", "individual")
"""Settings of a stream that its reader takes."""
OTHER_COLUMNS = ("recording", "animal", "labels", "labels_like", "rater")
_STREAM = re.compile(rf"({'|'.join(KINDS)})(_[a-z0-9]+)*")
_MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Columns:
    """How the columns of a table are understood.

    Parameters
    ----------
    streams
        Columns that name the source of a stream.
    settings
        Columns that hold a setting of a stream: (stream, setting).
    covariates
        All others.
    """

    streams: tuple[str, ...]
    settings: Mapping[str, tuple[str, str]]
    covariates: tuple[str, ...]


def plan_table(
    project: Project,
    table: Path,
    *,
    template: ImportRequest | None = None,
    settings: Callable[[Sequence[str]], Mapping[str, Any]] | None = None,
) -> list[ImportPlan]:
    """Return what a table of recordings would import.

    Parameters
    ----------
    project
        Where to; recordings it has already are ``present``.
    table
        CSV (comma, semicolon or tab). Columns: ``animal``; ``recording`` (else the
        animal and a number); a source per stream (``neural``, ``pose``, ``trace``,
        ``scalar``, ``video``, or one of these with a suffix such as ``scalar_speed``);
        its settings (``pose_rate_hz``, ``pose_start_s``, ``pose_reader``,
        ``pose_like``, ``pose_sync``, ``pose_sync_frames``, ``pose_times``,
        ``pose_unit``, ``pose_individual``); ``labels``, ``labels_like``, ``rater``. Any
        other column is a covariate. Paths are relative to the table.
    template
        What holds for every row where the table does not say otherwise: covariates,
        rater, how labels are read, roots.
    settings
        From the names of the streams to what holds for each of them, as
        :class:`StreamRequest` takes it, where the table does not say otherwise.

    Raises
    ------
    ConfigError
        When a column looks like a setting and is none.
    DataError
        When the table cannot be read or has no animal.
    """
    header, rows = read_table(table)
    columns = understand(header, table)
    shared = (
        {} if settings is None else settings(sorted(columns.streams, key=_kind_order))
    )
    typed = {c: parse_column([row[c] for row in rows]) for c in columns.covariates}
    names: list[str] = []
    requests: list[ImportRequest] = []
    findings: list[list[Problem]] = []
    numbers: dict[str, int] = {}
    for index, row in enumerate(rows):
        extra = {c: typed[c][index] for c in columns.covariates}
        known = {key: value for key, value in extra.items() if value is not None}
        request, problems = _request(row, columns, known, table.parent)
        request = _with_shared(request, template, shared)
        animal = request.animal
        numbers[animal] = numbers.get(animal, 0) + 1
        name = row.get("recording") or f"{animal}_{numbers[animal]:03d}"
        names.append(name)
        requests.append(request)
        findings.append([*problems, *_name_problems(name, animal, index + 2)])
    requests = with_shared_roots(project, requests)
    plans = [
        judge(project, name, request, problems)
        for name, request, problems in zip(names, requests, findings, strict=True)
    ]
    _refuse_twins(plans, table)
    return plans


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read header and rows as text; empty lines are left out.

    Raises
    ------
    DataError
        When it is missing, has no rows, or a row has more cells than the header.
    """
    if not path.is_file():
        raise DataError(f"The table {path} is not there.")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path} has more than {_MAX_BYTES:,} bytes [size.cap].")
    text = read_text(path)
    separator = text.separator
    reader = csv.reader(text.content.splitlines(), delimiter=separator)
    try:
        cells = [
            [c.strip() for c in row] for row in reader if any(c.strip() for c in row)
        ]
    except csv.Error as error:
        raise DataError(f"{path} row {reader.line_num}: {error}.") from error
    if len(cells) < 2:
        raise DataError(f"{path} holds no recording: a header and rows are expected.")
    header, *body = cells
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise DataError(f"{path}: the columns {sorted(twice)} are there twice.")
    for number, row in enumerate(body, start=2):
        if len(row) > len(header):
            raise DataError(
                f"{path} row {number}: {len(row)} cells, but the header has "
                f"{len(header)} ({separator!r} separates)."
            )
    padded = ([*row, *[""] * (len(header) - len(row))] for row in body)
    return header, [dict(zip(header, row, strict=True)) for row in padded]


def understand(header: Sequence[str], table: Path) -> Columns:
    """Sort columns into streams, their settings and covariates.

    Raises
    ------
    ConfigError
        For a setting that does not exist or belongs to no stream, with a suggestion.
    DataError
        Without the column `animal`, or without any stream.
    """
    if "animal" not in header:
        raise DataError(
            f"{table} has no column 'animal': whose recordings are they? Found: "
            f"{', '.join(header)} [import.animal]."
        )
    settings = {c: s for c in header if (s := _setting(c, header)) is not None}
    streams = tuple(
        c
        for c in header
        if _STREAM.fullmatch(c) and c not in settings and not _suspicious(c, header)
    )
    rest = [c for c in header if c not in (*streams, *settings, *OTHER_COLUMNS)]
    for column in rest:
        if _suspicious(column, header):
            raise ConfigError(_unknown_column(column, streams, table))
        check_key(column)
    if not streams:
        raise DataError(
            f"{table} has no column with files: expected one of {', '.join(KINDS)}."
        )
    return Columns(streams, settings, tuple(rest))


def _setting(column: str, header: Sequence[str]) -> tuple[str, str] | None:
    for setting in STREAM_SETTINGS:
        stream = column.removesuffix(f"_{setting}")
        if stream != column and stream in header and _STREAM.fullmatch(stream):
            return stream, setting
    return None


def _suspicious(column: str, header: Sequence[str]) -> bool:
    """Whether a column is rather a misspelt setting than a stream or a covariate."""
    ends = [e for setting in STREAM_SETTINGS for e in (setting, setting.split("_")[0])]
    stem, _, end = column.rpartition("_")
    begins = any(column.startswith(f"{kind}_") for kind in KINDS)
    tail = column.partition("_")[2]
    close = difflib.get_close_matches(tail, ends, n=1, cutoff=0.75)
    del stem, end
    return begins and bool(close) and _setting(column, header) is None


def _unknown_column(column: str, streams: Sequence[str], table: Path) -> str:
    allowed = [
        f"{s}_{setting}" for s in streams or KINDS for setting in STREAM_SETTINGS
    ]
    close = difflib.get_close_matches(column, allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return (
        f"{table}: the column {column} is no setting of a stream in this table.{hint} "
        f"Settings: {', '.join(STREAM_SETTINGS)}. A covariate needs another name."
    )


def _request(
    row: Mapping[str, str], columns: Columns, covariates: Mapping[str, Any], base: Path
) -> tuple[ImportRequest, list[Problem]]:
    problems: list[Problem] = []
    streams: dict[str, StreamRequest] = {}
    for name in sorted(columns.streams, key=_kind_order):
        if not row[name]:
            continue
        values = _values(row, columns, name, base, problems)
        found = resolve(row[name], base)
        if found is None:
            text = f"{name}: {row[name]} is not there"
            problems.append(Problem("import.missing", "error", text))
            continue
        options = {key: values.pop(key) for key in _OPTIONS if key in values}
        streams[name] = StreamRequest(source=found, options=options, **values)
    if not streams:
        problems.append(Problem("source.missing", "error", "no stream was found"))
    labels = None
    if row.get("labels"):
        labels = resolve(row["labels"], base)
        if labels is None:
            text = f"labels: {row['labels']} is not there"
            problems.append(Problem("import.missing", "error", text))
    request = ImportRequest(
        animal=row["animal"],
        streams=streams,
        covariates=covariates,
        labels=labels,
        labels_like=row.get("labels_like") or None,
        rater=row.get("rater") or None,
    )
    return request, problems


def _with_shared(
    request: ImportRequest, template: ImportRequest | None, shared: Mapping[str, Any]
) -> ImportRequest:
    """Fill what a row leaves open by what was said for all rows."""
    streams = {}
    for name, asked in request.streams.items():
        given = dict(shared.get(name, {}))
        options = {**given.pop("options", {}), **asked.options}
        blank = {k: v for k, v in given.items() if not getattr(asked, k)}
        streams[name] = replace(asked, options=options, **blank)
    request = replace(request, streams=streams)
    if template is None:
        return request
    return replace(
        template,
        animal=request.animal,
        streams=streams,
        covariates={**template.covariates, **request.covariates},
        labels=request.labels,
        labels_like=request.labels_like or template.labels_like,
        rater=request.rater or template.rater,
    )


def _values(
    row: Mapping[str, str],
    columns: Columns,
    stream: str,
    base: Path,
    problems: list[Problem],
) -> dict[str, Any]:
    """Return the settings of one stream in one row, as StreamRequest takes them."""
    known = {field.name for field in fields(StreamRequest)} | set(_OPTIONS)
    values: dict[str, Any] = {}
    for column, (its, setting) in columns.settings.items():
        text = row[column]
        if its != stream or not text:
            continue
        if STREAM_SETTINGS[setting] is float:
            number = parse_covariate(text)
            if isinstance(number, int | float) and not isinstance(number, bool):
                values[setting] = float(number)
            else:
                bad = f"{column}: {text!r} is no number"
                problems.append(Problem("import.column", "error", bad))
        elif setting in ("sync", "times"):
            values["sync_file"] = resolve(text, base) or base / text
            values["sync_kind"] = "index_map" if setting == "sync" else "timestamps"
        elif setting == "sync_frames":
            values[setting] = resolve(text, base) or base / text
        else:
            values[setting] = text
    return {key: value for key, value in values.items() if key in known}


def resolve(text: str, base: Path) -> str | Path | None:
    """Return a cell's file, pattern or source; None when nothing is there."""
    if is_source(text):
        return text
    path = base / text
    if path.exists():
        return path
    if GLOB.search(text) and any(base.glob(text)):
        return path
    return None


def _kind_order(stream: str) -> int:
    order = ("neural", "trace", "pose", "scalar", "video")
    return next(i for i, kind in enumerate(order) if stream.startswith(kind))


def _name_problems(name: str, animal: str, row: int) -> list[Problem]:
    problems = []
    if not animal:
        text = f"row {row} names no animal"
        problems.append(Problem("import.animal", "error", text))
    for what, value in (("recording", name), ("animal", animal)):
        problem = name_problem(value) if value else None
        if problem:
            text = f"row {row}, {what}: {problem}"
            problems.append(Problem("recording.name", "error", text))
    return problems


def _refuse_twins(plans: Sequence[ImportPlan], table: Path) -> None:
    names = [plan.name for plan in plans if plan.status != "present"]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{table}: several rows are named {', '.join(twice)}.")
