"""What is asked for when a recording is imported, and its entry in project.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.reading import (
    choose_reader,
    find_source,
    options_of,
)
from napari_neuroembed.data.project.roots import Roots, is_source
from napari_neuroembed.data.project.sources import as_source, common_folder
from napari_neuroembed.data.project.spec import (
    FrameCounterSync,
    IndexMapSync,
    LikeSync,
    OffsetSync,
    ProjectSpec,
    RecordingSpec,
    StreamSpec,
    TimestampsSync,
    dump_spec,
    parse_spec,
    stream_kind,
)
from napari_neuroembed.data.reader_advice import with_flags
from napari_neuroembed.data.recording import Covariate, Kind
from napari_neuroembed.errors import DataError, raise_all
from napari_neuroembed.options.base import from_dict

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

AnySync = OffsetSync | LikeSync | IndexMapSync | TimestampsSync | FrameCounterSync
_TOP_PARTS = 2
_CLOCK_GIVERS = ("neural", "trace", "pose", "scalar")


@dataclass(frozen=True, kw_only=True)
class StreamRequest:
    """One stream to import.

    Parameters
    ----------
    source
        Path or pattern on this machine, or ``ROOT:relative/path``; several in order.
    kind
        What it is; None: as its name says.
    reader
        None: found from the content.
    rate_hz
        Frames per second; never guessed.
    start_s
        Opening edge of its first frame on the clock of the first stream.
    like
        Stream whose clock it shares.
    sync_file
        Map from its frames to those of the first stream, or with `sync_kind`
        ``timestamps`` a time for every frame.
    sync_kind
        ``index_map``, ``timestamps`` or ``frame_counter``.
    sync_frames
        List of its frames that the map is about.
    line
        Line of a ThorSync file that it follows.
    channels
        Roles of image channels.
    options
        Settings of the reader.
    """

    source: str | Path | tuple[str | Path, ...]
    kind: Kind | None = None
    reader: str | None = None
    rate_hz: float | None = None
    start_s: float | None = None
    like: str | None = None
    sync_file: str | Path | None = None
    sync_kind: str = "index_map"
    sync_frames: str | Path | None = None
    line: str | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ThorRequest:
    """What is said about a ThorSync file beyond its name.

    Parameters
    ----------
    is_used
        False: take no ThorSync file that lies beside the images.
    settings
        ThorRealTimeDataSettings.xml; None: the one beside the file.
    sample_rate_hz
        Samples per second, where there are no settings.
    capture
        capture_metadata.json of the cameras; None: the one in the folder.
    camera
        Which of its cameras, where they lost different frames.
    is_complete
        Whether the files of the folder were looked for already.
    """

    is_used: bool = True
    settings: str | Path | None = None
    sample_rate_hz: float | None = None
    capture: str | Path | None = None
    camera: str | None = None
    is_complete: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """One recording to import.

    Parameters
    ----------
    animal
        Whose recording it is; never guessed.
    streams
        By name; the first one's clock is that of the recording.
    recording
        Its name; None: the animal's next free number.
    covariates
        Free facts.
    labels
        File of actions, path or ``ROOT:relative/path``.
    rater
        Who labelled, where the file does not say.
    labels_like
        Stream whose frames the rows of a frame-wise file are; None: the video, else
        the pose, else the first stream.
    labels_start_s
        Zero of a file in seconds on the recording's clock; None: that of the recording,
        or for BORIS that of the camera.
    label_format
        None: found from the content.
    label_options
        Settings of the label reader.
    multi_label
        Several actions may be present at once.
    salvage
        Open damaged files as far as they go.
    roots
        Names and folders of roots to add.
    thor
        How streams follow a ThorSync file.
    findings
        What was found while the request was made: missing or doubtful files.
    """

    animal: str
    streams: Mapping[str, StreamRequest]
    recording: str | None = None
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    labels: str | Path | None = None
    rater: str | None = None
    labels_like: str | None = None
    labels_start_s: float | None = None
    label_format: str | None = None
    multi_label: bool = False
    label_options: Mapping[str, Any] = field(default_factory=dict)
    salvage: bool = False
    roots: Mapping[str, Path] = field(default_factory=dict)
    thor: ThorRequest = field(default_factory=ThorRequest)
    findings: tuple[Problem, ...] = ()


def build_recording(
    project: Project, request: ImportRequest, name: str
) -> tuple[Roots, RecordingSpec]:
    """Return the entry of project.yaml for a request, and the roots it needs.

    Raises
    ------
    DataError
        When a file is missing, or a stream's clock is not tied to that of the first
        one (`sync.missing`).
    ConfigError
        When a value does not fit project.yaml.
    """
    if not request.streams:
        raise DataError(f"Recording {name!r}: there is no stream to import.")
    roots = add_roots(project.roots, request)
    streams = {
        stream: _stream_spec(stream, asked, request.thor, roots)
        for stream, asked in request.streams.items()
    }
    streams = _tie_all(name, streams, roots)
    values = {
        "id": name,
        "animal": request.animal,
        "covariates": dict(request.covariates),
        "streams": streams,
        "salvage": request.salvage,
    }
    recording = from_dict(RecordingSpec, values, name)
    parse_spec(dump_spec(ProjectSpec(recordings=(recording,))), "import")
    return roots, recording


def add_roots(roots: Roots, *requests: ImportRequest) -> Roots:
    """Return roots under which all files of some requests lie.

    Files outside all roots get a new one, the folder they have in common, named DATA,
    DATA2 ...; ``--root NAME=FOLDER`` names it better. Files that have only the top of
    the file system in common get a root each: a root should hold data and little else.
    """
    for request in requests:
        for root, folder in request.roots.items():
            roots = roots.with_root(root, Path(folder).resolve())
    paths = [path for request in requests for path in _paths(request)]
    outside = [path for path in paths if roots.express(path) is None]
    if not outside:
        return roots
    shared = common_folder(path.absolute() for path in outside).resolve()
    if len(shared.parts) > _TOP_PARTS:
        return roots.with_root(roots.new_name(), shared)
    for path in outside:
        if roots.express(path) is None:
            folder = common_folder([path.absolute()]).resolve()
            roots = roots.with_root(roots.new_name(), folder)
    return roots


def with_shared_roots(
    project: Project, requests: Sequence[ImportRequest]
) -> list[ImportRequest]:
    """Return requests that put all their files under as few roots as possible."""
    known = project.roots.folders
    roots = add_roots(project.roots, *requests)
    new = {name: f for name, f in roots.folders.items() if known.get(name) != f}
    return [replace(request, roots={**request.roots, **new}) for request in requests]


def to_source(where: str | Path, roots: Roots) -> str:
    """Return ``ROOT:relative/path`` for a path, or the text that is one already."""
    return str(where) if is_source(where) else as_source(Path(where), roots)


def _paths(request: ImportRequest) -> list[Path]:
    named: list[str | Path | None] = []
    for stream in request.streams.values():
        source = stream.source
        named += source if isinstance(source, tuple) else (source,)
        named += [stream.sync_file, stream.sync_frames]
    named += [request.thor.settings, request.thor.capture]
    return [Path(n) for n in named if n is not None and not is_source(n)]


def _stream_spec(
    name: str, asked: StreamRequest, thor: ThorRequest, roots: Roots
) -> StreamSpec:
    source = asked.source
    written: str | tuple[str, ...]
    if isinstance(source, tuple):
        written = tuple(to_source(one, roots) for one in source)
    else:
        written = to_source(source, roots)
    values = {
        "source": written,
        "kind": asked.kind,
        "reader": asked.reader,
        "rate_hz": asked.rate_hz,
        "sync": _sync(name, asked, thor, roots),
        "channels": dict(asked.channels),
        "reader_options": dict(asked.options),
    }
    return from_dict(StreamSpec, values, name)


def _sync(
    name: str, asked: StreamRequest, thor: ThorRequest, roots: Roots
) -> AnySync | None:
    given = [
        flag
        for flag, value in (
            ("start_s", asked.start_s),
            ("like", asked.like),
            ("sync_file", asked.sync_file),
        )
        if value is not None
    ]
    if len(given) == 2 and asked.sync_kind == "timestamps" and "like" not in given:
        given.remove("start_s")
    if len(given) > 1:
        raise DataError(
            f"The clock of {name} is tied in {len(given)} ways ({', '.join(given)}); "
            "give one."
        )
    if asked.like is not None:
        return LikeSync(stream=asked.like)
    if asked.sync_file is None:
        if asked.start_s is None:
            return None
        return from_dict(OffsetSync, {"start_s": asked.start_s}, f"{name}.sync")
    file = to_source(asked.sync_file, roots)
    if asked.sync_kind == "frame_counter":
        return _frame_counter(name, asked, thor, file, roots)
    if asked.sync_kind == "timestamps":
        return TimestampsSync(file=file, start_s=asked.start_s or 0.0)
    frames = None if asked.sync_frames is None else to_source(asked.sync_frames, roots)
    return IndexMapSync(file=file, frames=frames)


def _frame_counter(
    name: str, asked: StreamRequest, thor: ThorRequest, file: str, roots: Roots
) -> FrameCounterSync:
    is_camera = name.startswith(("pose", "video"))
    capture = thor.capture if is_camera else None
    values = {
        "file": file,
        "line": asked.line,
        "settings": thor.settings and to_source(thor.settings, roots),
        "sample_rate_hz": thor.sample_rate_hz,
        "capture": capture and to_source(capture, roots),
        "camera": thor.camera if capture else None,
    }
    return from_dict(FrameCounterSync, values, f"{name}.sync")


def _tie_all(
    recording: str, streams: dict[str, StreamSpec], roots: Roots
) -> dict[str, StreamSpec]:
    """Find the readers and tie every clock to the first one; refuse the untied."""
    tied: dict[str, StreamSpec] = {}
    shapes: dict[str, int] = {}
    problems: list[str] = []
    for name, spec in streams.items():
        kind = stream_kind(name, spec)
        source = find_source(spec, roots)
        reader = choose_reader(spec, kind, source)
        spec = replace(spec, reader=reader.name)
        with with_flags(name, reader):
            about = reader.describe(source, options_of(spec, kind))
        if about.place is not None:
            spec = replace(spec, source=to_source(about.place, roots))
        shapes[name] = int(about.shape[0])
        if spec.sync is None and tied:
            spec, problem = _default_tie(name, spec, tied, shapes, about)
            problems += problem
        elif isinstance(spec.sync, IndexMapSync):
            spec = replace(spec, sync=replace(spec.sync, stream=next(iter(tied), name)))
        tied[name] = spec
    raise_all(problems, DataError, f"Recording {recording!r} [sync.missing]")
    return tied


def _default_tie(
    name: str,
    spec: StreamSpec,
    tied: Mapping[str, StreamSpec],
    shapes: Mapping[str, int],
    about: Any,
) -> tuple[StreamSpec, list[str]]:
    """Tie a stream where the files leave one possibility; else say what to give.

    A video next to a pose is the camera that gave it. Times in a file of poses or
    signals are seconds of the recording. Signals without rate and times, one per
    frame of the first stream, are on its clock.
    """
    first = next(iter(tied))
    kind = stream_kind(name, spec)
    has_times = about.rate_origin.startswith("time of every frame")
    if kind == "video" and "pose" in tied:
        return replace(spec, sync=LikeSync(stream="pose")), []
    if kind != "video" and has_times:
        return replace(spec, sync=TimestampsSync()), []
    unrated = spec.rate_hz is None and about.rate_hz is None
    if kind in _CLOCK_GIVERS and unrated and shapes[name] == shapes[first]:
        return replace(spec, sync=LikeSync(stream=first)), []
    question = (
        f"when does {name} start relative to {first}? Give --{kind}-start SECONDS "
        f"(0 if together; negative if earlier), --{kind}-sync FILE (a map of frames), "
        f"or --like {name}={first} (frame by frame the same clock; {name} has "
        f"{shapes[name]:,} frames, {first} {shapes[first]:,})"
    )
    questions = [question]
    if unrated:
        questions.append(
            f"how many frames per second has {name}? Give --{kind}-rate HZ (not with "
            "--like)"
        )
    questions += [
        f"{problem.text} [{problem.id}]"
        for problem in about.problems
        if problem.id == "pose.individuals"
    ]
    return spec, questions
