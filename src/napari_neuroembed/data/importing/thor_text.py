"""What was found in a ThorLabs folder, line by line, for people."""

from __future__ import annotations

from pathlib import Path

from napari_neuroembed.data.importing.thor_folder import ThorFolder
from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.recording import Kind
from napari_neuroembed.errors import NeuroembedError

_SHOWN = 4


def found_text(folder: ThorFolder) -> str:
    """Return a line for the images, clock, cameras, ball, poses and films.

    Files that cannot be read have their reason instead; nothing is refused here.
    """
    lines = [f"ThorLabs recording in {folder.base}"]
    rows = [("images", path, _images) for path in folder.images[:_SHOWN]]
    rows += [("clock", path, sync_text) for path in folder.syncs[:_SHOWN]]
    rows += [("cameras", path, capture_text) for path in folder.captures[:_SHOWN]]
    for word, path, describe in rows:
        try:
            text = describe(path)
        except NeuroembedError as error:
            text = f"not read: {error}"
        lines.append(f"  {word:<8} {folder.short(path)}: {text}")
    if not folder.syncs:
        lines.append(
            "  clock    no ThorSync file here: the rate is that of Experiment.xml. "
            "Give one with --sync FOLDER"
        )
    lines += [
        f"  ball     {folder.short(path)}: import it with --scalar ball={path}"
        for path in folder.flows[:_SHOWN]
    ]
    lines += [
        f"  poses?   {folder.short(path)}: import it with --pose {path}"
        for path in folder.poses[:_SHOWN]
    ]
    lines += [
        f"  film     {folder.short(path)}: import it with --video {path}"
        for path in folder.films[:_SHOWN]
    ]
    return "\n".join(lines)


def sync_text(path: Path) -> str:
    """Return what a ThorSync file holds: its rate, counts and lines that rise.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    from napari_neuroembed.data.readers.thor.sync_file import (
        COUNTER,
        SETTINGS,
        line_steps,
        read_sample_rate,
        read_sync_file,
    )

    found = read_sync_file(path)
    parts = [f"ThorSync, {found.n_samples:,} samples per line"]
    settings = path.parent / SETTINGS
    if settings.is_file():
        hz, board = read_sample_rate(settings)
        seconds = found.n_samples / hz
        parts[0] += f" at {hz:,.0f} per second ({board}), {seconds:.2f} s"
    else:
        parts[0] += f", no {SETTINGS} beside it (give --sync-rate HZ)"
    counter = found.find(COUNTER)
    if counter is not None:
        steps = line_steps(path, counter)
        total = int(steps.values[-1]) if len(steps) else steps.first
        parts.append(f"{counter.partition('/')[2]} counts {total:,}")
    rises = {
        line: len(line_steps(path, f"DI/{line}")) for line in found.lines.get("DI", ())
    }
    moving = [f"{line} {n:,}" for line, n in rises.items() if n]
    still = [line for line, n in rises.items() if not n]
    parts.append(f"lines that rise: {', '.join(moving) or 'none'}")
    if still:
        parts.append(f"silent: {', '.join(still)}")
    return "; ".join(parts)


def _images(path: Path) -> str:
    from napari_neuroembed.data.readers import find_reader
    from napari_neuroembed.data.readers.base import Source

    source = Source((path,))
    kinds: tuple[Kind, ...] = ("neural",)
    about = find_reader(source, kinds).describe(source, {})
    names = about.facts["channels"]
    text = (
        f"{counted(about.shape[0], 'frame')} of {about.shape[-2]} x {about.shape[-1]}, "
        f"{counted(len(names), 'channel')} ({', '.join(names)})"
    )
    slices = about.facts["slices"]
    if slices > 1:
        text += f", {slices} slices"
    if about.rate_hz is not None:
        text += f", {about.rate_hz:g} per second ({about.rate_origin})"
    return f"{text}, {about.facts['date']}, {about.facts['microscope']}"


def capture_text(path: Path) -> str:
    """Return what a capture_metadata.json says.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    from napari_neuroembed.data.readers.thor.capture import read_capture

    found = read_capture(path)
    saved = {name: len(n) for name, n in found.numbers.items()}
    lost = {name: found.n_taken - n for name, n in saved.items() if n < found.n_taken}
    text = f"{counted(len(saved), 'camera')}, {found.n_taken:,} frames each"
    if found.fps:
        text += f" at {found.fps:g} per second"
    if lost:
        listed = ", ".join(f"camera {name}: {n:,}" for name, n in lost.items())
        text += f", lost frames: {listed}"
    return text
