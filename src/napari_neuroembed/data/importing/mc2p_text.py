"""What was found in a folder of the MC2P data set, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from napari_neuroembed.data.importing.mc2p_folder import Mc2pFrames, Mc2pRecording
from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.readers.mc2p.names import ROLES

if TYPE_CHECKING:
    from napari_neuroembed.data.importing.mc2p_checks import Mc2pLook
    from napari_neuroembed.data.readers.labels import LabelFile

_HEAD = (
    *("recording", "images", "minutes", "camera frames", "without image"),
    "frames/image",
)


def found_text(
    recordings: Sequence[Mc2pRecording],
    frames: Mapping[str, Mc2pFrames],
    rate_hz: float | None = None,
) -> str:
    """Return a line per recording and the totals.

    Parameters
    ----------
    recordings
        See :func:`napari_neuroembed.data.importing.mc2p_folder.find_recordings`.
    frames
        By name of the recording.
    rate_hz
        Images per second, when it is known; minutes follow from it.
    """
    rows = [_HEAD, *(_row(one, frames[one.id], rate_hz) for one in recordings)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    animals = {one.name.animal for one in recordings if one.name}
    n_images = sum(f.images or 0 for f in frames.values())
    total = (
        f"{counted(len(recordings), 'recording')} of "
        f"{counted(len(animals), 'animal')}, {n_images:,} images"
    )
    if rate_hz:
        total += f", {n_images / rate_hz / 60:.1f} minutes at {rate_hz:g} per second"
    ignored = sorted({p.name for one in recordings for p in one.files.get("", ())})
    if ignored:
        shown = ", ".join(ignored[:8]) + (" ..." if len(ignored) > 8 else "")
        total += f". Nothing is made of {shown}"
    return "\n".join([*lines, f"{total}."])


def looked_at(found: Mc2pLook) -> str:
    """Return what recordings of the data set hold, file by file where there is one."""
    text = f"MC2P data set\n{found_text(found.recordings, found.frames)}"
    if len(found.recordings) > 1:
        return text
    (one,) = found.recordings
    lines = [
        f"  {ROLES[role].what}: {', '.join(path.name for path in paths)}"
        for role, paths in one.files.items()
        if role
    ]
    return "\n".join([text, *lines])


def actions_text(file: LabelFile) -> str:
    """Return how often every action was labelled, in how many recordings.

    Examples
    --------
    >>> from pathlib import Path
    >>> from napari_neuroembed.data.bouts import Bouts
    >>> from napari_neuroembed.data.readers.labels import LabelFile
    >>> one = Bouts([0.0], [1.0], ("rest",), [True])
    >>> print(actions_text(LabelFile(Path("a"), "csv-intervals", {("r", ""): one})))
    actions: rest (1 bout in 1 recording)
    """
    told = []
    for name, count in file.actions().items():
        n = len({r for (r, _), bouts in file.by_rater.items() if name in bouts.action})
        told.append(f"{name} ({counted(count, 'bout')} in {counted(n, 'recording')})")
    return f"actions: {_listed(told)}"


def _row(
    one: Mc2pRecording, frames: Mc2pFrames, rate_hz: float | None
) -> tuple[str, ...]:
    minutes = "-"
    if frames.images is not None and rate_hz:
        minutes = f"{frames.images / rate_hz / 60:.1f}"
    ratio = frames.poses_per_image
    return (
        one.id,
        _count(frames.images),
        minutes,
        _count(frames.poses),
        _count(None if frames.mapped is None else frames.unmapped),
        "-" if ratio is None else f"{ratio:.2f}",
    )


def _count(n: int | None) -> str:
    return "-" if n is None else f"{n:,}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"
