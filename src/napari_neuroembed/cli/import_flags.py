"""The flags of ``neuroembed import``, and what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.flags import option_value, pairs
from napari_neuroembed.cli.thor_flags import (
    NO_SYNC,
    add_thor_flags,
    lines_of,
    thor_request,
)
from napari_neuroembed.data.importing.request import ImportRequest, StreamRequest
from napari_neuroembed.data.project.covariates import parse_assignments
from napari_neuroembed.data.project.roots import is_source
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.data.importing.pattern import PatternRequest
    from napari_neuroembed.data.project.roots import Roots

KINDS = ("trace", "pose", "scalar", "video")
_SETTINGS = ("rate", "start", "reader", "sync", "sync-frames", "times")
_HELP = {
    "trace": "traces of neurons or regions",
    "pose": "body points or angles",
    "scalar": "signals such as running speed",
    "video": "camera clip or folder of images",
}


def add_import_flags(parser: argparse.ArgumentParser) -> None:
    """Add what names recordings, streams, clocks and labels."""
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="stack, folder or 'pattern*.tif'; or traces, e.g. a suite2p folder",
    )
    many = parser.add_argument_group("many recordings at once")
    many.add_argument("--table", type=Path, metavar="F", help="a row per recording")
    many.add_argument(
        "--pattern", metavar="P", help="e.g. '{animal}/{date}_{trial}/*.tif'"
    )
    for kind in (*KINDS, "labels"):
        many.add_argument(f"--{kind}-pattern", metavar="P", help=f"the same for {kind}")
    one = parser.add_argument_group("the recording")
    one.add_argument("--animal", default="", help="whose recording it is")
    one.add_argument(
        "--recording", metavar="NAME", help="its name (default ANIMAL_001)"
    )
    _add_repeated(one, "--covariate", "KEY=VALUE", "a fact, e.g. sex=f")
    _add_repeated(one, "--root", "NAME=FOLDER", "a name for the folder of the data")
    one.add_argument(
        "--salvage", action="store_true", help="open damaged files as far as they go"
    )
    _add_streams(parser)
    add_thor_flags(parser)
    labels = parser.add_argument_group("actions")
    labels.add_argument("--labels", metavar="F", help="file of labelled actions")
    labels.add_argument(
        "--labels-like", metavar="STREAM", help="whose frames its rows are"
    )
    labels.add_argument(
        "--labels-start",
        type=float,
        metavar="S",
        help="zero of a file in seconds, on the clock of SOURCE; default 0, or for "
        "BORIS that of the camera",
    )
    labels.add_argument("--labels-format", metavar="NAME", help="default: by content")
    labels.add_argument(
        "--multi-label", action="store_true", help="several actions at once"
    )
    labels.add_argument("--rater", help="who labelled, where the file does not say")
    _add_repeated(labels, "--label-option", "KEY=VALUE", "setting of the label reader")


def request_of(args: argparse.Namespace, roots: Roots) -> ImportRequest:
    """Return the recording that the flags ask for.

    Parameters
    ----------
    args
        The flags.
    roots
        Where this machine keeps the files of the project.

    Raises
    ------
    ConfigError
        When a flag cannot be understood or speaks of a stream that is not there.
    DataError
        When SOURCE is not there or no reader knows it.
    """
    from napari_neuroembed.data.importing.kinds import kind_of_source

    named: dict[str, str] = {}
    if args.source is not None:
        named[kind_of_source(args.source, roots, args.reader)] = args.source
    for kind in KINDS:
        for text in getattr(args, kind):
            name, where = _named(kind, text)
            if name in named:
                raise ConfigError(
                    f"--{kind} {text}: there is a stream {name} already. Name the "
                    f"second one: --{kind} NAME={where}."
                )
            named[name] = where
    settings = stream_settings(args, named)
    streams = {
        name: StreamRequest(source=_where(where), **settings[name])
        for name, where in named.items()
    }
    return _request(args, streams, args.animal, args.labels)


def check_flags(args: argparse.Namespace) -> None:
    """Refuse flags that would have no effect beside ``--table`` or without a pattern.

    Raises
    ------
    ConfigError
        Naming each of them and where its value belongs.
    """
    patterns = [f"{kind}-pattern" for kind in (*KINDS, "labels")]
    idle: list[str] = []
    belongs = "a SOURCE"
    if args.table is not None:
        idle = ["animal", "recording", "labels", "sync", *KINDS, *patterns]
        idle += [
            f"{kind}-{what}"
            for kind in KINDS
            for what in ("sync", "sync-frames", "times")
        ]
        belongs = "columns of the table"
    elif args.pattern is not None:
        idle = ["labels", *KINDS]
        belongs = "patterns, e.g. --pose-pattern"
    else:
        idle, belongs = patterns, "a --pattern"
        if args.labels is None:
            _refuse_lonely(
                args, "labels", ("labels-like", "labels-format", "label-option")
            )
    given = [f"--{flag}" for flag in idle if getattr(args, flag.replace("-", "_"))]
    if given:
        beside = "--table" if args.table is not None else "--pattern"
        how = (
            "beside"
            if args.table is not None or args.pattern is not None
            else "without"
        )
        raise ConfigError(
            f"{', '.join(given)} {'have' if len(given) > 1 else 'has'} no effect {how} "
            f"{beside}; what is meant belongs into {belongs}."
        )


def _refuse_lonely(args: argparse.Namespace, kind: str, flags: Iterable[str]) -> None:
    given = [f for f in flags if getattr(args, f.replace("-", "_")) not in (None, [])]
    if given:
        raise ConfigError(
            f"--{given[0]} was given, but no {kind}: name its file with --{kind}."
        )


def template_of(args: argparse.Namespace) -> ImportRequest:
    """Return what the flags say for every recording of a table."""
    return _request(args, {}, "", None)


def pattern_of(args: argparse.Namespace, base: Path) -> PatternRequest:
    """Return how the flags say to find many recordings."""
    from napari_neuroembed.data.importing.pattern import PatternRequest

    patterns = {"neural": args.pattern}
    for kind in (*KINDS, "labels"):
        pattern = getattr(args, f"{kind}_pattern")
        if pattern is not None:
            patterns[kind] = pattern
    settings = stream_settings(args, patterns)
    streams = {
        name: StreamRequest(source="", **settings[name])
        for name in patterns
        if name != "labels"
    }
    return PatternRequest(
        patterns=patterns,
        base=base,
        streams=streams,
        name=args.recording,
        animal=args.animal or None,
        template=_request(args, {}, "", None),
    )


def stream_settings(
    args: argparse.Namespace, streams: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return what the flags say about each stream, as StreamRequest takes it.

    Raises
    ------
    ConfigError
        When a flag speaks of a stream that is not there.
    """
    found = {name: _of_kind(args, name) for name in streams}
    _check_kinds(args, found)
    first = next(iter(found), "neural")
    if first in found:
        found[first] |= _given(rate_hz=args.rate, reader=args.reader)
    for name, line in lines_of(args, found).items():
        found[name]["line"] = line
    _add_sync(args, found, first)
    for name, other in pairs(args.like, "--like").items():
        _known(found, name, "--like")["like"] = other
    for flag, kind in (("unit", "scalar"), ("individual", "pose")):
        for name, value in _values(getattr(args, flag), found, kind, flag).items():
            _known(found, name, f"--{flag}").setdefault("options", {})[flag] = value
    for path, text in pairs(args.reader_option, "--reader-option").items():
        name, _, key = path.partition(".")
        options = _known(found, name, "--reader-option").setdefault("options", {})
        options[key] = option_value(text, "--reader-option")
    for role, text in pairs(args.channel, "--channel").items():
        if not text.isdigit():
            raise ConfigError(f"--channel {role}={text}: expected a number from 0.")
        _known(found, first, "--channel").setdefault("channels", {})[role] = int(text)
    return found


