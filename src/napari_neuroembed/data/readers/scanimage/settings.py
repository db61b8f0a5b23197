"""The settings that ScanImage writes into a TIFF, as text: found, split, never run.

ScanImage 2016 and later put lines of MATLAB (``SI.hChannels.channelSave = [1;2]``), or
JSON, into the Software tag, and into the head of a BigTIFF. Older versions put lines
behind the first frame's stamp in the description. tifffile knows the three beginnings
(``SI.``, ``scanimage.SI``, ``state.``); its source is where the head's layout is from.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_neuroembed.data.readers.tiff.directory import Directory

MAX_TEXT_BYTES = 16 << 20
_MAGIC = 0x07030301
_HEAD = struct.Struct("<IIII")
_LINE = re.compile(r"^\s*((?:scanimage\.)?SI\d?\.[\w.]+|state\.[\w.]+)\s*=\s*(.*?)\s*$")
_NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:Inf|NaN)", re.I
)
_WORDS = {"true": 1.0, "false": 0.0}

Settings = Mapping[str, Any]
"""Name -> text of MATLAB, or plain value of JSON; names without ``scanimage.``."""


class SettingError(Exception):
    """A setting that is not what ScanImage writes there."""


def find_settings(directory: Directory) -> dict[str, Any]:
    """Return the settings of a file, empty when ScanImage did not write it."""
    for text in (directory.software, directory.description):
        found = split_settings(text)
        if found:
            return found
    return split_settings(_block(directory.path)[0])


def find_regions(path: Path) -> int:
    """Return how many imaging regions the head of a BigTIFF lists, 0 if it has none."""
    try:
        groups = json.loads(_block(path)[1] or "{}")["RoiGroups"]
        rois = groups["imagingRoiGroup"]["rois"]
        return len(rois) if isinstance(rois, list) else 1
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0


def split_settings(text: str) -> dict[str, Any]:
    """Split lines ``name = value``, or JSON, into names and values.

    Examples
    --------
    >>> split_settings("SI.hChannels.channelSave = [1;2]")
    {'SI.hChannels.channelSave': '[1;2]'}
    >>> split_settings('{"SI": {"hFastZ": {"enable": true}}}')
    {'SI.hFastZ.enable': True}
    """
    text = text.strip("\0 \r\n")
    if len(text) > MAX_TEXT_BYTES:
        return {}
    if text.startswith("{"):
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        is_its = isinstance(tree, dict) and isinstance(tree.get("SI"), dict)
        return _flat("SI", tree["SI"]) if is_its else {}
    found = {}
    for line in re.split(r"[\r\n]+", text):
        match = _LINE.match(line)
        if match:
            found[match.group(1).removeprefix("scanimage.")] = match.group(2)
    return found


def numbers(settings: Settings, name: str) -> list[float] | None:
    """Return a setting as numbers, None when it is not there.

    Raises
    ------
    SettingError
        When it holds anything else.

    Examples
    --------
    >>> numbers({"a": "[1;2]"}, "a"), numbers({"a": "true"}, "a"), numbers({}, "a")
    ([1.0, 2.0], [1.0], None)
    """
    if name not in settings:
        return None
    value = settings[name]
    if isinstance(value, bool | int | float):
        return [float(value)]
    if isinstance(value, list):
        rows = [v for row in value for v in (row if isinstance(row, list) else [row])]
        if all(isinstance(v, bool | int | float) for v in rows):
            return [float(v) for v in rows]
    if isinstance(value, str):
        parts = re.split(r"[\s,;]+", value.strip("[]{} "))
        parts = [part for part in parts if part]
        if all(p.lower() in _WORDS or _NUMBER.fullmatch(p) for p in parts):
            return [_value(part) for part in parts]
    shown = str(value)[:60]
    raise SettingError(f"{name} is {shown!r}, expected numbers such as [1;2]")


def number(settings: Settings, name: str) -> float | None:
    """Return a setting as one number, None when it is not there or empty.

    Raises
    ------
    SettingError
        When it holds several, or no numbers.
    """
    found = numbers(settings, name)
    if not found:
        return None
    if len(found) > 1:
        raise SettingError(f"{name} is {settings[name]!r}, expected one number")
    return found[0]


def names(settings: Settings, name: str) -> tuple[str, ...]:
    """Return a setting as names; empty when it is not there or of another form.

    Examples
    --------
    >>> names({"a": "{'Green' 'Red'}"}, "a")
    ('Green', 'Red')
    """
    value = settings.get(name, "")
    if isinstance(value, list):
        return tuple(str(v) for v in value)
    return tuple(re.findall(r"'([^']*)'", str(value)))


def _value(text: str) -> float:
    return _WORDS[text.lower()] if text.lower() in _WORDS else float(text)


def _flat(prefix: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            found |= _flat(name, value)
        else:
            found[name] = value
    return found


def _block(path: Path) -> tuple[str, str]:
    """Return settings and regions from the head of a BigTIFF, empty without one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"II+\0" or size < 32:
            return "", ""
        file.seek(16)
        magic, version, n_settings, n_regions = _HEAD.unpack(file.read(_HEAD.size))
        if magic != _MAGIC or version not in (3, 4):
            return "", ""
        if n_settings + n_regions > min(size, MAX_TEXT_BYTES):
            return "", ""
        texts = file.read(n_settings), file.read(n_regions)
    return (
        texts[0].decode("latin-1").strip("\0"),
        texts[1].decode("latin-1").strip("\0"),
    )
