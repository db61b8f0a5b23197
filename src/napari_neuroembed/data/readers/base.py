"""What every reader offers, and the words they share."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.base import from_dict

T = TypeVar("T")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts frame 10 after frame 9.

    Examples
    --------
    >>> sorted(["f10.tif", "f9.tif"], key=natural_key)
    ['f9.tif', 'f10.tif']
    """
    parts = re.split(r"(\d+)", name)
    return tuple(
        (1, int(part), "") if part.isdecimal() else (0, 0, part.lower())
        for part in parts
    )


@dataclass(frozen=True)
class Source:
    """The file, files or folder that hold one stream.

    Parameters
    ----------
    paths
        Existing files in natural order, or one folder.
    cache
        Folder where a reader may keep what took long to find out (the page index of
        a TIFF); None keeps nothing.
    """

    paths: tuple[Path, ...]
    cache: Path | None = None

    @classmethod
    def find(cls, where: str | Path, *, cache: Path | None = None) -> Source:
        """Return the source of a path or of a pattern such as ``fly1/*.tif``.

        Raises
        ------
        DataError
            When nothing is there.
        """
        path = Path(where)
        if path.exists():
            return cls((path.absolute(),), cache)
        found = [Path(name).absolute() for name in glob.glob(str(where))]  # noqa: PTH207
        if not found:
            raise DataError(
                f"{where}: no such file, folder or pattern. Check the spelling and "
                "that the drive is mounted."
            )
        return cls(tuple(sorted(found, key=lambda p: natural_key(str(p)))), cache)

    @property
    def path(self) -> Path:
        """The first path."""
        return self.paths[0]

    @property
    def name(self) -> str:
        """What messages call this source."""
        if len(self.paths) == 1:
            return str(self.path)
        last = self.paths[-1].name
        return f"{self.path} .. {last} ({len(self.paths)} files)"


@dataclass(frozen=True)
class Description:
    """What a look at the header says.

    Parameters
    ----------
    kind
        Kind of the stream that `read` would give.
    shape, dtype, axes
        Of its data, e.g. ``(600, 512, 512)``, ``uint16``, ``TYX``.
    rate_hz, rate_origin
        Frames per second if the file states them, and where; else None and "".
    names, units
        Channels, points or signals, and the unit of the values.
    facts
        What else a person may want to see.
    problems
        All findings; those of severity ``error`` make `read` refuse.
    place
        Folder within the source that alone holds the stream, when it is not the
        source itself.
    """

    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    axes: str
    rate_hz: float | None = None
    rate_origin: str = ""
    names: tuple[str, ...] = ()
    units: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    place: Path | None = None


class Reader(Protocol):
    """One file format.

    A reader never changes the file, never guesses a rate, never runs what the file
    says, and refuses with the id of the check rather than opening a part.
    """

    name: str
    kinds: tuple[Kind, ...]
    options: type[Any]

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return how sure it is that the source is of this format (0..1), and why."""

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Look at the header: under a second, no pixel is read."""

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the streams, lazily where they are large.

        Parameters
        ----------
        source, options
            What to read and how; options are those of the reader's `options` class,
            and `kind` for all.
        rate_hz
            Frames per second as the user gave them.
        accept
            Ids of checks the user accepts.
        salvage
            Open a damaged file as far as it goes.

        Raises
        ------
        DataError
            Listing every unaccepted problem, or that there is no frame rate.
        """


def parse_options(
    kind: type[T], options: Mapping[str, Any], reader: str, kinds: tuple[Kind, ...]
) -> T:
    """Check the options of a reader; `kind` is understood by all of them.

    Raises
    ------
    ConfigError
        Naming an unknown or wrong option.
    DataError
        When the reader cannot give the asked kind of stream.
    """
    wanted = options.get("kind")
    if wanted is not None and wanted not in kinds:
        raise DataError(
            f"The reader {reader} gives {' or '.join(kinds)} streams, not {wanted}."
        )
    known = getattr(kind, "__dataclass_fields__", {})
    rest = {k: v for k, v in options.items() if k != "kind" or "kind" in known}
    return from_dict(kind, rest, f"reader {reader}")
