"""The flags of ``neuroembed import`` that speak of ThorSync and its cameras."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from napari_neuroembed.cli.flags import pairs
from napari_neuroembed.data.importing.request import ThorRequest
from napari_neuroembed.data.project.roots import is_source
from napari_neuroembed.errors import ConfigError

NO_SYNC = "none"
"""What ``--sync`` says to leave a ThorSync file alone."""


def add_thor_flags(parser: argparse.ArgumentParser) -> None:
    """Add what names lines, settings and lost frames."""
    group = parser.add_argument_group(
        "a ThorLabs folder",
        "SOURCE is the ThorImage folder or one above it; what lies there is found. "
        "--sync names the ThorSync folder or file where several may be meant.",
    )
    group.add_argument(
        "--camera-line",
        metavar="NAME",
        help="ThorSync line of the camera's pulses (default Cameras or Basler)",
    )
    group.add_argument(
        "--line",
        action="append",
        default=[],
        metavar="STREAM=NAME",
        help="line of another stream; repeatable",
    )
    group.add_argument(
        "--capture", metavar="F", help="capture_metadata.json: which frames were lost"
    )
    group.add_argument(
        "--camera", metavar="NAME", help="its camera, where they lost different frames"
    )
    group.add_argument(
        "--sync-settings",
        metavar="F",
        help="ThorRealTimeDataSettings.xml (default: beside the ThorSync file)",
    )
    group.add_argument(
        "--sync-rate", type=float, metavar="HZ", help="samples per second without it"
    )


def thor_request(args: argparse.Namespace) -> ThorRequest:
    """Return what the flags say about ThorSync.

    Raises
    ------
    ConfigError
        When the sampling rate is not above 0.
    """
    if args.sync_rate is not None and not 0 < args.sync_rate < float("inf"):
        raise ConfigError(f"--sync-rate {args.sync_rate:g}: expected more than 0.")
    return ThorRequest(
        is_used=args.sync != NO_SYNC,
        settings=_where(args.sync_settings),
        sample_rate_hz=args.sync_rate,
        capture=_where(args.capture),
        camera=args.camera,
    )


def lines_of(args: argparse.Namespace, streams: Collection[str]) -> dict[str, str]:
    """Return the line of each stream that has one named.

    Raises
    ------
    ConfigError
        When a flag speaks of a stream that is not there.
    """
    found: dict[str, str] = {}
    if args.camera_line is not None:
        filmed = [name for name in streams if name.startswith(("pose", "video"))]
        if not filmed:
            raise ConfigError(
                f"--camera-line {args.camera_line}: there is no pose and no film. Give "
                "one with --pose FILE or --video FILE."
            )
        first = "pose" if "pose" in filmed else filmed[0]
        found[first] = args.camera_line
    for name, line in pairs(args.line, "--line").items():
        if name not in streams:
            raise ConfigError(
                f"--line {name}={line}: there is no stream {name!r}. Streams: "
                f"{', '.join(streams) or 'none'}."
            )
        found[name] = line
    return found


def _where(text: str | None) -> str | Path | None:
    return text if text is None or is_source(text) else Path(text)
