"""A folder of Prairie View whose XML is missing: frames by the numbers of the names."""

from __future__ import annotations

import re
from pathlib import Path

from napari_neuroembed.data.readers.base import Description, Source
from napari_neuroembed.data.readers.tiff.folder import SUFFIXES, TiffFolderReader
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import PrairieOptions

_NAME = re.compile(
    r"_Cycle(?P<cycle>\d+)(?:_CurrentSettings)?_Ch(?P<channel>\d+)_\d+(?:\.ome)?$"
)


def are_its(folder: Path) -> bool:
    """Return whether two or more TIFFs are named like those of Prairie View."""
    return len(_found(folder)) > 1


def is_its(path: Path) -> bool:
    """Return whether a file is named like the TIFFs of Prairie View."""
    return path.suffix.lower() in SUFFIXES and bool(_NAME.search(path.stem))


def describe(source: Source, options: PrairieOptions) -> Description:
    """Describe the frames as a folder of single frames."""
    return TiffFolderReader().describe(source, _options(source.path, options))


def read(
    source: Source,
    options: PrairieOptions,
    rate_hz: float | None,
    accept: frozenset[str],
    *,
    salvage: bool,
) -> dict[str, Stream]:
    """Open the frames as a folder of single frames.

    Raises
    ------
    DataError
        When the rate is not given: the XML would have had it.
    """
    told = _options(source.path, options)
    if rate_hz is None:
        n = len(_found(source.path))
        raise DataError(
            f'"{source.path}" holds {n:,} TIFFs named like those of Prairie View but '
            f"no frame rate: its XML ({source.path.name}.xml) is missing, which has "
            "the time of every frame. Copy it from the microscope, or give the frame "
            "rate with --rate 15.5 (frames per second), or point to a timestamp file "
            "with --sync. [rate.missing]"
        )
    return TiffFolderReader().read(
        source, told, rate_hz=rate_hz, accept=accept, salvage=salvage
    )


def _found(folder: Path) -> list[re.Match[str]]:
    stems = (p.stem for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    return [match for stem in stems if (match := _NAME.search(stem))]


def _options(folder: Path, options: PrairieOptions) -> dict[str, object]:
    """Return what the reader of single frames is told.

    Raises
    ------
    DataError
        When there are several cycles, which only the XML can put in order, or several
        channels and no choice.
    """
    found = _found(folder)
    cycles = sorted({match.group("cycle") for match in found})
    if len(cycles) > 1:
        raise DataError(
            f"{folder} holds {len(cycles)} cycles but not the XML that says how they "
            f"follow each other ({folder.name}.xml). Copy it from the microscope. "
            "[prairie.xml]"
        )
    channels = sorted({int(match.group("channel")) for match in found})
    wanted = options.channels
    if wanted is not None and set(wanted.values()) <= set(channels):
        return {"channels": {role: f"*_Ch{c}_*" for role, c in wanted.items()}}
    if len(channels) == 1 and wanted is None:
        return {"pattern": f"*_Ch{channels[0]}_*"}
    raise DataError(
        f"{folder}: its channels are {', '.join(map(str, channels))}. Say which one is "
        f"the indicator: channels: {{functional: {channels[0]}}}. [tiff.channels]"
    )
