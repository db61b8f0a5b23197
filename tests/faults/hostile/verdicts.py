"""What a trial came to, beside what the same trial says of the good file.

The oracle knows the good file and nothing of the reader. It cannot tell a damaged
pixel from one that was measured, and neither can any reader of a format without
checksums; so other values in frames of the right number, shape and type are a verdict
of their own, and everything less than that is silently wrong.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from tests.faults.hostile.sandbox import Report

Verdict = Literal["refused", "whole", "other values", "silently wrong", "hang", "crash"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""Refused with a message for the user; opened with every frame equal; opened with
frames of the same number, shape and type but other values; opened with fewer, more or
other frames and no word about it; no end within the limit; an error that nobody
foresaw, or a signal."""


def verdict(report: Report, good: dict[str, Any]) -> Verdict:
    """Judge one trial.

    Parameters
    ----------
    report
        How the trial of a damaged file ended.
    good
        What the same trial told of the good file.
    """
    if report.end == "hang":
        return "hang"
    if report.end != "done":
        return "crash"
    told = report.told
    if told["outcome"] == "refused":
        return "refused"
    if any(told.get(key) != good.get(key) for key in ("shape", "dtype")):
        return "silently wrong"
    if len(told["frames"]) != len(good["frames"]):
        return "silently wrong"
    return "whole" if told["frames"] == good["frames"] else "other values"
