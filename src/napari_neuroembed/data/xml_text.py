"""Read XML of unknown origin: no document type, no entities, no endless files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

from napari_neuroembed.errors import DataError

MAX_BYTES = 256 << 20
_CHUNK = 1 << 16

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def scan_xml(
    path: Path, start: Start, end: End | None = None, *, max_bytes: int = MAX_BYTES
) -> str:
    """Call `start` and `end` for every element, in order, keeping nothing.

    Parameters
    ----------
    path
        The file.
    start
        Called with the name and the attributes of an element that opens.
    end
        Called with the name of an element that closes.
    max_bytes
        Larger files are refused.

    Returns
    -------
    Why the text ended early, with the line; empty when it is whole. What came before
    the damage has been handed over.

    Raises
    ------
    DataError
        When the file is too large, or declares a document type.
    """
    parser = _parser(path, max_bytes)
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    return _feed(parser, path)


def read_xml(path: Path, *, max_bytes: int = MAX_BYTES) -> ET.Element:
    """Return the root element of a file.

    Raises
    ------
    DataError
        When the file is too large, declares a document type, or is not whole
        (`xml.damaged`, naming the line).
    """
    parser = _parser(path, max_bytes)
    tree = ET.TreeBuilder()
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.data
    damage = _feed(parser, path)
    if damage:
        raise DataError(
            f"{path} is no whole XML: {damage}. Copy it again. [xml.damaged]"
        )
    return tree.close()


def _parser(path: Path, max_bytes: int) -> expat.XMLParserType:
    size = path.stat().st_size
    if size > max_bytes:
        raise DataError(
            f"{path} has {size:,} bytes; an XML of settings has {max_bytes:,} at most. "
            "Check which file was meant. [size.cap]"
        )
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise DataError(
            f"{path} declares a document type, which no microscope writes; such XML "
            "can be made to fill the memory or read other files. Take the lines "
            "<!DOCTYPE ...> out if you trust it. [xml.doctype]"
        )

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, path: Path) -> str:
    """Parse a file in pieces; return what is wrong with it."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        return f"{expat.ErrorString(error.code)} at line {error.lineno}"
    except (LookupError, ValueError) as error:
        return f"its encoding cannot be read ({error})"
    return ""
