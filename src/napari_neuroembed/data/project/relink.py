"""Find moved files again: by the new place of a root, or by their content."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.data.project import fingerprints
from napari_neuroembed.data.project.fingerprints import Fingerprint
from napari_neuroembed.data.project.roots import Roots, parse_source
from napari_neuroembed.data.project.sources import as_source, common_folder
from napari_neuroembed.data.project.spec import RecordingSpec, StreamSpec
from napari_neuroembed.errors import DataError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project


@dataclass(frozen=True)
class RelinkReport:
    """What became of the sources of a project.

    Parameters
    ----------
    n_found
        Files that are where project.yaml and the roots say, unchanged.
    roots
        Roots that now stand for another folder.
    moved
        Sources of streams that were rewritten: recording, stream, old, new.
    missing
        Sources of files that were not found.
    changed
        Files that are there but have another content.
    """

    n_found: int
    roots: Mapping[str, Path] = field(default_factory=dict)
    moved: tuple[tuple[str, str, str, str], ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the report for a terminal."""
        lines = [f"{name} is now {folder}" for name, folder in self.roots.items()]
        lines += [
            f"{recording}, {stream}: {old} is now {new}"
            for recording, stream, old, new in self.moved
        ]
        lines += [f"not found: {source}" for source in self.missing]
        lines += [f"another content: {source}" for source in self.changed]
        lines.append(
            f"{self.n_found} files found, {len(self.missing)} missing, "
            f"{len(self.changed)} with another content."
        )
        return "\n".join(lines)


def relink(
    project: Project,
    roots: Mapping[str, Path] | None = None,
    *,
    search: Path | None = None,
    report: Report = silent,
) -> RelinkReport:
    """Find the sources of a project again and keep where they are.

    Parameters
    ----------
    project
        Whose sources.
    roots
        New folders of roots, by name.
    search
        Folder in which missing files are looked for by size and content.
    report
        Called per file.

    Raises
    ------
    DataError
        When a new root holds none of the files that were recorded under it; nothing
        is written then.
    """
    new = project.roots
    for name, folder in (roots or {}).items():
        new = new.with_root(name, Path(folder).resolve())
        _refuse_wrong_root(project, new, name)
    records = project.records()
    moved: list[tuple[str, str, str, str]] = []
    if search is not None:
        places = _search(_missing(records, new), Path(search).resolve(), report)
        new = _follow_roots(records, new, places)
        new, moved = _follow_files(project, records, new, places)
    before = project.roots.folders
    changed_roots = {n: f for n, f in new.folders.items() if before.get(n) != f}
    if changed_roots:
        new.save()
        project.roots = new
    return _tell(project, new, changed_roots, moved)


def _refuse_wrong_root(project: Project, roots: Roots, name: str) -> None:
    entries = [e for e in _entries(project.records()) if _root(e) == name]
    if entries and not any(_is_there(e, roots) for e in entries):
        raise DataError(
            f"{roots.folders[name]} holds none of the {len(entries)} files recorded "
            f"under {name} (looked for {_path(entries[0], roots)}). Nothing was "
            "changed. To find them by their content: --search FOLDER."
        )


def _search(
    missing: list[Fingerprint], folder: Path, report: Report
) -> dict[tuple[int, str], Path]:
    """Return where files of the wanted contents lie under a folder."""
    sizes = {entry.bytes for entry in missing if entry.n_files == 1}
    wanted = {entry.content: entry for entry in missing}
    by_count = {(e.bytes, e.n_files) for e in missing if e.n_files > 1}
    found: dict[tuple[int, str], Path] = {}
    for done, (here, _, names) in enumerate(os.walk(folder)):
        report("search", done, 0, here)
        files = [Path(here) / name for name in sorted(names)]
        files = [f for f in files if f.is_file() and not f.name.startswith(".")]
        stats = {file: file.stat().st_size for file in files}
        for file, size in stats.items():
            if size in sizes:
                content = (size, fingerprints.end_hash(file))
                if content in wanted:
                    found[content] = _better(
                        found.get(content), file, wanted[content].source
                    )
        if (sum(stats.values()), len(files)) in by_count:
            taken = fingerprints.fingerprint(Path(here), "")
            if taken.content in wanted:
                found[taken.content] = Path(here)
    return found


def _better(known: Path | None, new: Path, source: str) -> Path:
    """Prefer the copy that is named as the source was."""
    name = parse_source(source)[1].name
    return known if known is not None and known.name == name else new


def _follow_roots(
    records: fingerprints.Records, roots: Roots, places: Mapping[tuple[int, str], Path]
) -> Roots:
    """Move a root whose files are all found in the same places below another folder."""
    for name in list(roots.folders):
        entries = [e for e in _entries(records) if _root(e) == name]
        missing = [e for e in entries if not _is_there(e, roots)]
        prefixes = {_prefix(e, places) for e in missing}
        candidates = [p for p in prefixes if p is not None]
        for candidate in candidates:
            moved = roots.with_root(name, candidate)
            if all(_is_there(e, moved) for e in entries):
                roots = moved
                break
    return roots


