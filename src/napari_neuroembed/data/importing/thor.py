"""Import a ThorLabs folder: which files belong together, and what is still to be said.

Nothing is guessed: where two files may be meant, both are named and the flag that
chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from napari_neuroembed.data.importing.request import (
    ImportRequest,
    StreamRequest,
    ThorRequest,
)
from napari_neuroembed.data.importing.thor_folder import (
    ThorFolder,
    find_sync,
    find_thor,
)
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.roots import GLOB, is_source
from napari_neuroembed.data.readers.thor.capture import NAME as CAPTURE
from napari_neuroembed.data.readers.thor.capture import is_capture
from napari_neuroembed.data.readers.thor.sync_file import CAMERA, SETTINGS

_BEHAVIOUR = ("pose", "video", "scalar", "trace")


def thor_folder(request: ImportRequest) -> ThorFolder | None:
    """Return the ThorLabs folder that a request names as its images, if it does."""
    name, first = next(iter(request.streams.items()), ("", None))
    if first is None or not name.startswith("neural"):
        return None
    if isinstance(first.source, tuple) or is_source(first.source):
        return None
    if first.reader not in (None, "thor_raw", "thor_tiff"):
        return None
    path = Path(first.source)
    return None if GLOB.search(str(path)) else find_thor(path)


def complete(request: ImportRequest, folder: ThorFolder | None = None) -> ImportRequest:
    """Name the files that a ThorLabs recording needs, as far as there is one of each.

    Parameters
    ----------
    request
        As asked for.
    folder
        What :func:`thor_folder` found; looked up when not given.

    Returns
    -------
    The request itself when no ThorLabs file is concerned. Else images, ThorSync file,
    its settings and the cameras' capture file are named, and the findings tell what is
    in doubt: ``thor.folder``, ``thor.sync``, ``thor.behaviour``.
    """
    if request.thor.is_complete:
        return request
    folder = folder or thor_folder(request)
    named = _named_syncs(request)
    if folder is None and not named:
        return request
    if folder is not None and len(folder.images) > 1:
        findings = (*request.findings, _which_images(folder))
        thor = replace(request.thor, is_complete=True)
        return replace(request, thor=thor, findings=findings)
    return _complete(request, folder, named)


def _complete(
    request: ImportRequest, folder: ThorFolder | None, named: tuple[Path, ...]
) -> ImportRequest:
    """Name the files of one recording."""
    findings: list[Problem] = []
    streams = dict(request.streams)
    first = next(iter(streams))
    if folder is not None:
        streams[first] = replace(streams[first], source=folder.images[0])
    syncs, is_sure = (named, True) if named or folder is None else _beside(folder)
    if not request.thor.is_used:
        syncs = ()
    findings += _no_clocks(streams, folder)
    in_doubt = len(syncs) > 1 or (len(syncs) == 1 and not is_sure)
    if in_doubt and not (streams[first].rate_hz and not named):
        findings.append(_which_sync(syncs, folder))
    sync = None if in_doubt or not syncs else syncs[0]
    thor = _thor(request.thor, sync, folder, streams)
    if sync is None and not findings:
        findings += _idle(request)
    if sync is not None:
        streams = _tied(streams, first, sync)
    if folder is not None and not findings:
        findings += _behaviour(folder, streams, sync)
    return replace(
        request,
        streams=streams,
        thor=thor,
        findings=(*request.findings, *findings),
    )


def _named_syncs(request: ImportRequest) -> tuple[Path, ...]:
    """Return the ThorSync files that ``--sync`` names, of whatever stream."""
    found: dict[Path, None] = {}
    for stream in request.streams.values():
        named = stream.sync_file
        if named is not None and not is_source(named) and Path(named).exists():
            found |= dict.fromkeys(find_sync(Path(named)))
    return tuple(found)


def _beside(folder: ThorFolder) -> tuple[tuple[Path, ...], bool]:
    """Return the ThorSync files in question, and whether they can only be meant."""
    inside = tuple(s for s in folder.syncs if s.is_relative_to(folder.images[0]))
    return inside or folder.syncs, bool(inside) or not folder.others


def _thor(
    asked: ThorRequest,
    sync: Path | None,
    folder: ThorFolder | None,
    streams: Mapping[str, StreamRequest],
) -> ThorRequest:
    """Add settings and capture file where there is one of each.

    A capture file beside the poses or the film is theirs; else that of the folder is
    taken, if no other recording lies there.
    """
    settings, capture = asked.settings, asked.capture
    if sync is not None and settings is None and (sync.parent / SETTINGS).is_file():
        settings = sync.parent / SETTINGS
    if capture is None:
        found = _captures(streams)
        if not found and folder is not None and not folder.others:
            found = set(folder.captures)
        capture = found.pop() if len(found) == 1 else None
    return replace(asked, settings=settings, capture=capture, is_complete=True)


def _captures(streams: Mapping[str, StreamRequest]) -> set[Path]:
    """Return the capture files beside poses and films, or one folder above."""
    found = set()
    for name, stream in streams.items():
        source = stream.source
        if isinstance(source, Path) and name.startswith(("pose", "video")):
            near = (folder / CAPTURE for folder in source.resolve().parents[:2])
            found |= set(islice(filter(is_capture, near), 1))
    return found


def _tied(
    streams: dict[str, StreamRequest], first: str, sync: Path
) -> dict[str, StreamRequest]:
    """Let the images, and what follows a line, follow the ThorSync file.

    A stream that is tied otherwise stays so; a film beside a pose has its clock.
    """
    tied = {}
    has_pose = any(name.startswith("pose") for name in streams)
    for name, stream in streams.items():
        named = stream.sync_file
        of_thor = named is not None and not is_source(named)
        of_thor = of_thor and bool(find_sync(Path(str(named))))
        free = stream.start_s is None and stream.like is None and named is None
        follows = name == first or stream.line is not None or _follows(name, stream)
        if name.startswith("video") and has_pose and stream.line is None:
            follows = False
        if of_thor or (free and follows):
            stream = replace(stream, sync_file=sync, sync_kind="frame_counter")
        tied[name] = stream
    return tied


def _follows(name: str, stream: StreamRequest) -> bool:
    """Whether a stream usually has a line of its own."""
    from napari_neuroembed.data.readers import READERS
    from napari_neuroembed.data.readers.base import Source

    if name.startswith(("pose", "video")):
        return True
    if isinstance(stream.source, tuple) or is_source(stream.source):
        return False
    path = Path(stream.source)
    flow = READERS["thor_flow"]
    return path.is_file() and flow.sniff(Source((path,)))[0] > 0


def _which_images(folder: ThorFolder) -> Problem:
    listed = ", ".join(folder.short(path) for path in folder.images[:6])
    text = (
        f"{folder.base} holds {len(folder.images)} ThorImage recordings ({listed}"
        f"{' ...' if len(folder.images) > 6 else ''}). Name one of these folders, or "
        "import all with --pattern (e.g. '{animal}/{trial}/2p/Untitled_001') or "
        "--table."
    )
    return Problem("thor.folder", "error", text)


def _which_sync(syncs: Sequence[Path], folder: ThorFolder | None) -> Problem:
    listed = ", ".join(
        str(path) if folder is None else folder.short(path) for path in syncs[:6]
    )
    also = ""
    if folder is not None and folder.others:
        rest = ", ".join(folder.short(path) for path in folder.others[:3])
        also = f", and they may be those of other recordings here ({rest})"
    files = "file" if len(syncs) == 1 else "files"
    text = (
        f"{len(syncs)} ThorSync {files} may belong to these images ({listed}){also}. "
        "Give the "
        "one of this recording with --sync FOLDER, or --sync none to take the rate of "
        "Experiment.xml."
    )
    return Problem("thor.sync", "error", text)


def _no_clocks(
    streams: Mapping[str, StreamRequest], folder: ThorFolder | None
) -> list[Problem]:
    """Refuse a folder named as a clock that has none, or is not there."""
    problems = []
    here = "" if folder is None else ", ".join(map(folder.short, folder.syncs[:6]))
    for stream in streams.values():
        named = stream.sync_file
        if named is None or is_source(named) or find_sync(Path(named)):
            continue
        path = Path(named)
        if path.is_file():
            continue  # a map of frames or a list of times
        what = "holds no Episode001.h5" if path.is_dir() else "is not there"
        text = (
            f"{path}, named as a clock (--sync), {what}. ThorSync files beside "
            f"the images: {here or 'none'}."
        )
        problems.append(Problem("thor.sync", "error", text))
    return problems


def _idle(request: ImportRequest) -> list[Problem]:
    """Refuse what was said of a ThorSync file that is not used."""
    asked = request.thor
    given = [
        name for name, stream in request.streams.items() if stream.line is not None
    ]
    words = [f"the line of {name}" for name in given]
    words += ["--sync-settings"] if asked.settings is not None else []
    words += ["--sync-rate"] if asked.sample_rate_hz is not None else []
    if not words:
        return []
    text = (
        f"{', '.join(words)}: given, but no ThorSync file is used. Name it with --sync "
        "FOLDER."
    )
    return [Problem("thor.sync", "error", text)]


def _behaviour(
    folder: ThorFolder, streams: dict[str, StreamRequest], sync: Path | None
) -> list[Problem]:
    """Ask for what the animal did, where cameras ran and nothing of it was given."""
    if any(name.startswith(_BEHAVIOUR) for name in streams):
        return []
    ran = [folder.short(path) for path in folder.captures]
    if not ran and sync is not None:
        ran = _camera_lines(sync)
    ran += [folder.short(path) for path in folder.flows]
    if not ran:
        return []
    found = [*folder.poses[:3], *folder.films[:3], *folder.flows[:1]]
    kinds = [_flag(path, folder) for path in found]
    here = f" Found here: {'; '.join(kinds)}." if kinds else ""
    text = (
        f"cameras or ball sensors ran ({', '.join(ran)}), but nothing of what the "
        "animal did is given. Poses: --pose FILE "
        "(DeepLabCut, DeepFly3D, csv, npz ...); films: --video FILE; ball: --scalar "
        f"ball=FILE.{here}"
    )
    return [Problem("thor.behaviour", "error", text)]


def _camera_lines(sync: Path) -> list[str]:
    from napari_neuroembed.data.readers.thor.sync_file import (
        line_steps,
        read_sync_file,
    )
    from napari_neuroembed.errors import DataError

    try:
        line = read_sync_file(sync).find(CAMERA)
        n = 0 if line is None else len(line_steps(sync, line))
    except DataError:
        return []
    return [f"line {line}, {n:,} pulses"] if n else []


def _flag(path: Path, folder: ThorFolder) -> str:
    if path in folder.films:
        return f"--video {path}"
    if path in folder.flows:
        return f"--scalar ball={path}"
    return f"--pose {path}"
