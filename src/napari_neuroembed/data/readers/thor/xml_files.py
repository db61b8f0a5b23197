"""The XML files of ThorLabs: recognised by their first element."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from napari_neuroembed.data.xml_text import read_xml
from napari_neuroembed.errors import DataError

_MAX_BYTES = 64 << 20


def is_xml_of(path: Path, root: str) -> bool:
    """Whether a file begins like an XML file with this root element."""
    try:
        with path.open("rb") as file:
            head = file.read(2048).replace(b"\0", b"")  # UTF-16 has them in between
    except OSError:
        return False
    return b"<" + root.encode() in head


def read_root(path: Path, root: str, check: str) -> ET.Element:
    """Return the root element.

    Raises
    ------
    DataError
        When the file is missing or damaged, or begins with another element.
    """
    try:
        found = read_xml(path, max_bytes=_MAX_BYTES)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). [{check}]"
        ) from error
    if found.tag != root:
        raise DataError(
            f"{path}: expected <{root}>, found <{str(found.tag)[:60]}>. [{check}]"
        )
    return found
