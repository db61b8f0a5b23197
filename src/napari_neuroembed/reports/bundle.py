"""One run as one file for a colleague: the same input gives the same bytes.

A bundle is a zip file whose members are stored, not compressed: nothing in it grows
when it is opened, its bytes depend on no compressor, and arrays can be read in place.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from napari_neuroembed import files
from napari_neuroembed.data.project import Project
from napari_neuroembed.disk import refuse_too_small
from napari_neuroembed.errors import DataError, RunFolderError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.bundle_contents import (
    KIND,
    SCHEMA_VERSION,
    check_manifest,
)
from napari_neuroembed.reports.bundle_members import Gathered, Member, gather
from napari_neuroembed.reports.unbundle import bundle_facts
from napari_neuroembed.reports.verify import sealed
from napari_neuroembed.store.run_folder import RunFolder

FOLDER = "bundles"
DATE = (1980, 1, 1, 0, 0, 0)
"""Of every member: the earliest a zip knows, so that time changes nothing."""
_PERMISSIONS = 0o644 << 16
_UNIX = 3
_CHUNK = 1 << 20


def write_bundle(
    project: Project, run: str, out: Path | None = None, report: Report = silent
) -> Path:
    """Write a run, and what a reader of its results needs, into one zip file.

    Parameters
    ----------
    project
        The project.
    run
        Name of the run; its training must be finished.
    out
        The file; default ``bundles/<run>.zip`` of the project. A bundle of the same
        run is replaced, anything else is not.
    report
        Told about every file.

    Raises
    ------
    RunFolderError
        When there is no such run, or it is not finished.
    DataError
        When a file is not as it was written, changed meanwhile, or something else
        lies at `out`.
    """
    folder = RunFolder.open(project.runs_folder / run)
    _check_run(folder)
    target = Path(out) if out is not None else project.path / FOLDER / f"{run}.zip"
    _check_target(target, project.spec.name, run)
    found = gather(project, folder.path, report)
    members = [_manifest(project, run, found)]
    members += [found.members[name] for name in sorted(found.members)]
    total = sum(member.bytes for member in members)
    advice = "Free some space, or choose another place with --out."
    refuse_too_small(target.parent, total, advice)
    files.write_file(
        target, lambda temporary: _write(temporary, members, report), n_bytes=total
    )
    report("bundle", len(members), len(members), str(target))
    return target


def _check_run(folder: RunFolder) -> None:
    status = folder.info().get("status")
    if status != "finished":
        raise RunFolderError(
            f"Run {folder.name!r} is {status}, not finished. Go on with it by "
            f"neuroembed train PROJECT --run {folder.name} --resume, then bundle it."
        )
    if not folder.embedding_sets():
        raise RunFolderError(
            f"Run {folder.name!r} has no embeddings, so a bundle would have nothing to "
            f"show. Make them with neuroembed embed PROJECT {folder.name}."
        )


def _check_target(target: Path, project: str, run: str) -> None:
    """Refuse to replace anything but a bundle of this run."""
    if target.is_dir():
        raise DataError(f"{target} is a folder. Name a file: --out {target}/{run}.zip.")
    if not target.exists():
        return
    try:
        facts = bundle_facts(target)
    except DataError as error:
        raise DataError(
            f"{target} exists and is no bundle that could be replaced ({error}). "
            "Choose another --out."
        ) from error
    if (facts["project"], facts["run"]) != (project, run):
        raise DataError(
            f"{target} is the bundle of run {facts['run']!r} of {facts['project']!r}. "
            "Choose another --out."
        )


def _manifest(project: Project, run: str, found: Gathered) -> Member:
    entries = {
        name: {"bytes": member.bytes, "sha256": member.sha256}
        for name, member in sorted(found.members.items())
    }
    content = sealed(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": KIND,
            "project": project.spec.name,
            "run": run,
            "made_with": version("napari-neuroembed"),
            "left_out": dict(sorted(found.left_out.items())),
            "files": entries,
        }
    )
    check_manifest(content, f"The bundle of {run}")
    text = files.json_text(content).encode("utf-8")
    digest = hashlib.sha256(text).hexdigest()
    return Member(files.MANIFEST, text, len(text), digest)


def _write(path: Path, members: list[Member], report: Report) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for done, member in enumerate(members):
            listen = partial(report, "bundle", done, len(members), member.name)
            listen()
            info = zipfile.ZipInfo(member.name, DATE)
            info.create_system, info.external_attr = _UNIX, _PERMISSIONS
            info.file_size = member.bytes
            with archive.open(info, "w") as target:
                _copy(member, target, listen)


def _copy(member: Member, target: IO[bytes], listen: Callable[[], None]) -> None:
    if isinstance(member.content, bytes):
        target.write(member.content)
        return
    digest: Any = hashlib.sha256()
    with member.content.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
            listen()
    if digest.hexdigest() != member.sha256:
        raise DataError(
            f"{member.content} was changed while it was bundled. Run the same command "
            "again when nothing else works on the run."
        )