def _add_sync(
    args: argparse.Namespace, found: dict[str, dict[str, Any]], first: str
) -> None:
    """Give ``--sync`` to the pose, another second stream, or the only one."""
    if args.sync in (None, NO_SYNC):
        return
    others = [name for name in found if name != first]
    target = "pose" if "pose" in found else next(iter(others), first)
    found[target]["sync_file"] = args.sync
    if target == first:
        found[target]["sync_kind"] = "timestamps"


def _add_repeated(group: Any, flag: str, metavar: str, text: str) -> None:
    group.add_argument(
        flag, action="append", default=[], metavar=metavar, help=f"{text}; repeatable"
    )


def _add_streams(parser: argparse.ArgumentParser) -> None:
    streams = parser.add_argument_group("streams and their clocks")
    streams.add_argument(
        "--rate", type=float, metavar="HZ", help="frames per second of SOURCE"
    )
    streams.add_argument("--reader", help="reader of SOURCE (default: by content)")
    for kind in KINDS:
        _add_repeated(streams, f"--{kind}", "[NAME=]F", _HELP[kind])
        streams.add_argument(
            f"--{kind}-rate", type=float, metavar="HZ", help="its frames per second"
        )
        streams.add_argument(
            f"--{kind}-start",
            type=float,
            metavar="S",
            help="when its first frame opens, seconds after that of SOURCE",
        )
        streams.add_argument(f"--{kind}-reader", metavar="NAME", help="its reader")
        streams.add_argument(
            f"--{kind}-sync", metavar="F", help="frame of SOURCE for each of its frames"
        )
        streams.add_argument(
            f"--{kind}-sync-frames",
            metavar="F",
            help="which of its frames that map is about; default all",
        )
        streams.add_argument(
            f"--{kind}-times", metavar="F", help="time of each of its frames, s"
        )
    streams.add_argument(
        "--sync",
        metavar="F",
        help="map of the pose (or other second stream); alone: times of SOURCE; or a "
        "ThorSync folder or file; none: leave the one beside SOURCE",
    )
    _add_repeated(streams, "--like", "STREAM=OTHER", "two streams on one clock")
    _add_repeated(streams, "--unit", "[STREAM=]UNIT", "e.g. cm/s; of the scalars")
    _add_repeated(
        streams,
        "--individual",
        "[STREAM=]NAME",
        "which animal of a file of several; of the poses",
    )
    _add_repeated(streams, "--channel", "ROLE=N", "e.g. functional=0")
    _add_repeated(
        streams, "--reader-option", "STREAM.KEY=VALUE", "e.g. neural.axes=TCYX"
    )


