"""What goes into a bundle, gathered from the project folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from napari_neuroembed import files
from napari_neuroembed.data.annotations.sharing import shared_copy
from napari_neuroembed.data.derived import (
    MASK_FILE,
    MEAN_FILE,
    PROVENANCE_FILE,
    QUALITY_FILE,
)
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.file import PROJECT_FILE
from napari_neuroembed.data.project.folders import ANNOTATIONS_FILE
from napari_neuroembed.data.project.spec import dump_spec
from napari_neuroembed.data.project.yaml_text import dump_yaml
from napari_neuroembed.errors import DataError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.bundle_contents import RESUME, belongs_to_run
from napari_neuroembed.reports.places import Places
from napari_neuroembed.reports.previews import previews

SMALL_DERIVED = (PROVENANCE_FILE, QUALITY_FILE, MEAN_FILE, MASK_FILE)
TEXTS = (".json", ".yaml")


@dataclass(frozen=True)
class Member:
    """One file of a bundle.

    Parameters
    ----------
    name
        Path within the bundle.
    content
        Its bytes, or the file that holds them.
    bytes, sha256
        Size and hash of the content.
    """

    name: str
    content: bytes | Path
    bytes: int
    sha256: str


@dataclass
class Gathered:
    """The files of a bundle as they come in, and what is left out.

    Parameters
    ----------
    places
        What may not be told of this machine.
    listen
        Called about every MiB; may raise Cancelled.
    members
        By name.
    left_out
        Name -> why.
    """

    places: Places
    listen: Callable[[], None]
    members: dict[str, Member] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> Member:
        """Add bytes."""
        digest = hashlib.sha256(content).hexdigest()
        self.members[name] = Member(name, content, len(content), digest)
        return self.members[name]

    def add_file(self, name: str, path: Path, recorded: Any = None) -> Member:
        """Add a file, texts without places of this machine.

        Raises
        ------
        DataError
            When it is not as its folder recorded it.
        """
        size, digest = path.stat().st_size, files.sha256_of(path, self.listen)
        if recorded is not None and (size, digest) != (
            recorded["bytes"],
            recorded["sha256"],
        ):
            raise DataError(
                f"{path}: its content changed after it was written. Make it again with "
                "the command that made it, then bundle again."
            )
        if path.suffix in TEXTS:
            return self.add(name, _placeless(path, self.places))
        self.members[name] = Member(name, path, size, digest)
        return self.members[name]


def _placeless(path: Path, places: Places) -> bytes:
    """Return a text without places of this machine, as it is where there are none."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}. Restore it.") from error
    if path.suffix == ".json":
        values = files.read_json(path)
        told = places.without(values)
        return (text if told == values else files.json_text(told)).encode("utf-8")
    return places.hidden(text).encode("utf-8")


def gather(project: Project, run: Path, report: Report = silent) -> Gathered:
    """Return everything that a bundle of a run holds, but its own manifest.

    Raises
    ------
    DataError
        When a file is not as it was written.
    """
    listen = partial(report, "bundle", 0, 1, "looking at the files")
    found = Gathered(Places.of(project.path, project.roots.folders), listen)
    text = dump_yaml(found.places.without(dump_spec(project.spec)))
    found.add(PROJECT_FILE, text.encode("utf-8"))
    if project.annotations_path.exists():
        found.add(ANNOTATIONS_FILE, shared_copy(project.annotations_path))
    _run(found, run)
    for recording in project.recording_ids():
        folder = project.derived_folder(recording)
        if (folder / files.MANIFEST).is_file():
            _derived(found, recording, folder)
    return found


def _run(found: Gathered, run: Path) -> None:
    head = f"runs/{run.name}"
    folders = [p.parent for p in _visible(run) if p.name == files.MANIFEST]
    inside: set[Path] = set()
    for folder in folders:
        entries = files.manifest_entries(folder / files.MANIFEST)
        place = folder.relative_to(run).as_posix()
        kept = [n for n in entries if belongs_to_run(f"{place}/{n}")]
        _folder(found, f"{head}/{place}", folder, kept)
        inside |= {folder / files.MANIFEST, *(folder / name for name in entries)}
        for name in set(entries) - set(kept):
            why = "is for going on with the training" if name == RESUME else "unknown"
            found.left_out[f"{head}/{place}/{name}"] = why
    for path in _visible(run):
        if path in inside:
            continue
        name = path.relative_to(run).as_posix()
        if path.is_symlink():
            found.left_out[f"{head}/{name}"] = "a link"
        elif belongs_to_run(name):
            found.add_file(f"{head}/{name}", path)
        else:
            found.left_out[f"{head}/{name}"] = "unknown"


def _derived(found: Gathered, recording: str, folder: Path) -> None:
    entries = files.manifest_entries(folder / files.MANIFEST)
    kept = [name for name in SMALL_DERIVED if name in entries]
    _folder(found, f"derived/{recording}", folder, kept)
    for name, content in previews(folder).items():
        found.add(f"previews/{recording}_{name}.png", content)


def _folder(found: Gathered, place: str, folder: Path, names: Sequence[str]) -> None:
    """Add files of a folder with a manifest, and a manifest of just these."""
    content = dict(files.read_json(folder / files.MANIFEST))
    entries: Mapping[str, Any] = content["files"]
    listed = {}
    for name in sorted(names):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise DataError(f"{path} is missing or a link. Make it again.")
        member = found.add_file(f"{place}/{name}", path, entries[name])
        listed[name] = {"bytes": member.bytes, "sha256": member.sha256}
    text = files.json_text({**content, "files": listed})
    found.add(f"{place}/{files.MANIFEST}", text.encode("utf-8"))


def _visible(folder: Path) -> Iterator[Path]:
    """Return files and links below a folder, not hidden ones; no link is followed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _visible(path)
        else:
            yield path
