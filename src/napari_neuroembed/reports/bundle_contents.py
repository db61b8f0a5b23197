"""What a bundle may hold: names, rules, and its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from napari_neuroembed.data.project.names import is_device
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import MANIFEST
from napari_neuroembed.reports.verify import SEAL, seal_of
from napari_neuroembed.store.schema import RUN_FILES

KIND = "neuroembed bundle"
SCHEMA_VERSION = 1
RESUME = "resume.pt"
MAX_MEMBERS = 20_000
MAX_NAME = 240
MAX_DEPTH = 8

BUNDLE_FILES = {
    MANIFEST: "What the bundle is, size and sha256 of every other file, what was left "
    "out, and a seal over all of it; the first file of the zip.",
    "project.yaml": "The project without places of the machine and without comments.",
    "annotations.sqlite": "Bouts, actions, raters and the log of edits, without names "
    "of computers.",
    "runs/<run>/**": f"The run: everything of its folder but {RESUME}.",
    "derived/<recording>/provenance.json": "How the recording was prepared.",
    "derived/<recording>/quality.parquet": "Per frame: validity, shift, correlation, "
    "brightness.",
    "derived/<recording>/mean.npy": "Mean image.",
    "derived/<recording>/mask.npy": "Pixels that every frame shows.",
    "derived/<recording>/manifest.json": "Sizes and sha256 of the files beside it.",
    "previews/<recording>_mean.png": "Mean image, at most 256 pixels wide.",
    "previews/<recording>_frames.png": "Up to 24 frames of the training cache, evenly "
    "spread, from left to right and top to bottom.",
}
"""Files of a bundle; ``runs/<run>/**`` stands for the files of a run folder."""

MANIFEST_FACTS = {
    "kind": f"`{KIND}`.",
    "project": "Name of the project.",
    "run": "Name of the run.",
    "made_with": "Version of napari-neuroembed.",
    "left_out": "What of the run folder is not in it, and why.",
    "files": "Path -> bytes and sha256.",
    "seal": "sha256 over all of this.",
}
"""What a bundle's ``manifest.json`` says."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. \-]*")
_WITHIN_RUN = tuple(name for name in RUN_FILES if not name.endswith(RESUME))


def _pattern(name: str) -> re.Pattern[str]:
    text = re.escape(name).replace(r"\*", "[^/]+")
    return re.compile(re.sub(r"<[a-z]+>", "[^/]+", text))


_RUN_PATTERNS = tuple(map(_pattern, _WITHIN_RUN))
_OTHER_PATTERNS = tuple(_pattern(name) for name in BUNDLE_FILES if "**" not in name)


def belongs_to_run(name: str) -> bool:
    """Whether a path inside a run folder is one that a bundle takes along.

    Examples
    --------
    >>> belongs_to_run("embeddings/eval/neural.npy")
    True
    >>> belongs_to_run("checkpoints/step_00000010/resume.pt")
    False
    """
    return any(pattern.fullmatch(name) for pattern in _RUN_PATTERNS)


def name_problem(name: str, run: str) -> str:
    """Return why a member of a bundle may not have this name, or nothing.

    Parameters
    ----------
    name
        Path within the bundle.
    run
        The run that the bundle is about.

    Examples
    --------
    >>> name_problem("runs/first/run.json", "first")
    ''
    >>> name_problem("../run.json", "first")
    'leads out of the folder or is no plain name'
    >>> name_problem("roots.local.yaml", "first")
    'is no file of a bundle'
    """
    parts = name.split("/")
    is_plain = all(
        _PART.fullmatch(part) and part[-1] not in ". " and not is_device(part)
        for part in parts
    )
    if not is_plain or len(name) > MAX_NAME or len(parts) > MAX_DEPTH:
        return "leads out of the folder or is no plain name"
    head = f"runs/{run}/"
    if name.startswith(head) and belongs_to_run(name.removeprefix(head)):
        return ""
    if any(pattern.fullmatch(name) for pattern in _OTHER_PATTERNS):
        return ""
    return "is no file of a bundle"


def check_manifest(content: Any, where: str) -> dict[str, Mapping[str, Any]]:
    """Return the files a bundle's manifest names, after checking all of it.

    Raises
    ------
    DataError
        When it is none of ours, of a newer version, changed, or names a file that a
        bundle may not hold.
    """
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise DataError(f"{where} is no bundle of neuroembed. Make one with {_HOW}.")
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DataError(
            f"{where} was made by a newer neuroembed (version {version} of bundles; "
            f"this one reads up to {SCHEMA_VERSION}). Update napari-neuroembed."
        )
    entries, run = content.get("files"), content.get("run")
    if content.get(SEAL) != seal_of(content) or not isinstance(run, str):
        raise DataError(f"{where}: its {MANIFEST} was changed. {ASK_AGAIN}")
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise DataError(f"{where}: its {MANIFEST} is not as written. {ASK_AGAIN}")
    problems = [f"{n!r} {why}" for n in entries if (why := name_problem(n, run))]
    problems += _clashes(entries)
    if problems or len(entries) > MAX_MEMBERS:
        told = "; ".join(problems[:5]) or f"it names {len(entries):,} files"
        raise DataError(f"{where} is refused: {told}. Nothing was unpacked.")
    return entries


ASK_AGAIN = "Ask for the file again."
_HOW = "neuroembed bundle PROJECT RUN"


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and not isinstance(entry.get("bytes"), bool)
        and entry["bytes"] >= 0
        and isinstance(entry.get("sha256"), str)
    )


def _clashes(names: Iterable[str]) -> list[str]:
    """Return names that are one file where capital letters do not count."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            found.append(f"{name!r} and {other!r} differ by capital letters only")
    return found
