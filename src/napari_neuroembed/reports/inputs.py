"""What a report was made of: every file with its sha256, so that it can be checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.file import PROJECT_FILE
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import MANIFEST, manifest_entries, sha256_of
from napari_neuroembed.store.run_folder import CONFIG, HISTORY, RUN, SPLITS

FILE, SOURCE, BOUTS = "file", "source", "bouts"
RUN_TEXTS = (RUN, CONFIG, SPLITS, HISTORY)


@dataclass(frozen=True)
class Input:
    """One thing a report was made of.

    Parameters
    ----------
    kind
        ``file`` of the project folder; ``source``, a raw file under a root; ``bouts``,
        the content of the annotations.
    name
        Path in the project folder, or ``ROOT:relative/path``.
    bytes
        Size, 0 of bouts.
    sha256
        Of the content; of a source over its first and last MiB, as recorded when it
        was imported.
    """

    kind: str
    name: str
    bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``manifest.json``."""
        return asdict(self)


def inputs_of(project: Project, runs: Sequence[Path]) -> list[Input]:
    """Return everything a report about these runs is made of.

    Hashes of large files are those their folders recorded when they were written;
    nothing but small files is read.
    """
    root = project.path
    found = [*_hashed(root, PROJECT_FILE), *_sources(project), *_bouts(project)]
    for recording in project.recording_ids():
        found += _folder(root, project.derived_folder(recording))
    for run in runs:
        for name in RUN_TEXTS:
            found += _hashed(root, (run / name).relative_to(root).as_posix())
        for manifest in sorted(run.glob(f"*/*/{MANIFEST}")):
            if not manifest.parent.name.startswith("."):
                found += _folder(root, manifest.parent)
        latest = run / "evaluation" / "latest.json"
        found += _hashed(root, latest.relative_to(root).as_posix())
    return found


def digest_of_bouts(project: Project) -> str:
    """Return the sha256 of all bouts; the file itself changes without its content."""
    with project.annotations(read_only=True) as store:
        text = store.bouts().to_csv(index=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _hashed(root: Path, name: str) -> Iterator[Input]:
    path = root / name
    if path.is_file():
        yield Input(FILE, name, path.stat().st_size, sha256_of(path))


def _folder(root: Path, folder: Path) -> Iterator[Input]:
    """Return the files of a folder, by what its own manifest recorded."""
    place = folder.relative_to(root).as_posix()
    try:
        entries = manifest_entries(folder / MANIFEST)
    except DataError:
        return  # not there (yet), or said among the problems
    yield from _hashed(root, f"{place}/{MANIFEST}")
    for name, entry in entries.items():
        yield Input(FILE, f"{place}/{name}", entry["bytes"], entry["sha256"])


def _sources(project: Project) -> Iterator[Input]:
    known = set(project.recording_ids())
    for recording, streams in project.records().items():
        if recording in known:
            for entries in streams.values():
                for one in entries:
                    yield Input(SOURCE, one.source, one.bytes, one.sha256)


def _bouts(project: Project) -> Iterator[Input]:
    if project.annotations_path.exists():
        name = project.annotations_path.name
        yield Input(BOUTS, name, 0, digest_of_bouts(project))
