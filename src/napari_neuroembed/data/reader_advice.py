"""What a reader's wish is called on the command line."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.readers.base import Reader

_ROLE_FLAG = {"channels": "--channel ROLE=N"}


@contextlib.contextmanager
def with_flags(stream: str, reader: Reader) -> Iterator[None]:
    """Add to a reader's refusal how the options it speaks of are given.

    A reader knows its options by name (``axes: TYX``) but not the stream it reads.

    Parameters
    ----------
    stream
        Name of the stream in the recording.
    reader
        Whose refusals to look at.

    Raises
    ------
    DataError
        The refusal, with the flags.
    """
    try:
        yield
    except DataError as error:
        advice = flags_in(str(error), stream, reader)
        if not advice:
            raise
        raise DataError(f"{error}\n{advice}") from error


def flags_in(text: str, stream: str, reader: Reader) -> str:
    """Return the flags for the options that a text names, or nothing.

    Examples
    --------
    >>> from napari_neuroembed.data.readers import get_reader
    >>> print(flags_in("Say axes: TYX.", "neural", get_reader("tiff")))
    On the command line: --reader-option neural.axes=TYX; in project.yaml: \
reader_options of neural.
    """
    if not dataclasses.is_dataclass(reader.options):
        return ""
    names = [field.name for field in dataclasses.fields(reader.options)]
    found = [
        (name, example)
        for name in names
        if (example := _example(name, text)) is not None
    ]
    flags = [
        _ROLE_FLAG.get(name, f"--reader-option {_quoted(f'{stream}.{name}={example}')}")
        for name, example in found
    ]
    if not flags:
        return ""
    return (
        f"On the command line: {' or '.join(flags)}; in project.yaml: reader_options "
        f"of {stream}."
    )


def _example(name: str, text: str) -> str | None:
    """Return the value that a text gives an option as an example, ``...`` if none."""
    found = re.search(
        rf"(?<![\w./]){name}:\s*(?!or\b)(\[[^\]]*\]|[\w./*-]*[\w*])?", text
    )
    return None if found is None else found.group(1) or "..."


def _quoted(text: str) -> str:
    return f"'{text}'" if re.search(r"[\s\[*]", text) else text
