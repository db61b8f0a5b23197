"""Fingerprints of one recording's files: taken at import, compared on opening."""

from __future__ import annotations

from collections.abc import Mapping

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.fingerprints import (
    Fingerprint,
    Records,
    changes,
    take,
)
from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.project.spec import (
    FrameCounterSync,
    IndexMapSync,
    RecordingSpec,
    TimestampsSync,
)


def sources_of(recording: RecordingSpec) -> dict[str, tuple[str, ...]]:
    """Return all sources of a recording by stream; those of syncs as ``name:sync``."""
    found: dict[str, tuple[str, ...]] = {}
    for name, stream in recording.streams.items():
        source = stream.source
        found[name] = (source,) if isinstance(source, str) else tuple(source)
        sync = stream.sync
        files: list[str | None] = []
        if isinstance(sync, IndexMapSync):
            files = [sync.file, sync.frames]
        elif isinstance(sync, TimestampsSync):
            files = [sync.file]
        elif isinstance(sync, FrameCounterSync):
            files = [sync.file, sync.settings, sync.capture]
        named = tuple(file for file in files if file is not None)
        if named:
            found[f"{name}:sync"] = named
    return found


def take_records(
    recording: RecordingSpec, roots: Roots
) -> dict[str, list[Fingerprint]]:
    """Take the fingerprints of all files of a recording.

    Raises
    ------
    DataError
        When a file is missing.
    """
    return {
        name: take(find_files(source, roots), roots)
        for name, source in sources_of(recording).items()
    }


def changed_sources(
    recording: RecordingSpec, roots: Roots, records: Records
) -> list[Problem]:
    """Compare a recording's files with their fingerprints.

    Returns
    -------
    ``source.changed`` errors naming what changed, per stream; a note
    ``source.unrecorded`` where no fingerprint was taken (project.yaml was edited).
    """
    known: Mapping[str, list[Fingerprint]] = records.get(recording.id, {})
    problems = []
    for name, source in sources_of(recording).items():
        where = f"Recording {recording.id!r}, {name}"
        if name not in known:
            text = (
                f"{where}: no fingerprint was taken; it is taken by neuroembed check."
            )
            problems.append(Problem("source.unrecorded", "note", text, recording.id))
            continue
        differences = changes(find_files(source, roots), known[name], roots)
        if differences:
            text = f"{where} changed since it was imported: {'; '.join(differences)}."
            problems.append(Problem("source.changed", "error", text, recording.id))
    return problems
