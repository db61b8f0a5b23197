"""How long work tells how far it is, and learns that it should stop."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """A callable that long work calls about once per batch.

    It may raise :class:`napari_neuroembed.errors.Cancelled`; the work lets that pass,
    so that its unfinished ``.partial`` files are removed on the way out.
    """

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Say that `done` of `total` items of `stage` are finished."""


def silent(stage: str, done: int, total: int, message: str = "") -> None:
    """Report to nobody; the default of every long function."""
    del stage, done, total, message


def time_left(elapsed_s: float, done: int, total: int) -> str:
    """Return the time left as ``1:05``, or nothing when nobody can know.

    Examples
    --------
    >>> time_left(10.0, 20, 150)
    '1:05'
    """
    if done <= 0 or total <= 0 or done > total:
        return ""
    seconds = round(elapsed_s * (total - done) / done)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
