"""What project.yaml may say."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from napari_neuroembed.data.clocks import MAX_DRIFT_PPM
from napari_neuroembed.data.project.names import name_problem
from napari_neuroembed.data.recording import KINDS, Covariate, Kind
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import STRICT

SCHEMA_VERSION = 1
_STREAM_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NO_STREAMS = frozenset({"provenance", "manifest", "quality", "mask", "mean"})
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OffsetSync:
    """A stream on its own rate that starts at a known moment."""

    kind: Literal["offset"] = "offset"
    start_s: Seconds
    """Opening edge of its first frame, seconds of the recording's clock."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LikeSync:
    """A stream that shares the clock of another one."""

    kind: Literal["like"] = "like"
    stream: str
    """Name of that stream."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class IndexMapSync:
    """A file that names, for each frame of this stream, the frame of another one."""

    kind: Literal["index_map"] = "index_map"
    file: str
    """Source of the map: npy, npz, csv or text with one number per frame."""
    frames: str | None = None
    """Source that lists which frames of this stream the map is about; all if absent."""
    stream: str = "neural"
    """The stream that the map points into."""
    column: str | None = None
    """Column or array of `file`, when it holds several."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TimestampsSync:
    """A time for every frame."""

    kind: Literal["timestamps"] = "timestamps"
    file: str | None = None
    """Source of the times; absent: those in the stream's own file."""
    column: str | None = None
    """Column or array of `file`, when it holds several."""
    unit: Literal["s", "ms", "us"] = "s"
    """Unit of the numbers in `file`."""
    start_s: Seconds = 0.0
    """Added to all times."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FrameCounterSync:
    """Frames that a ThorSync file counted, or pulses of the camera that it recorded."""

    kind: Literal["frame_counter"] = "frame_counter"
    file: str
    """Source of the ThorSync file, e.g. ``LAB:fly1/Sync-001/Episode001.h5``."""
    line: str | None = None
    """Line of this stream, e.g. ``Cameras``; absent: the usual names."""
    settings: str | None = None
    """Source of ThorRealTimeDataSettings.xml; absent: the one beside `file`."""
    sample_rate_hz: Rate | None = None
    """Samples per second, where there are no settings."""
    capture: str | None = None
    """Source of capture_metadata.json, which says what frames the cameras lost."""
    camera: str | None = None
    """Camera in `capture`, where they lost different frames."""


Sync = Annotated[
    OffsetSync | LikeSync | IndexMapSync | TimestampsSync | FrameCounterSync,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class StreamSpec:
    """Where a stream comes from and how it is timed."""

    source: str | tuple[str, ...]
    """``ROOT:relative/path``, with ``*`` for several files, or a list of those."""
    kind: Kind | None = None
    """What it is; absent: the stream's name, which then is a kind."""
    reader: str | None = None
    """Name of the reader; absent: found from the content."""
    rate_hz: Rate | None = None
    """Frames per second, where the file does not say."""
    sync: Sync | None = None
    """How its clock is tied to the recording's; absent: it starts at 0 s."""
    channels: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Names of image channels, e.g. ``{functional: 0, anatomical: 1}``."""
    reader_options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the reader."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RecordingSpec:
    """One continuous recording of one animal."""

    id: str
    """Unique in the project."""
    animal: str
    """Whose recording it is."""
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    """Free facts, e.g. ``{date: 2026-03-01, sex: f}``."""
    streams: dict[str, StreamSpec] = Field(default_factory=dict)
    """By name."""
    salvage: bool = False
    """Whether damaged files are used as far as they go."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Acceptance:
    """A finding that somebody has judged and takes."""

    check: str
    """Id of the check, e.g. ``sync.overlap``."""
    why: Annotated[str, Field(min_length=1)]
    """The reason, in words."""
    recording: str | None = None
    """Recording it holds for; absent: the whole project."""
    by: str = ""
    """Who decided."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ProjectSpec:
    """The content of project.yaml."""

    schema_version: int = SCHEMA_VERSION
    name: str = "project"
    preset: str = "1 hour"
    """``twin``, ``quick``, ``paper`` or a time budget such as ``1 hour``."""
    max_drift_ppm: Annotated[float, Field(gt=0, le=1e5)] = MAX_DRIFT_PPM
    """Largest drift between two clocks that is let pass, parts per million."""
    preprocessing: dict[str, Any] = Field(default_factory=dict)
    """Options of pre-processing that differ from their defaults."""
    label_names: dict[str, str] = Field(default_factory=dict)
    """Names in label files and the actions they stand for; empty: left out."""
    recordings: tuple[RecordingSpec, ...] = ()
    accepted: tuple[Acceptance, ...] = ()


def parse_spec(values: Mapping[str, Any], where: str = "project.yaml") -> ProjectSpec:
    """Check the values of project.yaml.

    Raises
    ------
    ConfigError
        Listing everything that is wrong, each with its path, what was found and what
        is allowed; a misspelt key gets a suggestion.
    """
    _check_version(values, where)
    try:
        spec = TypeAdapter(ProjectSpec).validate_python(dict(values))
    except ValidationError as error:
        problems = [_explain(values, problem) for problem in error.errors()]
    else:
        problems = _name_problems(spec)
        if not problems:
            return spec
    head = f"{where}: {len(problems)} problems\n  - " if len(problems) > 1 else ""
    raise ConfigError((head or f"{where}: ") + "\n  - ".join(problems))


def dump_spec(spec: ProjectSpec) -> dict[str, Any]:
    """Return the values for project.yaml; what equals its default is left out."""
    dumped = TypeAdapter(ProjectSpec).dump_python(
        spec, mode="json", exclude_defaults=True
    )
    values: dict[str, Any] = {
        "schema_version": spec.schema_version,
        "name": spec.name,
        "preset": spec.preset,
    } | dumped
    for recording, entry in zip(
        spec.recordings, values.get("recordings", []), strict=True
    ):
        for name, stream in recording.streams.items():
            if stream.sync is not None:
                entry["streams"][name]["sync"]["kind"] = stream.sync.kind
                _kind_first(entry["streams"][name])
    return values


def stream_kind(name: str, stream: StreamSpec) -> Kind:
    """Return what a stream is: its `kind`, else its name.

    Raises
    ------
    ConfigError
        When neither says it.
    """
    if stream.kind is not None:
        return stream.kind
    for kind in KINDS:
        if name == kind or name.startswith(f"{kind}_"):
            return kind
    raise ConfigError(
        f"The stream {name!r} has no kind. Add kind: to it, one of {', '.join(KINDS)}."
    )


def _check_version(values: Mapping[str, Any], where: str) -> None:
    found = values.get("schema_version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ConfigError(
            f"{where}: expected schema_version: {SCHEMA_VERSION}, found {found!r}."
        )
    if found > SCHEMA_VERSION:
        raise ConfigError(
            f"{where}: schema_version {found} is newer than {SCHEMA_VERSION}, which "
            "this version of neuroembed reads. Update neuroembed; nothing was changed."
        )


def _kind_first(stream: dict[str, Any]) -> None:
    sync = stream["sync"]
    stream["sync"] = {"kind": sync["kind"], **sync}


def _name_problems(spec: ProjectSpec) -> list[str]:
    problems = []
    count = Counter(recording.id for recording in spec.recordings)
    problems += [f"{n} recordings have the id {i!r}" for i, n in count.items() if n > 1]
    for index, recording in enumerate(spec.recordings):
        place = f"recordings[{index}]"
        named = {"id": recording.id, "animal": recording.animal}
        for part, name in named.items():
            problem = name_problem(name)
            if problem:
                problems.append(f"{place}.{part}: {problem}.")
        for name, stream in recording.streams.items():
            if not _STREAM_NAME.fullmatch(name) or name in _NO_STREAMS:
                problems.append(
                    f"{place}.streams: found {name!r}; a stream is named by small "
                    "letters, digits and _, beginning with a letter."
                )
                continue
            try:
                stream_kind(name, stream)
            except ConfigError as error:
                problems.append(f"{place}.streams.{name}: {error}")
    folded = Counter(recording.id.casefold() for recording in spec.recordings)
    problems += [
        f"recordings named {name!r} differ by capital letters only"
        for name, n in folded.items()
        if n > 1 and n > max(count[i] for i in count if i.casefold() == name)
    ]
    return problems


def _explain(values: Mapping[str, Any], problem: Any) -> str:
    location = problem["loc"]
    dotted = _dotted(values, location)
    if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = _known_keys(ProjectSpec, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        listed = f" Known: {', '.join(known)}." if known else ""
        return f"{dotted} is not a key of project.yaml.{hint}{listed}"
    if problem["type"].startswith("union_tag"):
        return _explain_sync(dotted, problem["input"])
    if problem["type"] == "missing":
        return f"{dotted} is missing."
    return f"{dotted}: {problem['msg']} (found {problem['input']!r})."


def _explain_sync(dotted: str, found: Any) -> str:
    kind = found.get("kind") if isinstance(found, Mapping) else found
    known = "offset, like, index_map, timestamps, frame_counter"
    return f"{dotted}.kind: found {kind!r}. Known: {known}."


def _dotted(values: Any, location: tuple[Any, ...]) -> str:
    """Write a path as a person would: ``recordings[2] (fly1_003).streams.pose``."""
    text = ""
    for part in location:
        inside = isinstance(values, Mapping | list | tuple)
        if isinstance(part, int):
            text += f"[{part}]"
            values = values[part] if inside and part < len(values) else None
            if isinstance(values, Mapping) and "id" in values:
                text += f" ({values['id']})"
        elif isinstance(values, Mapping) and values.get("kind") == part:
            continue  # the tag of a sync, no key
        else:
            text += f".{part}" if text else str(part)
            values = values.get(part) if isinstance(values, Mapping) else None
    return text


def _known_keys(kind: Any, location: tuple[Any, ...]) -> list[str]:
    """Return the keys that would have been right at `location`."""
    for part in location:
        kind = _step(_bare(kind), part)
    kind = _bare(kind)
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    return []


def _step(kind: Any, part: Any) -> Any:
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        tags = {getattr(option, "kind", None): option for option in arguments}
        return tags.get(part)
    if typing.get_origin(kind) is tuple:
        return arguments[0]
    if typing.get_origin(kind) is dict:
        return arguments[1]
    return typing.get_type_hints(kind).get(part) if is_dataclass(kind) else None


def _bare(kind: Any) -> Any:
    """Strip Annotated and ``| None``."""
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    options = [a for a in typing.get_args(kind) if a is not type(None)]
    is_union = isinstance(kind, types.UnionType) or (
        typing.get_origin(kind) is typing.Union
    )
    if is_union and len(options) == 1:
        return _bare(options[0])
    return kind
