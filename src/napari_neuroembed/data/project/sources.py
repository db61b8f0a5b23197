"""From the source written in project.yaml to the files on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from napari_neuroembed.data.project.roots import GLOB, Roots, parse_source
from napari_neuroembed.errors import DataError, raise_all


def natural_key(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Return a sort key that puts frame 10 after frame 9.

    Examples
    --------
    >>> sorted([Path("f10.tif"), Path("f9.tif")], key=natural_key)[0].name
    'f9.tif'
    """
    parts = re.split(r"(\d+)", str(path))
    return tuple((0, int(p)) if p.isdigit() else (1, p.casefold()) for p in parts if p)


def find_files(source: str | Iterable[str], roots: Roots) -> tuple[Path, ...]:
    """Return the files or the folder that a source stands for, in natural order.

    Parameters
    ----------
    source
        ``ROOT:relative/path``, with wildcards for several files, or several of those
        (kept in the order given).
    roots
        The roots of this machine.

    Raises
    ------
    DataError
        When a root is unknown or absent, nothing is found, or a file lies outside all
        roots (a link may lead there).
    """
    sources = [source] if isinstance(source, str) else list(source)
    found: list[Path] = []
    problems: list[str] = []
    for text in sources:
        matches = _matches(text, roots)
        if not matches:
            problems.append(_missing(text, roots))
        for path in matches:
            if not roots.holds(path):
                problems.append(
                    f"{text}: {path} leads to {path.resolve()}, outside the project "
                    f"and all roots. Add a root for that folder: neuroembed relink "
                    f"{roots.project} --root NAME={path.resolve().parent}"
                )
        found += [path for path in matches if path not in found]
    raise_all(problems, DataError, "Sources [source.missing]")
    return tuple(found)


def as_source(path: Path, roots: Roots) -> str:
    """Return ``ROOT:relative/path`` for a path or pattern on this machine.

    Raises
    ------
    DataError
        When it lies under no root.
    """
    text = roots.express(path)
    if text is None:
        raise DataError(
            f"{path} lies under no root of this project. Name its folder: "
            f"--root NAME={Path(path).parent}."
        )
    parse_source(text)
    return text


def common_folder(paths: Iterable[Path]) -> Path:
    """Return the deepest folder that holds all paths (their fixed part)."""
    folders = []
    for path in paths:
        fixed = Path(path)
        while GLOB.search(str(fixed)):
            fixed = fixed.parent
        folders.append(fixed if fixed != Path(path) else fixed.parent)
    return Path(os.path.commonpath([str(folder) for folder in folders]))


def _matches(text: str, roots: Roots) -> list[Path]:
    root, relative = parse_source(text)
    folder = roots.folder(root)
    literal = folder / relative
    if literal.exists():
        return [literal]
    if not GLOB.search(str(relative)):
        return []
    found = (p for p in folder.glob(str(relative)) if not p.name.startswith("."))
    return sorted(found, key=natural_key)


def _missing(text: str, roots: Roots) -> str:
    root, relative = parse_source(text)
    return (
        f"{text} is not there (looked for {roots.folder(root) / relative}). If the "
        f"data moved: neuroembed relink {roots.project} --root {root}=/new/folder, or "
        "--search /some/folder to find the files by their content."
    )
