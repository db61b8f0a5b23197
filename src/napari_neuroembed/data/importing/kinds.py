"""What the SOURCE of an import is when nobody says: images, traces or poses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_neuroembed.data.importing.thor_folder import find_sync, find_thor
from napari_neuroembed.data.project.roots import Roots, is_source
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Reader, Source
from napari_neuroembed.data.recording import KINDS, Kind
from napari_neuroembed.errors import ConfigError, DataError

_OF_ITS_OWN = ("trace", "pose")
"""Kinds that a recording may consist of, besides images."""


def kind_of_source(where: str, roots: Roots, reader: str | None = None) -> Kind:
    """Return the kind of stream that a file or folder holds, by its content.

    Parameters
    ----------
    where
        Path, pattern, or ``ROOT:relative/path``.
    roots
        Where this machine keeps the files.
    reader
        Name of the reader, when the user gave one.

    Returns
    -------
    ``neural`` whenever a reader of images may know it, or nothing is there; else what
    the reader that knows it gives.

    Raises
    ------
    DataError
        When no reader knows it.
    ConfigError
        When it may be several things but no images: a flag says which; or when it is
        one file of a suite2p folder.
    """
    if reader is not None:
        kinds = READERS[reader].kinds if reader in READERS else ("neural",)
        return _only(where, reader, kinds)
    try:
        paths = (
            find_files(where, roots) if is_source(where) else Source.find(where).paths
        )
    except DataError:
        return "neural"  # the import says that nothing is there, after the flags
    source = Source(paths)
    _refuse_part(source)
    for one in READERS.values():
        if "neural" in one.kinds and one.sniff(source)[0] > 0:
            if len(one.kinds) > 1:
                _refuse_others(source, one)
            return "neural"
    try:
        found = find_reader(source, KINDS)
    except DataError:
        if find_thor(source.path) is not None:
            return "neural"
        _refuse_clock(source.path)
        raise
    return _only(where, found.name, found.kinds)


def _only(where: str, reader: str, kinds: Sequence[Kind]) -> Kind:
    if "neural" in kinds:
        return "neural"
    if len(kinds) == 1 and kinds[0] in _OF_ITS_OWN:
        return kinds[0]
    raise _ask(where, f"is no stack of images; the reader {reader} knows it", kinds)


def _ask(where: object, what: str, kinds: Iterable[Kind]) -> ConfigError:
    flags = " or ".join(f"--{kind} {Path(str(where)).name}" for kind in kinds)
    return ConfigError(
        f"{where} {what}. Say what it is with a flag instead of giving it as SOURCE: "
        f"{flags}."
    )


def _refuse_part(source: Source) -> None:
    """Refuse one file of a suite2p folder, naming the folder."""
    folder = source.path.parent
    parts = ("F.npy", "Fneu.npy")
    others = ("spks.npy", "iscell.npy", "stat.npy", "ops.npy")
    if source.path.name in (*parts, *others) and all(
        (folder / name).is_file() for name in parts
    ):
        raise ConfigError(
            f"{source.path} is one file of a suite2p folder. Give the folder: {folder}."
        )


def _refuse_clock(path: Path) -> None:
    """Refuse what ThorSync wrote, naming where it belongs."""
    if find_sync(path):
        raise ConfigError(
            f"{path} is what ThorSync recorded: a clock, no images. Give the folder of "
            "ThorImage, with its Experiment.xml, as SOURCE, and this with --sync "
            f"{path}."
        )


def _refuse_others(source: Source, reader: Reader) -> None:
    """Refuse numbers that cannot be images, where a reader knows many kinds."""
    try:
        reader.describe(source, {"kind": "neural"})
    except DataError as error:
        if "[array.axes]" not in str(error):
            raise
        kinds = [kind for kind in reader.kinds if kind != "neural"]
        raise _ask(source.path, "is no stack of images", kinds) from error
