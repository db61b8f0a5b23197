"""Whether a report, and everything it was made of, is still what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.fingerprints import files_of, fingerprint
from napari_neuroembed.data.project.roots import parse_source
from napari_neuroembed.errors import DataError, NewerError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.inputs import (
    BOUTS,
    FILE,
    SOURCE,
    Input,
    digest_of_bouts,
)

INTACT, CHANGED, MISSING = "intact", "changed", "missing"
OUTPUT = "output"
COLUMNS = ("kind", "name", "status", "detail")
SEAL = "seal"
Listen = Callable[[], None]
"""Called about every MiB; may raise Cancelled."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a manifest with a sha256 over all of it.

    Examples
    --------
    >>> one = sealed({"files": {}})
    >>> one["seal"] == seal_of(one)
    True
    """
    return {**content, SEAL: seal_of(content)}


def seal_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 over a manifest without its seal."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def verify(project: Project, folder: Path, report: Report = silent) -> pd.DataFrame:
    """Compute all hashes of a report again, of what it holds and what it was made of.

    Parameters
    ----------
    project
        The project the report is about.
    folder
        ``report/<name>``.
    report
        Told about every file.

    Returns
    -------
    DataFrame
        A row per file: kind (output, file, source, bouts), name, status (intact,
        changed, missing), detail.

    Raises
    ------
    DataError
        When there is no report, or it is of a newer version.
    """
    content, damage = _manifest(folder)
    if damage:
        row = (OUTPUT, files.MANIFEST, CHANGED, damage)
        rows = [row]
        content = content or {}
    else:
        rows = [(OUTPUT, files.MANIFEST, INTACT, "")]
    outputs = content.get("files", {})
    inputs = content.get("inputs", [])
    total = len(outputs) + len(inputs)
    for done, (name, entry) in enumerate(outputs.items()):
        given = Input(OUTPUT, name, entry["bytes"], entry["sha256"])
        listen = partial(report, "verify", done, total, name)
        listen()
        rows.append((OUTPUT, name, *_file(folder / name, given, listen)))
    for done, values in enumerate(inputs, start=len(outputs)):
        given = Input(**values)
        listen = partial(report, "verify", done, total, given.name)
        listen()
        rows.append((given.kind, given.name, *_input(project, given, listen)))
    report("verify", total, total)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _manifest(folder: Path) -> tuple[Any, str]:
    """Return the manifest, and what is wrong with it."""
    path = folder / files.MANIFEST
    if not path.is_file():
        raise DataError(
            f"There is no report in {folder}. Make one with neuroembed report PROJECT, "
            "or name another with --name."
        )
    try:
        content = files.read_json(path)
        is_sealed = content[SEAL] == seal_of(content)
        files.manifest_entries(path)
        for values in content["inputs"]:
            _refuse_outside(Input(**values))
    except NewerError as error:
        if is_sealed:
            raise
        return None, f"it was changed after it was written ({error})"
    except (DataError, KeyError, TypeError) as error:
        return None, f"it cannot be read ({error}), so nothing else can be compared"
    as_written = path.read_bytes() == files.json_text(content).encode("utf-8")
    if not is_sealed or not as_written:
        return content, "it was changed after it was written"
    return content, ""


def _refuse_outside(given: Input) -> None:
    place = PurePosixPath(given.name)
    if given.kind == FILE and (place.is_absolute() or ".." in place.parts):
        raise DataError(f"{given.name!r} lies outside of the project")


def _input(project: Project, given: Input, listen: Listen) -> tuple[str, str]:
    if given.kind == FILE:
        return _file(project.path / given.name, given, listen)
    if given.kind == BOUTS:
        return _bouts(project, given)
    if given.kind == SOURCE:
        return _source(project, given)
    return CHANGED, f"{given.kind} is no kind of input"


def _file(path: Path, given: Input, listen: Listen) -> tuple[str, str]:
    if not path.is_file():
        return MISSING, ""
    size = path.stat().st_size
    if size != given.bytes:
        return CHANGED, f"{given.bytes:,} bytes then, {size:,} now"
    if files.sha256_of(path, listen) != given.sha256:
        return CHANGED, "the same size, another content"
    return INTACT, ""


def _bouts(project: Project, given: Input) -> tuple[str, str]:
    if not project.annotations_path.exists():
        return MISSING, ""
    try:
        now = digest_of_bouts(project)
    except DataError as error:
        return CHANGED, str(error)
    return (INTACT, "") if now == given.sha256 else (CHANGED, "bouts were edited")


def _source(project: Project, given: Input) -> tuple[str, str]:
    """Compare a raw file by its size and the hash of its first and last MiB."""
    try:
        root, relative = parse_source(given.name)
        path = project.roots.folder(root) / relative
    except DataError as error:
        return MISSING, str(error)
    if not path.exists() or not files_of(path):
        return MISSING, ""
    found = fingerprint(path, given.name)
    if found.bytes != given.bytes:
        return CHANGED, f"{given.bytes:,} bytes then, {found.bytes:,} now"
    if found.sha256 != given.sha256:
        return CHANGED, "the same size, another content"
    return INTACT, ""
