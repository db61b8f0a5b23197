"""One file format per file; which reader opens which source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from napari_neuroembed.data.readers.base import Description, Reader, Source
from napari_neuroembed.data.recording import Kind
from napari_neuroembed.errors import ConfigError, DataError

__all__ = [
    "READERS",
    "Description",
    "Reader",
    "Source",
    "find_reader",
    "get_reader",
]

_PLACES = {
    "tiff": "tiff:TiffReader",
    "tiff_folder": "tiff.folder:TiffFolderReader",
    "thor_raw": "thor.raw:ThorRawReader",
    "thor_tiff": "thor.tiff:ThorTiffReader",
    "thor_flow": "thor.flow:OpticFlowReader",
    "video": "video:VideoReader",
    "npz": "npz:NpzReader",
    "npy": "npy:NpyReader",
    "csv": "csv:CsvReader",
    "scanimage": "scanimage:ScanImageReader",
    "prairie": "prairie:PrairieReader",
    "prairie_voltage": "prairie.voltage:PrairieVoltageReader",
    "json": "json_scalars:JsonReader",
    "deeplabcut": "deeplabcut:DeepLabCutReader",
    "deeplabcut_h5": "deeplabcut.hdf5:DeepLabCutH5Reader",
    "sleap": "sleap:SleapReader",
    "df3d": "df3d:Df3dReader",
    "caiman": "caiman:CaimanReader",
    "suite2p": "suite2p:Suite2pReader",
    "mc2p": "mc2p:Mc2pReader",
}
ALIKE = 0.1
"""Readers whose confidences differ by no more than this cannot be told apart."""

MOST_INSIDE, SHOWN_INSIDE = 200, 12
"""Entries of a folder that are looked at, and named, when it is no recording."""


class _Readers(Mapping[str, Reader]):
    """Name -> reader; a format's module is imported when it is asked for."""

    def __getitem__(self, name: str) -> Reader:
        module, _, attribute = _PLACES[name].partition(":")
        found: Reader = getattr(import_module(f"{__name__}.{module}"), attribute)()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


READERS: Mapping[str, Reader] = _Readers()
"""All readers by name."""


def get_reader(name: str) -> Reader:
    """Return a reader by name, or a third party's as ``package.module:Name``.

    Raises
    ------
    ConfigError
        When there is no such reader.

    Examples
    --------
    >>> get_reader("tiff").kinds
    ('neural',)
    """
    if name in _PLACES:
        return READERS[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(
            f"Unknown reader {name!r}. Known: {', '.join(_PLACES)}. Third-party "
            "readers: give 'package.module:Name'."
        )
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ConfigError(f"The reader {name!r} cannot be imported: {error}.") from (
            error
        )
    needed = ("name", "kinds", "options", "sniff", "describe", "read")
    lacking = [part for part in needed if not hasattr(found, part)]
    if not isinstance(found, type) or lacking:
        raise ConfigError(
            f"{name!r} is no reader: a reader is a class with {', '.join(needed)}."
        )
    reader: Reader = found()
    return reader


def find_reader(source: Source, kinds: Collection[Kind] = ()) -> Reader:
    """Return the reader that knows a source best, by its content.

    Parameters
    ----------
    source
        Files or folder.
    kinds
        Kinds of stream that would do; all when empty.

    Raises
    ------
    DataError
        When no reader knows it (naming what was tried), or two are equally sure.
    """
    tried = []
    for name, reader in READERS.items():
        if not kinds or set(kinds) & set(reader.kinds):
            confidence, why = reader.sniff(source)
            tried.append((confidence, name, why))
    tried.sort(key=lambda t: -t[0])
    known = [t for t in tried if t[0] > 0]
    if not known:
        raise _unknown(source, kinds, tried)
    alike = [t for t in known if t[0] >= known[0][0] - ALIKE]
    if len(alike) > 1:
        lines = "; ".join(f"{name} ({c:.2f}: {why})" for c, name, why in alike)
        raise DataError(
            f"{source.name}: {len(alike)} readers could open this: {lines}. Say which "
            f"with reader: {alike[0][1]}."
        )
    return READERS[known[0][1]]


def _unknown(
    source: Source, kinds: Collection[Kind], tried: Collection[tuple[float, str, str]]
) -> DataError:
    wanted = f" as {' or '.join(kinds)}" if kinds else ""
    inside = _known_inside(source.path, kinds)
    if inside:
        shown = ", ".join(inside[:SHOWN_INSIDE])
        if len(inside) > SHOWN_INSIDE:
            shown += f" and {len(inside) - SHOWN_INSIDE} more"
        return DataError(
            f"{source.name}: no reader can open this folder as one recording{wanted}. "
            f"It holds {shown} (in brackets: the reader that knows it). Give one of "
            "these."
        )
    lines = "; ".join(f"{name}: {why}" for _, name, why in tried)
    return DataError(
        f"{source.name}: no reader can open this{wanted}. Tried {lines}. Convert "
        "it to one of these formats, or name another file."
    )


def _known_inside(folder: Path, kinds: Collection[Kind]) -> list[str]:
    """Return what a folder holds that some reader knows, with that reader."""
    if not folder.is_dir():
        return []
    readers = [
        (name, reader)
        for name, reader in READERS.items()
        if not kinds or set(kinds) & set(reader.kinds)
    ]
    found = []
    for path in sorted(folder.iterdir())[:MOST_INSIDE]:
        if path.name.startswith("."):
            continue
        sure = [(reader.sniff(Source((path,)))[0], name) for name, reader in readers]
        confidence, name = max(sure, key=lambda one: one[0])
        if confidence > 0:
            found.append(f"{path.name} ({name})")
    return found
