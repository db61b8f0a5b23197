"""Open the file of one stream through its reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.project.spec import StreamSpec, stream_kind
from napari_neuroembed.data.reader_advice import with_flags
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.readers.base import Description, Reader, Source

CACHE = Path(".neuroembed") / "cache"


def find_source(stream: StreamSpec, roots: Roots) -> Source:
    """Return the files of a stream as readers take them.

    Raises
    ------
    DataError
        When nothing is there.
    """
    from napari_neuroembed.data.readers.base import Source

    cache = roots.project / CACHE if roots.project.is_dir() else None
    return Source(find_files(stream.source, roots), cache)


def choose_reader(stream: StreamSpec, kind: Kind, source: Source) -> Reader:
    """Return the reader that project.yaml names, or the one that fits the content.

    Raises
    ------
    DataError
        When the name is unknown (listing the known ones), or none or several fit.
    """
    from napari_neuroembed.data import readers

    if stream.reader is None:
        return readers.find_reader(source, (kind,))
    return readers.get_reader(stream.reader)


def options_of(stream: StreamSpec, kind: Kind) -> dict[str, Any]:
    """Return what a reader is told: its own options, the kind and the channels."""
    options: dict[str, Any] = {"kind": kind, **stream.reader_options}
    if stream.channels:
        options["channels"] = dict(stream.channels)
    return options


def describe_stream(name: str, stream: StreamSpec, roots: Roots) -> Description:
    """Return what the header of a stream's file says.

    Raises
    ------
    DataError
        When the file is missing or refused by its reader.
    """
    kind = stream_kind(name, stream)
    source = find_source(stream, roots)
    reader = choose_reader(stream, kind, source)
    with with_flags(name, reader):
        return reader.describe(source, options_of(stream, kind))


def read_stream(
    name: str,
    stream: StreamSpec,
    roots: Roots,
    *,
    rate_hz: float | None,
    accept: frozenset[str],
    salvage: bool,
) -> Stream:
    """Open a stream on the clock of its own file.

    Raises
    ------
    DataError
        When the file is missing or refused by its reader.
    """
    kind = stream_kind(name, stream)
    source = find_source(stream, roots)
    reader = choose_reader(stream, kind, source)
    with with_flags(name, reader):
        found = reader.read(
            source,
            options_of(stream, kind),
            rate_hz=rate_hz,
            accept=accept,
            salvage=salvage,
        )
    return pick(found, name, kind, source.name)


def pick(found: Mapping[str, Stream], name: str, kind: Kind, file: str) -> Stream:
    """Return the one stream of a file that is meant.

    Raises
    ------
    DataError
        When the choice is open, naming the streams of the file.
    """
    if name in found and found[name].kind == kind:
        return found[name]
    fitting = [stream for stream in found.values() if stream.kind == kind]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{n} ({s.kind})" for n, s in found.items()) or "none"
    raise DataError(
        f"{file}: expected one {kind} stream for {name!r}, found {listed}. Name the "
        "stream as in the file, or choose by reader_options."
    )