def _follow_files(
    project: Project,
    records: fingerprints.Records,
    roots: Roots,
    places: Mapping[tuple[int, str], Path],
) -> tuple[Roots, list[tuple[str, str, str, str]]]:
    """Rewrite the sources of streams whose files went elsewhere, all together."""
    moved: list[tuple[str, str, str, str]] = []
    recordings: list[RecordingSpec] = []
    roots = _with_common_root(project, records, roots, places)
    for recording in project.spec.recordings:
        streams = dict(recording.streams)
        for name, stream in recording.streams.items():
            entries = records.get(recording.id, {}).get(name, [])
            target = _new_place(stream, entries, roots, places)
            if target is None or not isinstance(stream.source, str):
                continue
            source = as_source(target, roots)
            streams[name] = replace(stream, source=source)
            moved.append((recording.id, name, stream.source, source))
            records[recording.id][name] = [
                replace(e, source=as_source(places[e.content], roots)) for e in entries
            ]
        recordings.append(replace(recording, streams=streams))
    if moved:
        roots.save()
        project.roots = roots
        project.spec = replace(project.spec, recordings=tuple(recordings))
        project.save()
        fingerprints.save_records(project.path, records)
    return roots, moved


def _with_common_root(
    project: Project,
    records: fingerprints.Records,
    roots: Roots,
    places: Mapping[tuple[int, str], Path],
) -> Roots:
    """Name one root for all found files that no root reaches, as deep as they share."""
    targets = [
        _new_place(stream, records.get(recording.id, {}).get(name, []), roots, places)
        for recording in project.spec.recordings
        for name, stream in recording.streams.items()
    ]
    lost = [t for t in targets if t is not None and roots.express(t) is None]
    if not lost:
        return roots
    together = common_folder(lost)
    folders = [together] if together != Path(together.anchor) else []
    for folder in folders or sorted({common_folder([t]) for t in lost}):
        roots = roots.with_root(roots.new_name(), folder)
    return roots


def _new_place(
    stream: StreamSpec,
    entries: list[Fingerprint],
    roots: Roots,
    places: Mapping[tuple[int, str], Path],
) -> Path | None:
    """Return the path or pattern under which all files of a stream were found."""
    if not entries or all(_is_there(e, roots) for e in entries):
        return None
    found = [places[e.content] for e in entries if e.content in places]
    if len(found) != len(entries) or not isinstance(stream.source, str):
        return None
    if len(entries) == 1:
        return found[0]
    names = [parse_source(e.source)[1].name for e in entries]
    same_names = [path.name for path in found] == names
    if same_names and len({path.parent for path in found}) == 1:
        return found[0].parent / parse_source(stream.source)[1].name
    return None


def _tell(
    project: Project,
    roots: Roots,
    changed_roots: Mapping[str, Path],
    moved: list[tuple[str, str, str, str]],
) -> RelinkReport:
    entries = list(_entries(project.records()))
    there = {e.source: _is_there(e, roots) for e in entries}
    missing = [
        e.source for e in entries if not there[e.source] and not _exists(e, roots)
    ]
    changed = [e.source for e in entries if not there[e.source] and _exists(e, roots)]
    return RelinkReport(
        n_found=sum(there[e.source] for e in entries),
        roots=dict(changed_roots),
        moved=tuple(moved),
        missing=tuple(missing),
        changed=tuple(changed),
    )


def _missing(records: fingerprints.Records, roots: Roots) -> list[Fingerprint]:
    return [e for e in _entries(records) if not _is_there(e, roots)]


def _entries(records: fingerprints.Records) -> list[Fingerprint]:
    return [e for streams in records.values() for es in streams.values() for e in es]


def _root(entry: Fingerprint) -> str:
    return parse_source(entry.source)[0]


def _path(entry: Fingerprint, roots: Roots) -> Path | None:
    root, relative = parse_source(entry.source)
    try:
        return roots.folder(root) / relative
    except DataError:
        return None


def _exists(entry: Fingerprint, roots: Roots) -> bool:
    path = _path(entry, roots)
    return path is not None and path.exists()


def _is_there(entry: Fingerprint, roots: Roots) -> bool:
    path = _path(entry, roots)
    if path is None or not path.exists():
        return False
    files = fingerprints.files_of(path)
    if sum(file.stat().st_size for file in files) != entry.bytes:
        return False
    latest = max((file.stat().st_mtime_ns for file in files), default=0)
    return latest == entry.mtime_ns or (
        fingerprints.fingerprint(path, entry.source).sha256 == entry.sha256
    )


def _prefix(entry: Fingerprint, places: Mapping[tuple[int, str], Path]) -> Path | None:
    """Return the folder that, as the root, would put the file where it was found."""
    found = places.get(entry.content)
    if found is None:
        return None
    relative = parse_source(entry.source)[1].parts
    if found.parts[-len(relative) :] != relative:
        return None
    return Path(*found.parts[: -len(relative)])
