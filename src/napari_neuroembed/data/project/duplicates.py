"""The same data in two recordings: fit and fresh, or two animals, would share them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.fingerprints import Fingerprint, Records, is_sync
from napari_neuroembed.data.project.spec import RecordingSpec, StreamSpec

_SELECTORS = ("part", "individual")
"""Options of readers that take different data out of one file."""


def duplicate_problems(
    recordings: Iterable[RecordingSpec], records: Records
) -> list[Problem]:
    """Find files that two recordings have in common.

    Parameters
    ----------
    recordings
        Those to compare, in order.
    records
        Fingerprints of their files; of other recordings they are ignored.

    Returns
    -------
    ``source.duplicate`` errors, each once, of the later recording. Different parts or
    individuals of one file are different data.
    """
    seen: dict[object, list[tuple[RecordingSpec, str]]] = {}
    problems = []
    for recording in recordings:
        for stream, entry in _entries(recording, records):
            earlier = seen.setdefault(entry.content, [])
            for other, name in earlier:
                if other.id != recording.id and not takes_another(
                    recording.streams[stream], other.streams[name]
                ):
                    text = (
                        f"{entry.source} ({stream} of {recording.id!r}, animal "
                        f"{recording.animal!r}) has the same content as {name} of "
                        f"recording {other.id!r} of animal {other.animal!r}. The same "
                        "data in two recordings make every score of identity and "
                        "action wrong."
                    )
                    problems.append(
                        Problem("source.duplicate", "error", text, recording.id)
                    )
                    break
            earlier.append((recording, stream))
    return problems


def takes_another(one: StreamSpec, other: StreamSpec) -> bool:
    """Whether two streams take different recordings or animals out of one file."""
    mine, its = one.reader_options, other.reader_options
    return any(
        key in mine and key in its and mine[key] != its[key] for key in _SELECTORS
    )


def _entries(
    recording: RecordingSpec, records: Records
) -> Iterator[tuple[str, Fingerprint]]:
    for stream, entries in records.get(recording.id, {}).items():
        if not is_sync(stream) and stream in recording.streams:
            for entry in entries:
                yield stream, entry
