"""``neuroembed annotations import``: labels from a file into the project."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli import flags
from napari_neuroembed.errors import ConfigError, DataError

if TYPE_CHECKING:
    from napari_neuroembed.cli.running import VerbReport
    from napari_neuroembed.data.annotations.importing import LabelImport
    from napari_neuroembed.data.bouts import Bouts
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.readers.labels import LabelFile
    from napari_neuroembed.data.recording import TimeAxis


def import_file(project: Project, args: argparse.Namespace, report: VerbReport) -> None:
    """Look at a file, tell what was found and, unless it is a dry run, add it."""
    from napari_neuroembed.data.annotations.importing import import_labels
    from napari_neuroembed.data.importing.labels import keep_label_names

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
        keep_label_names(project, _pairs(args.map, "--map"))
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


def _read(
    project: Project, args: argparse.Namespace, accept: Iterable[str]
) -> LabelFile:
    """Read the file on the recording's clock, or on that of the flags."""
    from napari_neuroembed.data.importing.labels import (
        camera_clock,
        from_camera,
        with_known_names,
    )
    from napari_neuroembed.data.readers.labels import find_format, read_labels

    form = args.format or find_format(args.file)
    if form == "csv-frames" and args.recording is None:
        raise DataError(
            f"{args.file.name} has a row per frame and does not say of which "
            "recording; give --recording R."
        )

    def clock_of(name: str) -> TimeAxis:
        return camera_clock(project, args.recording or name, args.labels_like)

    def clock_of_wanted(name: str) -> TimeAxis | None:
        is_wanted = args.recording is None or name in ("", args.recording)
        return clock_of(name) if is_wanted else None

    on_own_clock = args.rate is not None or args.start is not None
    file = read_labels(
        args.file,
        format=form,
        rate_hz=args.rate,
        start_s=args.start or 0.0,
        time=None if on_own_clock else clock_of_wanted,
        options=_reader_options(args),
        accept=frozenset(accept),
    )
    if not on_own_clock:
        _refuse_unknown(project, args, file)
        file = from_camera(file, clock_of)
    given = _pairs(args.map, "--map")
    known = {k: v for k, v in project.spec.label_names.items() if k not in given}
    return with_known_names(file, known)


def _refuse_unknown(
    project: Project, args: argparse.Namespace, file: LabelFile
) -> None:
    """Refuse labels of recordings that the project does not have."""
    named = set() if args.recording else set(file) - {""}
    unknown = sorted(named - set(project.recording_ids()))
    if unknown:
        raise DataError(
            f"The project has no recording {', '.join(unknown)}. Recordings: "
            f"{', '.join(project.recording_ids()) or 'none yet'}. Nothing was imported."
        )


def _plan(project: Project, args: argparse.Namespace, file: LabelFile) -> LabelImport:
    """Compare the labels with the actions and the length of their recordings."""
    from contextlib import nullcontext

    from napari_neuroembed.data.annotations.importing import plan_import
    from napari_neuroembed.data.importing.labels import whole_span

    _refuse_unknown(project, args, file)
    named = {args.recording} if args.recording else set(file) - {""}
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


def _reader_options(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {
        key: flags.option_value(text, "--label-option")
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
