"""Which page is which frame, plane and channel, and whether the stamps agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.scanimage.header import Header
from napari_neuroembed.data.readers.scanimage.stamps import Stamps


@dataclass(frozen=True)
class Order:
    """The pages of one plane.

    Parameters
    ----------
    page
        Number of the page among all pages, shape (time, channel).
    n_flyback
        Pages of the way back that are left out.
    n_left
        Pages at the end that are no whole volume.
    problems, notes
        What is wrong, and what a person should know.
    """

    page: NDArray[np.int64]
    n_flyback: int
    n_left: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def order_pages(header: Header, stamps: Stamps, plane: int, name: str) -> Order:
    """Return the pages of a plane: channels take turns fastest, then the slices.

    Every acquisition begins with a whole volume; a new one begins where the frame
    numbers start again.
    """
    pages: list[NDArray[np.int64]] = []
    problems: list[Problem] = []
    n_flyback = n_left = 0
    for start, stop in _acquisitions(stamps):
        page, back, left = _of_plane(header, plane, stop - start)
        pages.append(start + page)
        n_flyback += back
        n_left += left
        if left:
            problems.append(_indivisible(header, stop - start, left, name))
    turns = _channel_turns(header, stamps, name)
    lost, notes = ([], []) if turns else _lost(header, stamps, name)
    return Order(
        np.concatenate(pages),
        n_flyback,
        n_left,
        (*problems, *turns, *lost),
        tuple(notes),
    )


def _acquisitions(stamps: Stamps) -> list[tuple[int, int]]:
    """Return first page and end of every acquisition."""
    n = len(stamps.number)
    starts = [0]
    if stamps.has_numbers:
        back = np.flatnonzero(np.diff(stamps.number) < 0) + 1
        starts += back.tolist()
    return list(zip(starts, [*starts[1:], n], strict=True))


def _of_plane(header: Header, plane: int, n: int) -> tuple[NDArray[np.int64], int, int]:
    """Return the pages of a plane among `n`, pages of the way back, and pages left."""
    channels, frames = len(header.channels), header.per_slice
    shown = header.n_slices * frames * channels
    volumes, left = divmod(n, header.per_volume)
    n_flyback = volumes * (header.per_volume - shown)
    if left >= shown:  # the last volume lacks the way back only
        volumes, n_flyback, left = volumes + 1, n_flyback + left - shown, 0
    volume = np.arange(volumes)[:, None, None] * header.per_volume
    frame = (plane * frames + np.arange(frames))[None, :, None] * channels
    page = volume + frame + np.arange(channels)
    return page.reshape(-1, channels), n_flyback, left


def _indivisible(header: Header, n: int, left: int, name: str) -> Problem:
    channels = len(header.channels)
    frames = "" if header.per_slice == 1 else f" x {header.per_slice} frames per slice"
    back = "" if not header.n_flyback else f" + {header.n_flyback} of the way back"
    text = (
        f"{n:,} pages are no whole number of {channels} channels x {header.n_slices} "
        f"slices{frames}{back}: {left} pages of {header.per_volume} remain. Probably "
        "the recording was stopped within a volume: --salvage leaves that one out. If "
        f"the header is wrong, say n_slices: {header.n_slices}, n_flyback: "
        f"{header.n_flyback} or n_channels: {channels} as they are."
    )
    return Problem("scanimage.indivisible", "error", text, name)


def _channel_turns(header: Header, stamps: Stamps, name: str) -> list[Problem]:
    """Check that the pages of one frame bear one stamp."""
    channels = len(header.channels)
    whole = len(stamps.number) // channels * channels
    for what, values in (("number", stamps.number), ("time", stamps.time_s)):
        rows = values[:whole].reshape(-1, channels)
        is_known = stamps.has_numbers if what == "number" else stamps.has_times
        odd = np.flatnonzero((rows != rows[:, :1]).any(axis=1))
        if is_known and odd.size:
            at = int(odd[0]) * channels
            text = (
                f"the header says {channels} channels, but pages {at} to "
                f"{at + channels - 1}, which would be those of one frame, have the "
                f"{what}s {', '.join(f'{v:g}' for v in rows[odd[0]])}. If fewer were "
                "saved say n_channels: 1."
            )
            return [Problem("scanimage.layout", "error", text, name)]
    return []


def _lost(header: Header, stamps: Stamps, name: str) -> tuple[list[Problem], list[str]]:
    """Look for frames that the numbering says were never saved."""
    channels, per_volume = len(header.channels), header.per_volume
    frames = stamps.number[::channels]
    if not stamps.has_numbers or len(frames) < 2:
        return [], []
    steps = np.diff(frames)
    rising = steps[steps > 0]
    usual = int(np.median(rising)) if rising.size else 1
    jumps = np.flatnonzero(steps > usual)
    begun = int(frames[0]) // usual - 1
    if header.is_volume and begun > 0 and begun * channels % per_volume:
        text = (
            f"its first page is frame {frames[0]} of the acquisition, which is within "
            f"a volume of {per_volume // channels} frames, so that it is not known "
            "which plane it shows. Give the earlier files too."
        )
        return [Problem("scanimage.lost", "error", text, name)], []
    if not jumps.size or _is_unsaved_flyback(header, steps, jumps):
        return [], []
    lost = int((steps[jumps] // usual - 1).sum())
    first = int(jumps[0])
    told = (
        f"{lost:,} frames were not saved (first: after frame number {frames[first]} "
        f"comes {frames[first + 1]}, at page {(first + 1) * channels})"
    )
    if header.is_volume:
        text = (
            f"{told}, so that planes after that would be taken for each other. If it "
            "is the way back that was not saved, say n_flyback: 0."
        )
        return [Problem("scanimage.lost", "error", text, name)], []
    if not stamps.has_times:
        text = f"{told}, and no times say when. Give the times of all frames: --sync."
        return [Problem("scanimage.lost", "error", text, name)], []
    return [], [f"{told}; they are gaps in time"]


def _is_unsaved_flyback(
    header: Header, steps: NDArray[np.int64], jumps: NDArray[np.int64]
) -> bool:
    """Whether numbers jump equally after every volume and nowhere else."""
    if not header.is_volume or header.n_flyback:
        return False
    every = header.per_volume // len(header.channels)
    ends = np.arange(every - 1, len(steps), every)
    return np.array_equal(jumps, ends) and len(set(steps[jumps].tolist())) == 1