def _of_kind(args: argparse.Namespace, name: str) -> dict[str, Any]:
    kind = name.partition("_")[0]
    if kind not in KINDS:
        return {}
    sync, times = getattr(args, f"{kind}_sync"), getattr(args, f"{kind}_times")
    if sync is not None and times is not None:
        raise ConfigError(f"Give --{kind}-sync or --{kind}-times, not both.")
    frames = getattr(args, f"{kind}_sync_frames")
    if frames is not None and sync is None:
        raise ConfigError(
            f"--{kind}-sync-frames {frames}: give the map, --{kind}-sync."
        )
    return _given(
        rate_hz=getattr(args, f"{kind}_rate"),
        start_s=getattr(args, f"{kind}_start"),
        reader=getattr(args, f"{kind}_reader"),
        sync_file=sync or times,
        sync_kind="timestamps" if times is not None else None,
        sync_frames=frames,
    )


def _check_kinds(args: argparse.Namespace, streams: Iterable[str]) -> None:
    """Refuse settings of a kind of stream that is not imported."""
    for kind in sorted(set(KINDS) - {name.partition("_")[0] for name in streams}):
        _refuse_lonely(args, kind, [f"{kind}-{what}" for what in _SETTINGS])


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _named(kind: str, text: str) -> tuple[str, str]:
    """Read ``F`` as the stream `kind`, ``speed=F`` as ``scalar_speed``."""
    name, equals, where = text.partition("=")
    if not equals or "/" in name or Path(text).exists():
        return kind, text
    return (name if name.startswith(kind) else f"{kind}_{name}"), where


def _where(text: str) -> str | Path:
    return text if is_source(text) else Path(text)


def _values(
    texts: Iterable[str], streams: Iterable[str], kind: str, flag: str
) -> dict[str, str]:
    """Read ``[STREAM=]VALUE``; without a stream it is meant for all of a kind."""
    values: dict[str, str] = {}
    names = [name for name in streams if name.startswith(kind)]
    for text in texts:
        if "=" in text:
            values |= pairs([text], f"--{flag}")
        elif not names and flag == "individual":
            raise ConfigError(f"--{flag} {text}: there is no {kind} in this import.")
        else:
            values |= dict.fromkeys(names, text)
    return values


def _known(streams: dict[str, dict[str, Any]], name: str, flag: str) -> dict[str, Any]:
    if name not in streams:
        raise ConfigError(
            f"{flag}: there is no stream {name!r} in this import. Streams: "
            f"{', '.join(streams) or 'none'}."
        )
    return streams[name]


def _request(
    args: argparse.Namespace,
    streams: Mapping[str, StreamRequest],
    animal: str,
    labels: str | None,
) -> ImportRequest:
    roots = {n: Path(f).resolve() for n, f in pairs(args.root, "--root").items()}
    options = {
        key: option_value(text, "--label-option")
        for key, text in pairs(args.label_option, "--label-option").items()
    }
    return ImportRequest(
        animal=animal,
        streams=streams,
        recording=args.recording if streams else None,
        covariates=parse_assignments(args.covariate),
        labels=labels,
        rater=args.rater,
        labels_like=args.labels_like,
        labels_start_s=args.labels_start,
        label_format=args.labels_format,
        multi_label=args.multi_label,
        label_options=options,
        salvage=args.salvage,
        roots=roots,
        thor=thor_request(args),
    )
